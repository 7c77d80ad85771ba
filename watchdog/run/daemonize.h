/* osquery's --daemonize: goes to the background, with a session of its own, in /, and with
 * /dev/null as the standard streams. osqueryd's caller learns nothing of what follows. Ours waits
 * until the daemon runs, and gets its last words and its exit status if it doesn't. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Forks, and returns in the child, which still has the caller's standard streams. The parent exits:
 * with 0 once the child calls wd_daemonize_done(), else with the child's status. To be called
 * before the first thread starts, because threads don't survive it.
 * @done_fd: set; for wd_daemonize_done(). */
gboolean wd_daemonize(int *done_fd, GError **error);

/* The daemon runs: gives up the standard streams and lets the parent exit. Closes @done_fd. To be
 * called before the first program starts, because that would keep the streams. */
gboolean wd_daemonize_done(int done_fd, GError **error);

G_END_DECLS
