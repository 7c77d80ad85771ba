#include "watchdog/strays.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "watchdog/errno-error.h"
#include "watchdog/procfs.h"

gboolean
wd_strays_inherit(GError **error)
{
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    return TRUE;
  return wd_errno_error(error, "subreaper");
}

/* A child of ours keeps its pid until we reap it, so what is killed is what was looked at. */
static gboolean
is_our_child(gint64 pid)
{
  WdProcReader reader;
  WdSample sample;
  if (!wd_proc_reader_open(&reader, pid, NULL))
    return FALSE;
  const gboolean ours =
      wd_proc_reader_sample(&reader, FALSE, &sample) && sample.ppid == (gint64)getpid();
  wd_proc_reader_close(&reader);
  return ours;
}

typedef struct {
  gboolean (*is_known)(gint64 pid, gpointer user_data);
  gpointer user_data;
  guint killed;
} Hunt;

static gboolean
parse_pid(const char *text, gint64 *pid)
{
  return g_ascii_string_to_signed(text, 10, 2, G_MAXINT32, pid, NULL);
}

static void
kill_unknown(Hunt *hunt, gint64 pid)
{
  if (!hunt->is_known(pid, hunt->user_data) && kill((pid_t)pid, SIGKILL) == 0)
    hunt->killed++;
}

/* What we forked and what we inherit are children of the main thread. The list may lack some while
 * one of them goes, but then we are called again. */
static gboolean
hunt_listed(Hunt *hunt)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents("/proc/thread-self/children", &text, NULL, NULL))
    return FALSE;
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  for (gsize i = 0; words[i] != NULL; i++) {
    gint64 pid;
    if (parse_pid(words[i], &pid))
      kill_unknown(hunt, pid);
  }
  return TRUE;
}

static void
hunt_everywhere(Hunt *hunt)
{
  g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
  if (processes == NULL)
    return;
  for (const char *name = g_dir_read_name(processes); name != NULL;
       name = g_dir_read_name(processes)) {
    gint64 pid;
    if (parse_pid(name, &pid) && is_our_child(pid))
      kill_unknown(hunt, pid);
  }
}

guint
wd_strays_kill(gboolean (*is_known)(gint64 pid, gpointer user_data), gpointer user_data)
{
  Hunt hunt = {.is_known = is_known, .user_data = user_data};
  if (!hunt_listed(&hunt))
    hunt_everywhere(&hunt);
  return hunt.killed;
}
