/* One process that the watcher looks after: what it is measured at, and what is written down of it.
 */
#pragma once

#include <glib.h>
#include <stdio.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  const char *role; /* "worker" or "extension" */
  char *path;       /* owned */
  pid_t pid;        /* 0: none runs */
  gint64 started_us;
  gint64 cpu_ms;         /* at the last check; -1: not checked yet */
  gint64 baseline_bytes; /* 0: not known yet */
  guint strikes;         /* checks in a row over the CPU limit */
} StandChild;

typedef struct {
  gint64 interval_ms;
  gint64 memory_bytes;
  gint64 utilization; /* % of all CPUs */
  gint64 latency_ms;
} StandLimits;

/* Takes a check's measures. Returns: "memory", "cpu", or NULL: it is within its limits. */
const char *stand_child_check(StandChild *child, const StandLimits *limits);

/* Has a new process in @child; @argv, @variable=its pid and, if @managed, OSQUERY_EXTENSIONS=true.
 * Returns: FALSE when it can't be started. */
gboolean stand_child_start(StandChild *child, char **argv, const char *variable, gboolean managed);

/* Waits for it for at most @wait_us (0: only looks). Returns: TRUE when it is reaped; then @status
 * is waitpid()'s, and its pid is 0. */
gboolean stand_child_reap(StandChild *child, gint64 wait_us, int *status);

/* Appends a line to @truth (NULL is allowed). @reason, @signals, @status: NULL where there is none.
 */
void stand_child_note(const StandChild *child, FILE *truth, const char *event, pid_t pid,
                      const char *reason, const char *signals, const int *status);

G_END_DECLS
