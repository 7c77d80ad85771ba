#include "watchdog/record/relay.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "watchdog/core/event/log-fields.h"
#include "watchdog/record/journal.h"
#include "watchdog/record/log.h"
#include "watchdog/record/outlet.h"
#include "watchdog/record/stderr.h"

/* Of bytes that may wait for a slow stderr or journal. */
#define ROOM (256 * 1024)
#define SAY_EVERY_US (10 * G_TIME_SPAN_SECOND)

struct WdSpeaker {
  char *name;
  gint64 pid;
  GByteArray *identity; /* for the journal */
  guint dropped;        /* lines; atomic */
};

struct WdRelay {
  gboolean journal; /* our stderr leads there */
  WdOutlet *outlet; /* of Passage */
  gint64 said_us;   /* monotonic: when dropped lines were logged last; 0: never */
};

/* --- who writes --- */

WdSpeaker *
wd_speaker_new(const char *name, WdRole role, const char *path, gint64 pid)
{
  WdSpeaker *speaker = g_atomic_rc_box_new0(WdSpeaker);
  speaker->name = g_strdup(name);
  speaker->pid = pid;
  g_autofree char *file = g_path_get_basename(path);
  g_auto(GStrv) fields = g_new0(char *, 6);
  fields[0] = g_strconcat("SYSLOG_IDENTIFIER=", file, NULL);
  fields[1] = g_strdup_printf("SYSLOG_PID=%" G_GINT64_FORMAT, pid);
  fields[2] = g_strdup_printf("OBJECT_PID=%" G_GINT64_FORMAT, pid);
  fields[3] = g_strconcat("OSQUERY_WATCHDOG_NAME=", name, NULL);
  fields[4] = g_strconcat("OSQUERY_WATCHDOG_ROLE=", wd_role_name(role), NULL);
  speaker->identity = wd_journal_encode((const char *const *)fields);
  return speaker;
}

static void
speaker_clear(gpointer data)
{
  WdSpeaker *speaker = data;
  g_free(speaker->name);
  g_byte_array_unref(speaker->identity);
}

void
wd_speaker_unref(WdSpeaker *speaker)
{
  g_atomic_rc_box_release_full(speaker, speaker_clear);
}

/* --- passing on: the outlet's thread --- */

typedef struct {
  WdSpeaker *speaker; /* a reference */
  gboolean journal;
  gsize length;
  char bytes[];
} Passage;

static void
passage_free(gpointer data)
{
  Passage *passage = data;
  wd_speaker_unref(passage->speaker);
  g_free(passage);
}

/* How much of @bytes goes into one write. No other line comes into the middle of what a pipe takes
 * at once, so it ends with a line, if there is one that short. */
static gsize
piece_length(const char *bytes, gsize length)
{
  if (length <= PIPE_BUF)
    return length;
  const char *last = memrchr(bytes, '\n', PIPE_BUF);
  return last != NULL ? (gsize)(last - bytes) + 1 : PIPE_BUF;
}

/* After a write that failed. Returns: FALSE: stderr can't be written. */
static gboolean
wait_for_room(void)
{
  struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (errno == EINTR)
    return TRUE;
  return errno == EAGAIN && TEMP_FAILURE_RETRY(poll(&room, 1, -1)) == 1;
}

/* Returns: how many of the bytes couldn't be written. */
static gsize
write_to_stderr(const char *bytes, gsize length)
{
  while (length > 0) {
    const gssize written = wd_stderr_write(bytes, piece_length(bytes, length));
    if (written < 0 && !wait_for_room())
      break;
    if (written > 0) {
      bytes += written;
      length -= (gsize)written;
    }
  }
  return length;
}

/* The last one may lack its line break. */
static gint
count_lines(const char *bytes, gsize length)
{
  gint lines = 0;
  for (const char *end = bytes + length; bytes < end; lines++) {
    const char *line_break = memchr(bytes, '\n', (gsize)(end - bytes));
    bytes = line_break != NULL ? line_break + 1 : end;
  }
  return lines;
}

static void
pass(gpointer data)
{
  Passage *passage = data;
  WdSpeaker *speaker = passage->speaker;
  if (passage->journal) {
    const int priority = wd_line_priority(passage->bytes, passage->length);
    if (!wd_journal_send_line(speaker->identity, priority, passage->bytes, passage->length))
      (void)g_atomic_int_add(&speaker->dropped, 1);
    return;
  }
  const gsize left = write_to_stderr(passage->bytes, passage->length);
  if (left > 0)
    (void)g_atomic_int_add(&speaker->dropped,
                           count_lines(passage->bytes + passage->length - left, left));
}

/* --- any thread --- */

WdRelay *
wd_relay_start(GError **error)
{
  WdRelay *relay = g_new0(WdRelay, 1);
  relay->journal = wd_journal_has_stderr();
  relay->outlet = wd_outlet_start("relay", ROOM, pass, passage_free, error);
  if (relay->outlet == NULL)
    g_clear_pointer(&relay, g_free);
  return relay;
}

void
wd_relay_finish(WdRelay *relay, gint64 deadline_us)
{
  (void)wd_outlet_finish(relay->outlet, deadline_us); /* if it hangs, that ends with us */
  g_free(relay);
}

gboolean
wd_relay_takes_lines(const WdRelay *relay)
{
  return relay->journal;
}

void
wd_relay_pass(WdRelay *relay, WdSpeaker *speaker, const char *bytes, gsize length)
{
  Passage *passage = g_malloc(sizeof *passage + length);
  passage->speaker = g_atomic_rc_box_acquire(speaker);
  passage->journal = relay->journal;
  passage->length = length;
  memcpy(passage->bytes, bytes, length);
  if (!wd_outlet_offer(relay->outlet, passage, length))
    (void)g_atomic_int_add(&speaker->dropped, relay->journal ? 1 : count_lines(bytes, length));
}

gboolean
wd_relay_await_room(WdRelay *relay, gint64 deadline_us)
{
  return wd_outlet_await_room(relay->outlet, deadline_us);
}

gboolean
wd_relay_has_dropped(WdSpeaker *speaker)
{
  return g_atomic_int_get(&speaker->dropped) > 0;
}

void
wd_relay_say_dropped(WdRelay *relay, WdSpeaker *speaker, gboolean at_once)
{
  const gint64 now_us = g_get_monotonic_time();
  if (!at_once && (!wd_relay_await_room(relay, 0) ||
                   (relay->said_us != 0 && now_us - relay->said_us < SAY_EVERY_US)))
    return;
  const guint dropped = g_atomic_int_and(&speaker->dropped, 0);
  if (dropped == 0)
    return;
  relay->said_us = now_us;
  wd_logf("%s (%" G_GINT64_FORMAT "): %u lines of its output could not be passed on", speaker->name,
          speaker->pid, dropped);
}

gint64
wd_relay_cpu_us(WdRelay *relay)
{
  return wd_outlet_cpu_us(relay->outlet);
}
