/* What this process is called in listings of processes. It is osqueryd's name, because init scripts
 * find the daemon by it (ps -C, pidof, start-stop-daemon --name), some compare it with the owner of
 * the pidfile, and osqueryd's --force kills no process of another name. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Gives this process the name that the kernel gives to one that executes @program. Its command line
 * begins with "NAME watchdog" then.
 * @argv0: the process's own argv[0], overwritten as far as it has room; whoever still needs it must
 * have a copy. To be called from the main thread. */
void wd_process_name_take(char *argv0, const char *program);

G_END_DECLS
