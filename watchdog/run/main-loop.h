/* The main loop: feeds the supervisor with what happens and carries out what it decides. */
#pragma once

#include "watchdog/run/child.h"
#include "watchdog/core/machine/supervisor.h"
#include "watchdog/run/leftovers.h"
#include "watchdog/record/writer.h"

G_BEGIN_DECLS

/* Feeds the supervisor with @input, and carries out what it decides before it returns. */
typedef void (*WdFeed)(gpointer loop, const WdInput *input);

typedef struct {
  WdSupervisor *supervisor;
  GPtrArray *children; /* of WdChild, in the supervisor's order, from WD_PROCESS_WORKER on */
  const WdRunRecord *record;
  WdWriter *writer;
  const char *manager_socket;
  /* Whatever orphan becomes our child comes from one that we started, and is ended; if not, it may
   * be anyone's, and is only reaped. */
  gboolean orphans_are_ours;
  /* Asked to reload: feeds what has changed, adding to supervisor and children before. */
  void (*reload)(gpointer reload_data, WdFeed feed, gpointer loop);
  gpointer reload_data;
} WdMainLoopParts;

/* Blocks the signals that the loop takes (SIGCHLD, SIGTERM, SIGINT, SIGHUP) and ignores SIGPIPE.
 * Before the first thread starts, so that none of them gets one. */
gboolean wd_main_loop_block_signals(GError **error);

/* Runs until the supervisor says to leave. Everything in @parts stays the caller's.
 * Returns: the exit code, or -1 with @error when the loop couldn't begin. */
int wd_main_loop_run(const WdMainLoopParts *parts, GError **error);

G_END_DECLS
