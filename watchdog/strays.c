#include "watchdog/strays.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "watchdog/procfs.h"

gboolean
wd_strays_inherit(GError **error)
{
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    return TRUE;
  const int saved = errno;
  g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved), "subreaper: %s",
              g_strerror(saved));
  return FALSE;
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

guint
wd_strays_kill(gboolean (*is_known)(gint64 pid, gpointer user_data), gpointer user_data)
{
  guint killed = 0;
  g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
  if (processes == NULL)
    return 0;
  for (const char *name = g_dir_read_name(processes); name != NULL;
       name = g_dir_read_name(processes)) {
    gint64 pid;
    if (g_ascii_string_to_signed(name, 10, 2, G_MAXINT32, &pid, NULL) &&
        !is_known(pid, user_data) && is_our_child(pid) && kill((pid_t)pid, SIGKILL) == 0)
      killed++;
  }
  return killed;
}
