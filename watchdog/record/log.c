#include "watchdog/record/log.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

#include "watchdog/core/event/log-fields.h"
#include "watchdog/core/event/safe-text.h"
#include "watchdog/record/journal.h"
#include "watchdog/record/outlet.h"
#include "watchdog/record/stderr.h"

#define IDENTIFIER "osquery-watchdogd"
/* Of lines that may wait for a slow syslog; more are dropped. */
#define SYSLOG_ROOM (256 * 1024)
#define FINISH_WAIT_US (1 * G_TIME_SPAN_SECOND)

typedef struct {
  int priority;
  char *line; /* owned */
} Record;

/* The process has one log, as it has one stderr. */
static struct {
  gboolean journal; /* stderr leads there */
  WdOutlet *syslog; /* of Record; NULL: not started */
} log_state;

static void
record_free(gpointer data)
{
  Record *record = data;
  g_free(record->line);
  g_free(record);
}

static void
write_to_syslog(gpointer data)
{
  const Record *record = data;
  syslog(record->priority, "%s", record->line);
}

void
wd_log_start(void)
{
  g_autoptr(GError) error = NULL;
  log_state.journal = wd_journal_has_stderr();
  if (log_state.journal)
    return;
  openlog(IDENTIFIER, LOG_PID, LOG_DAEMON);
  log_state.syslog = wd_outlet_start("log", SYSLOG_ROOM, write_to_syslog, record_free, &error);
  if (log_state.syslog == NULL)
    wd_logf("syslog can't be written: %s", error->message);
}

void
wd_log_finish(void)
{
  if (log_state.syslog == NULL)
    return;
  WdOutlet *outlet = g_steal_pointer(&log_state.syslog);
  if (wd_outlet_finish(outlet, g_get_monotonic_time() + FINISH_WAIT_US))
    closelog();
}

/* --- any thread --- */

static void
write_to_stderr(const char *line)
{
  g_autofree char *ended = g_strconcat(line, "\n", NULL);
  (void)wd_stderr_write(ended, strlen(ended)); /* there is nowhere to report it */
}

static void
log_line(int priority, const char *text)
{
  Record *record = g_new(Record, 1);
  /* Fits into a pipe, newline included. */
  *record = (Record){.priority = priority, .line = g_strndup(text, PIPE_BUF - 1)};
  wd_text_mark_controls(record->line, ' ');
  write_to_stderr(record->line);
  if (log_state.syslog != NULL)
    (void)wd_outlet_offer(log_state.syslog, record, strlen(record->line));
  else
    record_free(record);
}

void
wd_log(const char *text)
{
  if (!log_state.journal) {
    log_line(LOG_NOTICE, text);
    return;
  }
  g_autofree char *message = g_strconcat("MESSAGE=", text, NULL);
  g_autofree char *priority = g_strdup_printf("PRIORITY=%d", LOG_NOTICE);
  wd_journal_send((const char *const[]){message, priority, "SYSLOG_IDENTIFIER=" IDENTIFIER, NULL});
}

void
wd_logf(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  wd_log(text);
}

void
wd_log_store_trouble(char **logged, const GError *error)
{
  if (g_strcmp0(*logged, error->message) != 0)
    wd_logf("the store can't be written: %s", error->message);
  g_free(*logged);
  *logged = g_strdup(error->message);
}

void
wd_log_store_mended(char **logged, const char *path)
{
  if (*logged != NULL)
    wd_logf("the store can be written again: %s", path);
  g_clear_pointer(logged, g_free);
}

void
wd_log_event(const WdEvent *event)
{
  if (!log_state.journal) {
    log_line(wd_event_priority(event->kind), event->message);
    return;
  }
  g_auto(GStrv) fields = wd_event_log_fields(event);
  wd_journal_send((const char *const *)fields);
}
