#include "watchdog/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#include "watchdog/core/log-fields.h"

#define IDENTIFIER "osquery-watchdogd"
/* Lines that wait for a system log that takes none; what comes after them is dropped. */
#define QUEUE_MAX 1000
#define FINISH_WAIT_US (1 * G_TIME_SPAN_SECOND)

typedef struct {
  int priority;
  char *line;    /* owned; NULL: the end */
  char **fields; /* owned, for the journal; NULL: the line is all there is */
} Record;

/* The process has one log, as it has one stderr. */
static struct {
  GAsyncQueue *queue; /* of Record; NULL: not started */
  GThread *thread;
  GMutex mutex;
  GCond ended;
  gboolean has_ended;
  gboolean journal; /* stderr leads there */
} log_state;

static void
record_free(Record *record)
{
  g_free(record->line);
  g_strfreev(record->fields);
  g_free(record);
}

/* --- the system log's thread --- */

static void
write_to_journal(const Record *record)
{
#ifdef HAVE_SYSTEMD
  if (record->fields == NULL) {
    (void)sd_journal_send("MESSAGE=%s", record->line, "PRIORITY=%i", record->priority,
                          "SYSLOG_IDENTIFIER=" IDENTIFIER, NULL);
    return;
  }
  const guint n = g_strv_length(record->fields);
  g_autofree struct iovec *fields = g_new(struct iovec, n);
  for (guint i = 0; i < n; i++)
    fields[i] = (struct iovec){record->fields[i], strlen(record->fields[i])};
  (void)sd_journal_sendv(fields, (int)n);
#else
  (void)record;
#endif
}

static gpointer
log_thread(gpointer data)
{
  GAsyncQueue *queue = data;
  for (;;) {
    Record *record = g_async_queue_pop(queue);
    const gboolean end = record->line == NULL;
    if (!end && log_state.journal)
      write_to_journal(record);
    else if (!end)
      syslog(record->priority, "%s", record->line);
    record_free(record);
    if (end)
      break;
  }
  g_mutex_lock(&log_state.mutex);
  log_state.has_ended = TRUE;
  g_cond_signal(&log_state.ended);
  g_mutex_unlock(&log_state.mutex);
  return NULL;
}

/* JOURNAL_STREAM=DEVICE:INODE is only believed when stderr is that (systemd.exec(5)). */
static gboolean
stderr_is_journal(void)
{
#ifdef HAVE_SYSTEMD
  struct stat status;
  const char *stream = g_getenv("JOURNAL_STREAM");
  if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
    return FALSE;
  g_autofree char *ours = g_strdup_printf("%llu:%llu", (unsigned long long)status.st_dev,
                                          (unsigned long long)status.st_ino);
  return strcmp(stream, ours) == 0;
#else
  return FALSE;
#endif
}

void
wd_log_start(void)
{
  g_autoptr(GError) error = NULL;
  log_state.journal = stderr_is_journal();
  log_state.has_ended = FALSE;
  openlog(IDENTIFIER, LOG_PID, LOG_DAEMON);
  GAsyncQueue *queue = g_async_queue_new();
  log_state.thread = g_thread_try_new("log", log_thread, queue, &error);
  if (log_state.thread == NULL) {
    g_async_queue_unref(queue);
    log_state.journal = FALSE;
    wd_logf("the system log can't be written: %s", error->message);
    return;
  }
  log_state.queue = queue;
}

void
wd_log_finish(void)
{
  if (log_state.queue == NULL)
    return;
  GAsyncQueue *queue = g_steal_pointer(&log_state.queue);
  const gint64 deadline_us = g_get_monotonic_time() + FINISH_WAIT_US;
  g_async_queue_push(queue, g_new0(Record, 1));
  g_mutex_lock(&log_state.mutex);
  while (!log_state.has_ended && g_cond_wait_until(&log_state.ended, &log_state.mutex, deadline_us))
    ;
  const gboolean ended = log_state.has_ended;
  g_mutex_unlock(&log_state.mutex);
  if (!ended)
    return; /* it hangs in a system log that takes nothing; the process ends without it */
  g_thread_join(g_steal_pointer(&log_state.thread));
  g_async_queue_unref(queue);
  closelog();
}

/* --- everybody's --- */

/* A write of at most PIPE_BUF bytes to a pipe that polls writable does not block. */
static gboolean
has_room(int fd)
{
  struct pollfd room = {.fd = fd, .events = POLLOUT};
  return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
}

static void
write_to_stderr(const char *line)
{
  g_autofree char *ended = g_strconcat(line, "\n", NULL);
  if (has_room(STDERR_FILENO)) {
    const gssize written = write(STDERR_FILENO, ended, strlen(ended));
    (void)written; /* nowhere to tell it */
  }
}

/* One line that fits into a pipe, newline included. */
static char *
make_line(const char *text)
{
  char *line = g_strndup(text, PIPE_BUF - 1);
  for (char *at = line; *at != '\0'; at++)
    if (g_ascii_iscntrl(*at))
      *at = ' ';
  return line;
}

/* Takes @fields. */
static void
log_line(int priority, const char *text, char **fields)
{
  Record *record = g_new(Record, 1);
  *record = (Record){.priority = priority, .line = make_line(text), .fields = fields};
  if (!log_state.journal)
    write_to_stderr(record->line);
  if (log_state.queue != NULL && g_async_queue_length(log_state.queue) < QUEUE_MAX)
    g_async_queue_push(log_state.queue, record);
  else
    record_free(record);
}

void
wd_log(const char *text)
{
  log_line(LOG_NOTICE, text, NULL);
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
wd_log_event(const WdEvent *event)
{
  log_line(wd_event_priority(event->kind), event->message,
           log_state.journal ? wd_event_log_fields(event) : NULL);
}
