/* The main loop of a supervisor: signals, time, and the machine's actions. */
#pragma once

#include "watchdog/drive/driver.h"
#include "watchdog/run/roster.h"

G_BEGIN_DECLS

typedef struct {
  const WdRoster *roster;
  WdRunRecord *record;
  WdWriter *writer;
  gboolean orphans_are_ours; /* see wd_children_new() */
  /* Asked to reload: adds to the roster, then feeds the changes. */
  void (*reload)(gpointer reload_data, WdDriver *driver);
  gpointer reload_data;
} WdMainLoopParts;

/* Blocks the signals that the loop takes (SIGCHLD, SIGTERM, SIGINT, SIGHUP, WD_FAULT_SIGNAL) and
 * ignores SIGPIPE. To be called before the first thread starts, so that no thread gets one. */
gboolean wd_main_loop_block_signals(GError **error);

/* Runs until the machine says to leave. Everything in @parts stays the caller's.
 * Returns: the exit code, or -1 with @error when the loop couldn't begin. */
int wd_main_loop_run(const WdMainLoopParts *parts, GError **error);

G_END_DECLS
