#include "watchdog/core/event/log-fields.h"

#include <string.h>
#include <syslog.h>

/* The message ids never change, because people filter the journal by them. */
static const struct {
  int priority;
  const char *message_id;
} KINDS[] = {
    [WD_EVENT_WATCHDOG_STARTED] = {LOG_INFO, "566089effac1461890123f735a5b815a"},
    [WD_EVENT_WATCHDOG_STOPPED] = {LOG_NOTICE, "4931aacb1acb486d9c32b418fba0b3f5"},
    [WD_EVENT_WATCHDOG_CRASHED] = {LOG_ERR, "1e263b9c652c448496d48985dfc547e2"},
    [WD_EVENT_PROCESS_STARTED] = {LOG_INFO, "6a97c96144564c86953a45e53ffd9194"},
    [WD_EVENT_PROCESS_EXITED] = {LOG_WARNING, "826b6cdc47854a92a5b9431c1411db47"},
    [WD_EVENT_LIMIT_EXCEEDED] = {LOG_WARNING, "c19eda393f554c87a918fa3dd668c4cb"},
    [WD_EVENT_PROCESS_TERMINATED] = {LOG_NOTICE, "aae317bd6a6a4226bbae846819f2a159"},
    [WD_EVENT_WOULD_TERMINATE] = {LOG_WARNING, "c45a378a44b54259b9d73f775ce98811"},
    [WD_EVENT_TERMINATION_STUCK] = {LOG_ERR, "64c75e0ee44f49718071d7beee3b41dc"},
    [WD_EVENT_RESPAWN_DELAYED] = {LOG_WARNING, "4007000bc79d44559fde8ee329307820"},
    [WD_EVENT_RESPAWN_LIMIT_REACHED] = {LOG_ERR, "9e36896c0b5d40f1b5ddbe8f8fb71bab"},
    [WD_EVENT_SPAWN_FAILED] = {LOG_ERR, "b92a4c902ded43d2a2c49d58ad9b706d"},
    [WD_EVENT_EXTENSION_REGISTERED] = {LOG_INFO, "af0b93962bd944b4919208ac086c5413"},
    [WD_EVENT_EXTENSION_UNREGISTERED] = {LOG_WARNING, "8f2c3d2819fa4d60a33800856b38477c"},
    [WD_EVENT_UNRESPONSIVE] = {LOG_WARNING, "4a24132ee9844ad7a01584f327c48448"},
    [WD_EVENT_RESPONSIVE] = {LOG_NOTICE, "3d59cb8fcfb949ba8135cf39c0b736c8"},
    [WD_EVENT_QUERY_DENYLISTED] = {LOG_WARNING, "213311d8183542949c9d09c64578d776"},
    [WD_EVENT_SETTINGS_CHANGED] = {LOG_NOTICE, "3d0826a2155b4ddb9be8f045f56dceab"},
    [WD_EVENT_EVENTS_LOST] = {LOG_ERR, "913aec345c114a198d3e7abdc91714e7"},
    [WD_EVENT_HISTORY_RECOVERED] = {LOG_ERR, "1991417c12f5461699dcd93100dc08ec"},
};

int
wd_event_priority(WdEventKind kind)
{
  return KINDS[kind].priority;
}

#define GLOG_START "MMDD "

int
wd_line_priority(const char *line, gsize length)
{
  gsize digits = 1;
  while (digits < length && g_ascii_isdigit(line[digits]))
    digits++;
  if (digits != strlen(GLOG_START) || digits >= length || line[digits] != ' ')
    return LOG_INFO;
  switch (line[0]) {
  case 'W':
    return LOG_WARNING;
  case 'E':
    return LOG_ERR;
  case 'F':
    return LOG_CRIT;
  default:
    return LOG_INFO;
  }
}

static void
add_text(GStrvBuilder *fields, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_autofree char *field = g_strconcat(name, "=", value, NULL);
  g_strv_builder_add(fields, field);
}

static void
add_number(GStrvBuilder *fields, const char *name, gint64 value)
{
  if (value == WD_NONE)
    return;
  g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
  add_text(fields, name, text);
}

char **
wd_event_log_fields(const WdEvent *event)
{
  g_autoptr(GStrvBuilder) fields = g_strv_builder_new();
  add_text(fields, "MESSAGE", event->message);
  add_number(fields, "PRIORITY", wd_event_priority(event->kind));
  add_text(fields, "SYSLOG_IDENTIFIER", "osquery-watchdogd");
  add_text(fields, "MESSAGE_ID", KINDS[event->kind].message_id);
  add_text(fields, "OSQUERY_WATCHDOG_EVENT", wd_event_kind_name(event->kind));
  add_text(fields, "OSQUERY_WATCHDOG_ROLE", wd_role_name(event->role));
  add_text(fields, "OSQUERY_WATCHDOG_NAME", event->name);
  add_text(fields, "OSQUERY_WATCHDOG_PATH", event->path);
  add_number(fields, "OSQUERY_WATCHDOG_PID", event->pid);
  add_text(fields, "OSQUERY_WATCHDOG_REASON", wd_reason_name(event->reason));
  add_number(fields, "OSQUERY_WATCHDOG_MEASURED", event->measured);
  add_number(fields, "OSQUERY_WATCHDOG_LIMIT", event->limit_value);
  add_number(fields, "OSQUERY_WATCHDOG_PEAK", event->peak_bytes);
  add_text(fields, "OSQUERY_WATCHDOG_UNIT", wd_unit_name(event->unit));
  add_text(fields, "OSQUERY_WATCHDOG_OUTCOME", wd_outcome_name(event->outcome));
  add_number(fields, "OSQUERY_WATCHDOG_EXIT_CODE", event->exit_code);
  add_number(fields, "OSQUERY_WATCHDOG_EXIT_SIGNAL", event->exit_signal);
  add_number(fields, "OSQUERY_WATCHDOG_CORE_DUMPED", event->core_dumped);
  add_text(fields, "OSQUERY_WATCHDOG_SIGNALS", wd_signals_text(event->signals_sent));
  add_number(fields, "OSQUERY_WATCHDOG_DURATION_MS", event->duration_ms);
  add_text(fields, "OSQUERY_WATCHDOG_ORIGIN", wd_origin_name(event->origin));
  add_text(fields, "OSQUERY_WATCHDOG_QUERY_NAME", event->query_name);
  add_text(fields, "OSQUERY_WATCHDOG_QUERY", event->query);
  add_text(fields, "OSQUERY_WATCHDOG_THREAD", event->thread);
  add_text(fields, "OSQUERY_WATCHDOG_LAST_OUTPUT", event->last_output);
  add_text(fields, "OSQUERY_WATCHDOG_DETAILS", event->details);
  return g_strv_builder_end(fields);
}
