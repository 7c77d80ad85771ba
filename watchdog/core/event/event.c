#include "watchdog/core/event/event.h"

#include <math.h>

WdEvent *
wd_event_new(WdEventKind kind, WdRole role, const char *name, const char *path)
{
  WdEvent *event = g_new0(WdEvent, 1);
  event->kind = kind;
  event->role = role;
  event->name = g_strdup(name);
  event->path = g_strdup(path);
  event->pid = WD_NONE;
  event->measured = WD_NONE;
  event->limit_value = WD_NONE;
  event->utilization = NAN;
  event->utilization_limit = WD_NONE;
  event->sustained_s = WD_NONE;
  event->exit_code = WD_NONE;
  event->exit_signal = WD_NONE;
  event->duration_ms = WD_NONE;
  event->lifetime_ms = WD_NONE;
  event->delay_s = WD_NONE;
  event->restarts = WD_NONE;
  return event;
}

WdEvent *
wd_event_copy(const WdEvent *event)
{
  WdEvent *copy = g_new(WdEvent, 1);
  *copy = *event;
  copy->name = g_strdup(event->name);
  copy->path = g_strdup(event->path);
  copy->query_name = g_strdup(event->query_name);
  copy->query = g_strdup(event->query);
  copy->details = g_strdup(event->details);
  copy->message = g_strdup(event->message);
  return copy;
}

void
wd_event_free(WdEvent *event)
{
  if (event == NULL)
    return;
  g_free(event->name);
  g_free(event->path);
  g_free(event->query_name);
  g_free(event->query);
  g_free(event->details);
  g_free(event->message);
  g_free(event);
}

/* Switches rather than arrays: -Wswitch-enum then finds a member without its word. */

const char *
wd_event_kind_name(WdEventKind kind)
{
  switch (kind) {
  case WD_EVENT_WATCHDOG_STARTED:
    return "watchdog_started";
  case WD_EVENT_WATCHDOG_STOPPED:
    return "watchdog_stopped";
  case WD_EVENT_WATCHDOG_CRASHED:
    return "watchdog_crashed";
  case WD_EVENT_PROCESS_STARTED:
    return "process_started";
  case WD_EVENT_PROCESS_EXITED:
    return "process_exited";
  case WD_EVENT_LIMIT_EXCEEDED:
    return "limit_exceeded";
  case WD_EVENT_PROCESS_TERMINATED:
    return "process_terminated";
  case WD_EVENT_WOULD_TERMINATE:
    return "would_terminate";
  case WD_EVENT_TERMINATION_STUCK:
    return "termination_stuck";
  case WD_EVENT_RESPAWN_DELAYED:
    return "respawn_delayed";
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return "respawn_limit_reached";
  case WD_EVENT_SPAWN_FAILED:
    return "spawn_failed";
  case WD_EVENT_EXTENSION_REGISTERED:
    return "extension_registered";
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return "extension_unregistered";
  case WD_EVENT_QUERY_DENYLISTED:
    return "query_denylisted";
  case WD_EVENT_SETTINGS_CHANGED:
    return "settings_changed";
  case WD_EVENT_EVENTS_LOST:
    return "events_lost";
  case WD_EVENT_HISTORY_RECOVERED:
    return "history_recovered";
  }
  g_assert_not_reached();
}

const char *
wd_role_name(WdRole role)
{
  switch (role) {
  case WD_ROLE_WATCHDOG:
    return "watchdog";
  case WD_ROLE_WORKER:
    return "worker";
  case WD_ROLE_EXTENSION:
    return "extension";
  }
  g_assert_not_reached();
}

const char *
wd_reason_name(WdReason reason)
{
  switch (reason) {
  case WD_REASON_NONE:
    return NULL;
  case WD_REASON_MEMORY:
    return "memory";
  case WD_REASON_CPU:
    return "cpu";
  case WD_REASON_OOM:
    return "oom";
  case WD_REASON_EXIT:
    return "exit";
  case WD_REASON_SIGNAL:
    return "signal";
  case WD_REASON_REQUEST:
    return "request";
  case WD_REASON_SPAWN:
    return "spawn";
  case WD_REASON_HEALTH:
    return "health";
  case WD_REASON_REGISTRATION:
    return "registration";
  case WD_REASON_WORKER_GONE:
    return "worker_gone";
  case WD_REASON_SETTINGS:
    return "settings";
  case WD_REASON_REBOOT:
    return "reboot";
  }
  g_assert_not_reached();
}

const char *
wd_unit_name(WdUnit unit)
{
  switch (unit) {
  case WD_UNIT_NONE:
    return NULL;
  case WD_UNIT_BYTES:
    return "bytes";
  case WD_UNIT_MS:
    return "ms";
  }
  g_assert_not_reached();
}

const char *
wd_outcome_name(WdOutcome outcome)
{
  switch (outcome) {
  case WD_OUTCOME_NONE:
    return NULL;
  case WD_OUTCOME_GRACEFUL:
    return "graceful";
  case WD_OUTCOME_KILLED:
    return "killed";
  case WD_OUTCOME_STUCK:
    return "stuck";
  case WD_OUTCOME_INTERRUPTED:
    return "interrupted";
  }
  g_assert_not_reached();
}

char *
wd_signals_text(WdSignals signals)
{
  g_autofree char *text = g_strconcat(signals & WD_SIGNALS_USR1 ? ",USR1" : "",
                                      signals & WD_SIGNALS_TERM ? ",TERM" : "",
                                      signals & WD_SIGNALS_KILL ? ",KILL" : "", NULL);
  return text[0] == ',' ? g_strdup(text + 1) : NULL;
}
