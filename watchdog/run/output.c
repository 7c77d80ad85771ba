#include "watchdog/run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/core/kernel/wait-channel.h"
#include "watchdog/core/output/last-lines.h"
#include "watchdog/core/output/line-reader.h"
#include "watchdog/look/procfs.h"

#define READ_AT_ONCE (16 * 1024)
/* Room for so many writes of a worker, each of which takes a page; the most that a process without
 * privileges gets. */
#define WORKER_PIPE (1024 * 1024)
/* Of a process that lives, and may write faster than we read. */
#define READ_MEANWHILE (64 * 1024)
/* A process may make its pipe larger than this; then its last lines may be missed. */
#define READ_AT_END (1024 * 1024)
#define END_AWAITED_US (1 * G_TIME_SPAN_SECOND)

/* Whether a thread still executes what it said. */
typedef struct {
  WdWaitLook look;
  gint64 said_us; /* the statement that is looked after */
  gint64 next_us;
} Looks;

struct WdOutput {
  GMutex mutex; /* for all that follows, but the next three */
  WdRelay *relay;
  WdSpeaker *speaker; /* NULL: not begun */
  int wake_fd;
  int fd;             /* -1: nothing comes any more */
  gboolean ended;     /* the process; others may go on */
  GByteArray *begun;  /* of a line whose end hasn't come; NULL: none */
  gint64 begun_us;    /* monotonic: when that came */
  gint64 read_us;     /* monotonic: when what is being taken was read */
  gboolean by_writes; /* each read gives what one write wrote, or PIPE_BUF bytes of it */
  WdLineReader *reader;
  WdLastLines *last; /* NULL: none yet */
  WdSaid *said;      /* NULL: it is no worker */
  gint64 pid;
  Looks schedule;    /* the listener's, as the next */
  Looks distributed; /* at the thread that said so */
};

/* --- begin and end --- */

static void
take_line(const char *line, gsize length, gboolean cut, gpointer user_data)
{
  WdOutput *output = user_data;
  if (output->last == NULL)
    output->last = wd_last_lines_new();
  wd_last_lines_take(output->last, line, length);
  if (output->said != NULL)
    wd_said_take_line(output->said, line, length, cut, output->read_us);
  if (wd_relay_takes_lines(output->relay))
    wd_relay_pass(output->relay, output->speaker, line, length);
}

/* What a process reads and writes holds both ends, so that it doesn't lose its reader with us. */
static int
open_both_ends(int fd)
{
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
  return open(path, O_RDWR | O_CLOEXEC);
}

static gboolean
open_pipe(int *our_fd, int *child_fd, GError **error)
{
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return wd_errno_error(error, "pipe");
  const int both = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? open_both_ends(ends[1]) : -1;
  const int saved = errno;
  close(ends[1]);
  if (both < 0) {
    close(ends[0]);
    errno = saved;
    return wd_errno_error(error, "pipe");
  }
  *our_fd = ends[0];
  *child_fd = both;
  return TRUE;
}

/* osqueryd writes each message at once. So the SQL in one can be told from what somebody else in
 * the process, a runtime that aborts it say, writes right after it. */
static gboolean
keep_writes_apart(int child_fd)
{
  (void)fcntl(child_fd, F_SETPIPE_SZ, WORKER_PIPE); /* else a burst has to wait for us */
  return fcntl(child_fd, F_SETFL, O_DIRECT) == 0;
}

WdOutput *
wd_output_open(WdRelay *relay, int wake_fd, gboolean says_queries, int *child_fd, GError **error)
{
  int fd = -1;
  if (!open_pipe(&fd, child_fd, error))
    return NULL;
  WdOutput *output = g_atomic_rc_box_new0(WdOutput);
  g_mutex_init(&output->mutex);
  output->relay = relay;
  output->wake_fd = wake_fd;
  output->fd = fd;
  output->by_writes = says_queries && keep_writes_apart(*child_fd);
  output->reader = wd_line_reader_new(take_line, output);
  output->said = says_queries ? wd_said_new() : NULL;
  return output;
}

void
wd_output_begin(WdOutput *output, WdSpeaker *speaker, gint64 pid)
{
  output->pid = pid;
  output->speaker = speaker;
}

WdOutput *
wd_output_ref(WdOutput *output)
{
  return g_atomic_rc_box_acquire(output);
}

static void
output_clear(gpointer data)
{
  WdOutput *output = data;
  if (output->fd >= 0)
    close(output->fd);
  g_mutex_clear(&output->mutex);
  g_clear_pointer(&output->begun, g_byte_array_unref);
  g_clear_pointer(&output->speaker, wd_speaker_unref);
  wd_line_reader_free(output->reader);
  wd_last_lines_free(output->last);
  wd_said_free(output->said);
}

void
wd_output_unref(WdOutput *output)
{
  g_atomic_rc_box_release_full(output, output_clear);
}

/* --- reading, under the mutex --- */

static void
pass_begun(WdOutput *output)
{
  if (output->begun == NULL)
    return;
  wd_relay_pass(output->relay, output->speaker, (const char *)output->begun->data,
                output->begun->len);
  g_clear_pointer(&output->begun, g_byte_array_unref);
}

static void
keep_begun(WdOutput *output, const char *bytes, gsize length)
{
  if (length == 0)
    return;
  if (output->begun == NULL) {
    output->begun = g_byte_array_new();
    output->begun_us = output->read_us;
  }
  g_byte_array_append(output->begun, (const guint8 *)bytes, (guint)length);
  if (output->begun->len >= WD_LINE_MAX)
    pass_begun(output);
}

/* Whole lines at once; of the last one, what has come waits for its end. */
static void
pass_bytes(WdOutput *output, const char *bytes, gsize length)
{
  const char *last_break = memrchr(bytes, '\n', length);
  const gsize whole = last_break != NULL ? (gsize)(last_break - bytes) + 1 : 0;
  if (whole > 0 && output->begun != NULL) {
    g_byte_array_append(output->begun, (const guint8 *)bytes, (guint)whole);
    pass_begun(output);
  } else if (whole > 0) {
    wd_relay_pass(output->relay, output->speaker, bytes, whole);
  }
  keep_begun(output, bytes + whole, length - whole);
}

static void
take_end(WdOutput *output)
{
  wd_line_reader_finish(output->reader);
  pass_begun(output);
  close(output->fd);
  output->fd = -1;
}

static void
take_bytes(WdOutput *output, const char *bytes, gsize length)
{
  output->read_us = g_get_monotonic_time();
  wd_line_reader_take(output->reader, bytes, length);
  if (output->by_writes && length != PIPE_BUF)
    wd_said_end_message(output->said);
}

/* Passes on at once what many short writes wrote, because each passage costs more than reading one.
 * Returns: how many bytes there were; 0: none now, or none any more. */
static gsize
read_some(WdOutput *output)
{
  char bytes[READ_AT_ONCE];
  gsize total = 0;
  gssize n;
  if (output->fd < 0)
    return 0;
  do {
    n = TEMP_FAILURE_RETRY(read(output->fd, bytes + total, sizeof bytes - total));
    if (n > 0) {
      take_bytes(output, bytes + total, (gsize)n);
      total += (gsize)n;
    }
  } while (n > 0 && output->by_writes && sizeof bytes - total >= PIPE_BUF);
  const gboolean ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  if (total > 0 && !wd_relay_takes_lines(output->relay))
    pass_bytes(output, bytes, total);
  if (ended)
    take_end(output);
  return total;
}

/* At most @most bytes or what the pipe holds, because a process may write without an end. Returns:
 * whether that was all. */
static gboolean
read_all(WdOutput *output, gsize most)
{
  const int capacity = output->fd >= 0 ? fcntl(output->fd, F_GETPIPE_SZ) : 0;
  const gsize enough = CLAMP((gsize)MAX(capacity, 0), READ_AT_ONCE, most);
  for (gsize total = 0; total <= enough;) {
    const gsize n = read_some(output);
    if (n == 0)
      return TRUE;
    total += n;
  }
  return FALSE;
}

/* --- what it executes --- */

/* The statement may be another one by the time that the look is over. */
static void
note_idle(WdOutput *output, WdOrigin origin, gint64 said_us, gint64 now_us)
{
  g_mutex_lock(&output->mutex);
  const WdStatement *statement = wd_said_statement(output->said, origin);
  if (statement != NULL && statement->said_us == said_us)
    wd_said_note_idle(output->said, origin, now_us);
  g_mutex_unlock(&output->mutex);
}

/* The thread of the last statement, unless that has ended; 0: there is none. */
static gint64
executing_thread(WdOutput *output, WdOrigin origin, gint64 *said_us)
{
  gint64 tid = 0;
  g_mutex_lock(&output->mutex);
  const WdStatement *statement = wd_said_statement(output->said, origin);
  if (statement != NULL && statement->idle_us == WD_NONE && !output->ended) {
    tid = statement->tid;
    *said_us = statement->said_us;
  }
  g_mutex_unlock(&output->mutex);
  return tid;
}

/* Looks, if that is due, whether the thread has nothing to do any more. Returns: when the next look
 * is due. */
static gint64
look_at_thread(WdOutput *output, WdOrigin origin, Looks *looks, gint64 now_us)
{
  gint64 said_us = 0;
  const gint64 tid = executing_thread(output, origin, &said_us);
  if (tid == 0)
    return G_MAXINT64;
  if (looks->said_us != said_us)
    *looks = (Looks){.said_us = said_us,
                     .next_us = wd_wait_next_look_us(&looks->look, said_us, said_us)};
  if (now_us < looks->next_us)
    return looks->next_us;
  const gboolean waits = wd_procfs_thread_waits(output->pid, tid);
  if (wd_wait_look(&looks->look, waits, said_us, now_us)) {
    note_idle(output, origin, said_us, now_us);
    return G_MAXINT64;
  }
  looks->next_us = wd_wait_next_look_us(&looks->look, said_us, now_us);
  return looks->next_us;
}

static gint64
look_at_threads(WdOutput *output, gint64 now_us)
{
  if (output->said == NULL)
    return G_MAXINT64;
  return MIN(look_at_thread(output, WD_ORIGIN_SCHEDULE, &output->schedule, now_us),
             look_at_thread(output, WD_ORIGIN_DISTRIBUTED, &output->distributed, now_us));
}

/* --- for whoever listens --- */

int
wd_output_fd(WdOutput *output)
{
  g_mutex_lock(&output->mutex);
  const int fd = output->fd;
  g_mutex_unlock(&output->mutex);
  return fd;
}

void
wd_output_read(WdOutput *output)
{
  g_mutex_lock(&output->mutex);
  (void)read_some(output);
  g_mutex_unlock(&output->mutex);
}

void
wd_output_finish(WdOutput *output)
{
  g_mutex_lock(&output->mutex);
  (void)read_all(output, READ_AT_END);
  wd_line_reader_finish(output->reader);
  pass_begun(output);
  g_mutex_unlock(&output->mutex);
  wd_relay_say_dropped(output->relay, output->speaker, TRUE);
}

gint64
wd_output_care(WdOutput *output, gint64 now_us)
{
  gint64 next_us = G_MAXINT64;
  g_mutex_lock(&output->mutex);
  if (output->begun != NULL && now_us - output->begun_us >= END_AWAITED_US)
    pass_begun(output);
  if (output->begun != NULL)
    next_us = output->begun_us + END_AWAITED_US;
  g_mutex_unlock(&output->mutex);
  next_us = MIN(next_us, look_at_threads(output, now_us));
  if (!wd_relay_has_dropped(output->speaker))
    return next_us;
  wd_relay_say_dropped(output->relay, output->speaker, FALSE);
  return MIN(next_us, now_us + END_AWAITED_US);
}

gboolean
wd_output_has_ended(WdOutput *output)
{
  g_mutex_lock(&output->mutex);
  const gboolean ended = output->ended;
  g_mutex_unlock(&output->mutex);
  return ended;
}

/* --- for whoever holds the process --- */

/* What was read here leaves the listener nothing to wake up for: a line may lack its end, a
 * statement is to be looked after. */
static void
wake_listener(const WdOutput *output)
{
  const guint64 one = 1;
  (void)!write(output->wake_fd, &one, sizeof one); /* it can't be so full that this fails */
}

WdSaid *
wd_output_said(WdOutput *output)
{
  if (output->said == NULL)
    return NULL;
  g_mutex_lock(&output->mutex);
  const gboolean up_to_date = read_all(output, READ_MEANWHILE);
  WdSaid *said = wd_said_copy(output->said);
  g_mutex_unlock(&output->mutex);
  wake_listener(output);
  if (!up_to_date)
    wd_said_forget(said);
  return said;
}

void
wd_output_end(WdOutput *output, WdSaid **said, char **last_output)
{
  g_mutex_lock(&output->mutex);
  const gboolean up_to_date = read_all(output, READ_AT_END);
  wd_line_reader_finish(output->reader);
  output->ended = TRUE;
  *last_output = output->last != NULL ? wd_last_lines_text(output->last) : NULL;
  *said = output->said != NULL ? wd_said_copy(output->said) : NULL;
  g_mutex_unlock(&output->mutex);
  wake_listener(output);
  if (*said != NULL && !up_to_date)
    wd_said_forget(*said);
}
