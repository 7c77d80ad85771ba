#include "watchdog/run/process-name.h"

#include <string.h>
#include <sys/prctl.h>

void
wd_process_name_take(char *argv0, const char *program)
{
  const gsize room = strlen(argv0);
  g_autofree char *name = g_path_get_basename(program);
  g_autofree char *title = g_strconcat(name, " watchdog", NULL);

  (void)prctl(PR_SET_NAME, name); /* cuts it, as exec does */
  /* If argv[0] has a blank in it, pidof compares its first word, or the kernel's name. A name that
   * is cut short could be another program's. */
  if (room < strlen(name))
    return;
  memset(argv0, ' ', room);
  memcpy(argv0, title, MIN(room, strlen(title)));
}
