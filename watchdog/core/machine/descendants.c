#include "watchdog/core/machine/descendants.h"

#include <signal.h>
#include <string.h>

GArray *
wd_kills_new(void)
{
  return g_array_new(FALSE, FALSE, sizeof(WdKill));
}

static void
add_kill(GArray *kills, gint64 target, int signo)
{
  const WdKill added = {.target = target, .signo = signo};
  g_array_append_val(kills, added);
}

void
wd_descendants_signal(gint64 pid, int signo, GArray *kills)
{
  if (signo == SIGKILL)
    add_kill(kills, -pid, SIGKILL);
  /* It may have left the group that we made it the leader of. */
  add_kill(kills, pid, signo);
}

void
wd_descendants_died(gint64 pid, gboolean supervised, GArray *kills)
{
  if (supervised)
    add_kill(kills, -pid, SIGKILL);
}

static gboolean
contains(const GArray *pids, gint64 pid)
{
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index(pids, gint64, i) == pid)
      return TRUE;
  return FALSE;
}

void
wd_descendants_strays(const GArray *children, const GArray *known, GArray *kills)
{
  for (guint i = 0; i < children->len; i++) {
    const gint64 pid = g_array_index(children, gint64, i);
    if (!contains(known, pid))
      add_kill(kills, pid, SIGKILL);
  }
}

/* Entries end with a zero; the last may lack it, as the process may have written there since. */
gboolean
wd_descendants_marked(const char *environment, gsize length, const char *mark)
{
  const gsize mark_length = strlen(mark);
  gsize at = 0;
  while (at < length) {
    const gsize entry_length = strnlen(environment + at, length - at);
    if (entry_length == mark_length && memcmp(environment + at, mark, mark_length) == 0)
      return TRUE;
    at += entry_length + 1;
  }
  return FALSE;
}
