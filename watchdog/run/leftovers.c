#include "watchdog/run/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/same-file.h"
#include "watchdog/core/event/exit.h"
#include "watchdog/record/log.h"
#include "watchdog/run/run-mark.h"
#include "watchdog/run/signal.h"

/* "BOOT_ID MARK", then "PID START_TICKS", padded with blanks, and a newline. */
#define LINE_LENGTH 80
/* More than any extensions.load starts; it bounds how much of a damaged file is read. */
#define LINES_MAX 1024
#define POLL_US (20 * G_TIME_SPAN_MILLISECOND)

struct WdRunRecord {
  const WdPrivateDirectory *directory; /* borrowed */
  char *path;
  int fd;            /* -1: not open */
  GPtrArray *lines;  /* of char *, owned; NULL where there is no process */
  gboolean complete; /* the file has all lines */
  char *trouble;     /* the last one logged */
};

/* --- the old record --- */

/* @line: LINE_LENGTH bytes; zeros where a line was never written. */
static gboolean
parse_line(const char *line, gint64 *pid, gint64 *start_ticks)
{
  g_autofree char *text = g_strndup(line, LINE_LENGTH);
  g_auto(GStrv) fields = g_strsplit(text, " ", 3);
  return g_strv_length(fields) >= 2 &&
         g_ascii_string_to_signed(fields[0], 10, 2, G_MAXINT32, pid, NULL) &&
         g_ascii_string_to_signed(fields[1], 10, 0, G_MAXINT64, start_ticks, NULL);
}

/* The mark of the run that left the record behind, if that was in this boot; else NULL. */
static char *
recorded_mark(const char *text, gsize lines, const char *boot_id)
{
  g_autofree char *first = g_strchomp(g_strndup(text, lines > 0 ? LINE_LENGTH : 0));
  g_auto(GStrv) ids = g_strsplit(first, " ", 2);
  const gboolean found =
      g_strv_length(ids) == 2 && strcmp(ids[0], boot_id) == 0 && g_uuid_string_is_valid(ids[1]);
  return found ? g_strdup(ids[1]) : NULL;
}

/* The processes that the record names and that still live, as an array of WdHandle.
 * @text: whole lines. */
static GPtrArray *
read_leftovers(const char *text, gsize lines)
{
  GPtrArray *leftovers = g_ptr_array_new_with_free_func((GDestroyNotify)wd_handle_free);
  for (gsize i = 1; i < lines; i++) {
    gint64 pid, start_ticks;
    if (!parse_line(text + i * LINE_LENGTH, &pid, &start_ticks) || pid == getpid())
      continue;
    g_autoptr(WdHandle) leftover = wd_handle_open_known(pid, start_ticks);
    /* A zombie has ended; whichever process is its parent now will reap it. */
    if (leftover != NULL && wd_handle_lives(leftover))
      g_ptr_array_add(leftovers, g_steal_pointer(&leftover));
  }
  return leftovers;
}

static gboolean
wait_until_gone(const GPtrArray *leftovers, gint64 deadline_us)
{
  for (;;) {
    gboolean gone = TRUE;
    for (guint i = 0; i < leftovers->len; i++)
      gone = gone && !wd_handle_lives(g_ptr_array_index(leftovers, i));
    if (gone || g_get_monotonic_time() >= deadline_us)
      return gone;
    g_usleep(POLL_US);
  }
}

static void
signal_all(const GPtrArray *leftovers, int signo)
{
  for (guint i = 0; i < leftovers->len; i++)
    (void)wd_signal_send(g_ptr_array_index(leftovers, i), signo);
}

static void
end_recorded(const GPtrArray *leftovers, gint64 grace_us)
{
  if (leftovers->len == 0)
    return;
  signal_all(leftovers, SIGTERM);
  if (wait_until_gone(leftovers, g_get_monotonic_time() + grace_us))
    return;
  signal_all(leftovers, SIGKILL);
  if (!wait_until_gone(leftovers, g_get_monotonic_time() + WD_REAP_WAIT_US))
    wd_log("a process that an earlier osquery-watchdogd left behind can't be stopped");
}

/* Recorded processes may end in good order; what they leave behind is killed, as always. */
static guint
end_leftovers(int fd, const char *boot_id, gint64 grace_us)
{
  char text[LINE_LENGTH * LINES_MAX];
  const gssize n = TEMP_FAILURE_RETRY(pread(fd, text, sizeof text, 0));
  const gsize lines = n > 0 ? (gsize)n / LINE_LENGTH : 0;
  g_autofree char *mark = recorded_mark(text, lines, boot_id);
  if (mark == NULL)
    return 0;
  g_autoptr(GPtrArray) leftovers = read_leftovers(text, lines);
  end_recorded(leftovers, grace_us);
  return leftovers->len + wd_run_mark_kill(mark);
}

/* --- the record --- */

static gboolean
open_file(WdRunRecord *record, GError **error)
{
  if (record->fd < 0)
    record->fd = open(record->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  return record->fd >= 0 || wd_errno_error(error, record->path);
}

/* One write for each line, so that after a crash a line is either complete or missing. */
static gboolean
write_line(const WdRunRecord *record, guint line, GError **error)
{
  char padded[LINE_LENGTH + 1];
  const char *text = g_ptr_array_index(record->lines, line);
  if (text == NULL)
    return TRUE;
  g_snprintf(padded, sizeof padded, "%-*.*s\n", LINE_LENGTH - 1, LINE_LENGTH - 1, text);
  const gssize n =
      TEMP_FAILURE_RETRY(pwrite(record->fd, padded, LINE_LENGTH, (off_t)line * LINE_LENGTH));
  if (n >= 0 && n != LINE_LENGTH)
    errno = ENOSPC;
  return n == LINE_LENGTH || wd_errno_error(error, record->path);
}

/* An old record that we first meet here is overwritten: what it names has run beside our processes
 * for a while, so ending it helps nobody. */
static gboolean
write_all(WdRunRecord *record, GError **error)
{
  if (!open_file(record, error))
    return FALSE;
  if (ftruncate(record->fd, 0) < 0)
    return wd_errno_error(error, record->path);
  gboolean done = TRUE;
  for (guint i = 0; i < record->lines->len && done; i++)
    done = write_line(record, i, error);
  return done;
}

/* @error: NULL: the record is complete. */
static void
note_outcome(WdRunRecord *record, const GError *error)
{
  record->complete = error == NULL;
  if (error != NULL)
    wd_log_store_trouble(&record->trouble, error);
  else
    wd_log_store_mended(&record->trouble, record->path);
}

static void
set_line(WdRunRecord *record, guint line, char *text)
{
  if (record->lines->len <= line)
    g_ptr_array_set_size(record->lines, (gint)line + 1);
  g_free(g_ptr_array_index(record->lines, line));
  g_ptr_array_index(record->lines, line) = text;
}

WdRunRecord *
wd_run_record_open(const WdPrivateDirectory *directory, const char *boot_id, const char *mark,
                   gint64 grace_us, guint *ended)
{
  WdRunRecord *record = g_new0(WdRunRecord, 1);
  record->directory = directory;
  record->path = g_build_filename(wd_private_directory_path(directory), "processes", NULL);
  record->fd = -1;
  record->lines = g_ptr_array_new_with_free_func(g_free);
  set_line(record, 0, g_strconcat(boot_id, " ", mark, NULL));
  *ended = 0;
  if (wd_private_directory_claimed(directory) && open_file(record, NULL))
    *ended = end_leftovers(record->fd, boot_id, grace_us);
  wd_run_record_complete(record);
  return record;
}

void
wd_run_record_set(WdRunRecord *record, guint index, const WdHandle *handle)
{
  g_autoptr(GError) error = NULL;
  set_line(record, index,
           g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, wd_handle_pid(handle),
                           wd_handle_start_ticks(handle)));
  if (record->complete && !write_line(record, index, &error))
    note_outcome(record, error);
}

void
wd_run_record_complete(WdRunRecord *record)
{
  g_autoptr(GError) error = NULL;
  if (record->complete || !wd_private_directory_claimed(record->directory))
    return;
  (void)write_all(record, &error);
  note_outcome(record, error);
}

void
wd_run_record_finish(WdRunRecord *record, gboolean left_behind)
{
  if (record == NULL)
    return;
  /* It may be another watchdog's by now, if somebody removed the directory. */
  if (record->fd >= 0 && !left_behind && wd_is_same_file(record->fd, record->path))
    unlink(record->path);
  if (record->fd >= 0)
    close(record->fd);
  g_ptr_array_unref(record->lines);
  g_free(record->path);
  g_free(record->trouble);
  g_free(record);
}
