#include "extension/status-log.h"

#include "extension/log-file.h"
#include "watchdog/base/thread.h"
#include "watchdog/core/event/none.h"
#include "watchdog/core/kernel/wait-channel.h"
#include "watchdog/core/output/line-reader.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"

/* Long for a file system, but not for a thread on a busy machine. An observer is in no hurry. */
#define WAIT_US (250 * G_TIME_SPAN_MILLISECOND)
#define LOOK_US (1 * G_TIME_SPAN_SECOND)
/* While a query is being executed, for all that was said. */
#define EXECUTING_LOOK_US (250 * G_TIME_SPAN_MILLISECOND)
#define JOIN_US (100 * G_TIME_SPAN_MILLISECOND)
#define WORKERS_MAX 4

static const WdOrigin ORIGINS[] = {WD_ORIGIN_SCHEDULE, WD_ORIGIN_DISTRIBUTED};

/* One worker, as far as it was heard. */
typedef struct {
  guint64 number; /* 1 for the first */
  gint64 pid;
  gint64 started_us;
  guint64 asked;  /* how many looks were asked for */
  guint64 looked; /* the last of them that was done */
  WdSaid *said;
  WdLineReader *reader;
  gint64 read_us; /* when the bytes came that the reader takes */
  WdWaitLook waits[G_N_ELEMENTS(ORIGINS)];
} Heard;

struct ExtStatusLog {
  WdThread *thread; /* NULL: not needed yet, or there is none to be had */
  gboolean refused; /* it couldn't be started */
  gint64 next_look_us;

  GMutex mutex; /* for all that follows; never held while a file is used */
  GCond changed;
  char *directory;  /* NULL: nowhere */
  GQueue workers;   /* of Heard, the present one first */
  guint64 heard;    /* how many there were */
  gboolean looking; /* the thread uses a file */
  gboolean stop;
};

/* --- what was heard --- */

static void
take_line(const char *line, gsize length, gboolean cut, gpointer user_data)
{
  Heard *heard = user_data;
  wd_said_take_line(heard->said, line, length, cut, heard->read_us);
}

static Heard *
heard_new(guint64 number, gint64 pid, gint64 started_us)
{
  Heard *heard = g_new0(Heard, 1);
  heard->number = number;
  heard->pid = pid;
  heard->started_us = started_us;
  heard->said = wd_said_new();
  heard->reader = wd_line_reader_new(take_line, heard);
  return heard;
}

static void
heard_free(Heard *heard)
{
  wd_said_free(heard->said);
  wd_line_reader_free(heard->reader);
  g_free(heard);
}

static void
take_bytes(Heard *heard, const GByteArray *bytes, gboolean lost)
{
  if (lost) {
    wd_said_forget(heard->said);
    wd_line_reader_free(heard->reader);
    heard->reader = wd_line_reader_new(take_line, heard);
  }
  heard->read_us = g_get_monotonic_time();
  wd_line_reader_take(heard->reader, (const char *)bytes->data, bytes->len);
}

/* Returns: whether that origin's query may still be executed. */
static gboolean
look_at_thread(Heard *heard, gsize i)
{
  const gint64 now_us = g_get_monotonic_time();
  const WdStatement *statement = wd_said_statement(heard->said, ORIGINS[i]);
  if (statement == NULL || statement->idle_us != WD_NONE)
    return FALSE;
  const gboolean waits = wd_procfs_thread_waits(heard->pid, statement->tid);
  if (!wd_wait_look(&heard->waits[i], waits, statement->said_us, now_us))
    return TRUE;
  wd_said_note_idle(heard->said, ORIGINS[i], now_us);
  return FALSE;
}

/* --- the thread --- */

/* Waits until a look is asked for. Under the mutex. */
static Heard *
next_asked(ExtStatusLog *log)
{
  for (;;) {
    Heard *heard = g_queue_peek_head(&log->workers);
    if (log->stop)
      return NULL;
    if (heard != NULL && heard->looked != heard->asked && log->directory != NULL)
      return heard;
    g_cond_wait(&log->changed, &log->mutex);
  }
}

/* Finds what it left under the mutex; it may be forgotten meanwhile. */
static void
looked(ExtStatusLog *log, guint64 number, guint64 asked, const GByteArray *bytes, gboolean lost)
{
  for (GList *at = log->workers.head; at != NULL; at = at->next) {
    Heard *heard = at->data;
    if (heard->number != number)
      continue;
    take_bytes(heard, bytes, lost);
    heard->looked = asked;
  }
  g_cond_broadcast(&log->changed);
}

static void
thread_main(gpointer data)
{
  ExtStatusLog *log = data;
  g_autoptr(ExtLogFile) file = NULL;
  guint64 number = 0; /* of the worker whose file that is */
  const Heard *heard;
  g_mutex_lock(&log->mutex);
  while ((heard = next_asked(log)) != NULL) {
    g_autofree char *directory = g_strdup(log->directory);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const guint64 asked = heard->asked;
    gboolean lost = FALSE;
    if (number != heard->number) {
      ext_log_file_free(file);
      file = ext_log_file_new(heard->pid, heard->started_us);
      number = heard->number;
    }
    log->looking = TRUE;
    g_mutex_unlock(&log->mutex);
    (void)ext_log_file_look(file, directory, bytes, &lost); /* no file: nothing is heard */
    g_mutex_lock(&log->mutex);
    log->looking = FALSE;
    looked(log, number, asked, bytes, lost);
  }
  g_mutex_unlock(&log->mutex);
}

static gboolean
has_thread(ExtStatusLog *log)
{
  g_autoptr(GError) error = NULL;
  if (log->thread != NULL || log->refused)
    return log->thread != NULL;
  log->thread = wd_thread_start("status-log", thread_main, log, &error);
  log->refused = log->thread == NULL;
  if (log->refused)
    wd_logf("osquery-watchdog.ext: the worker's log isn't read: %s", error->message);
  return log->thread != NULL;
}

/* --- begin, look, end --- */

ExtStatusLog *
ext_status_log_new(void)
{
  ExtStatusLog *log = g_new0(ExtStatusLog, 1);
  log->next_look_us = G_MAXINT64;
  g_mutex_init(&log->mutex);
  g_cond_init(&log->changed);
  g_queue_init(&log->workers);
  return log;
}

void
ext_status_log_free(ExtStatusLog *log)
{
  if (log == NULL)
    return;
  g_mutex_lock(&log->mutex);
  log->stop = TRUE;
  g_cond_broadcast(&log->changed);
  g_mutex_unlock(&log->mutex);
  if (log->thread != NULL && !wd_thread_join(log->thread, g_get_monotonic_time() + JOIN_US))
    return;
  g_queue_clear_full(&log->workers, (GDestroyNotify)heard_free);
  g_mutex_clear(&log->mutex);
  g_cond_clear(&log->changed);
  g_free(log->directory);
  g_free(log);
}

void
ext_status_log_set_directory(ExtStatusLog *log, const char *directory)
{
  g_mutex_lock(&log->mutex);
  g_free(log->directory);
  log->directory = g_strdup(directory);
  g_mutex_unlock(&log->mutex);
}

/* The worker @pid, as the present one. */
static Heard *
present(ExtStatusLog *log, gint64 pid, gint64 started_us)
{
  Heard *heard = g_queue_peek_head(&log->workers);
  if (heard != NULL && heard->pid == pid && heard->started_us == started_us)
    return heard;
  heard = heard_new(++log->heard, pid, started_us);
  g_queue_push_head(&log->workers, heard);
  if (log->workers.length > WORKERS_MAX)
    heard_free(g_queue_pop_tail(&log->workers));
  return heard;
}

/* Asks the thread, and waits for it, unless it hasn't come back from the last look. */
static void
ask(ExtStatusLog *log, Heard *heard)
{
  const gint64 until_us = g_get_monotonic_time() + (log->looking ? 0 : WAIT_US);
  heard->asked++;
  g_cond_broadcast(&log->changed);
  while (heard->looked != heard->asked && g_cond_wait_until(&log->changed, &log->mutex, until_us))
    ;
}

void
ext_status_log_look(ExtStatusLog *log, gint64 pid, gint64 started_us)
{
  gboolean executing = FALSE;
  log->next_look_us = G_MAXINT64;
  g_mutex_lock(&log->mutex);
  if (log->directory != NULL && has_thread(log)) {
    Heard *heard = present(log, pid, started_us);
    ask(log, heard);
    for (gsize i = 0; i < G_N_ELEMENTS(ORIGINS); i++)
      executing = look_at_thread(heard, i) || executing;
    log->next_look_us = g_get_monotonic_time() + (executing ? EXECUTING_LOOK_US : LOOK_US);
  }
  g_mutex_unlock(&log->mutex);
}

gint64
ext_status_log_next_look_us(const ExtStatusLog *log)
{
  return log->next_look_us;
}

static const Heard *
find(const ExtStatusLog *log, gint64 pid)
{
  for (GList *at = log->workers.head; at != NULL; at = at->next) {
    const Heard *heard = at->data;
    if (heard->pid == pid)
      return heard;
  }
  return NULL;
}

WdSaid *
ext_status_log_said(ExtStatusLog *log, gint64 pid)
{
  WdSaid *said = NULL;
  g_mutex_lock(&log->mutex);
  const Heard *heard = find(log, pid);
  if (heard != NULL && heard->looked == heard->asked)
    said = wd_said_copy(heard->said);
  g_mutex_unlock(&log->mutex);
  return said;
}
