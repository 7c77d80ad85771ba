/* What one seed's runs leave behind: the last lines for a reader, a hash of every action, and how
 * often each fault really happened. */
#pragma once

#include "watchdog/core/machine/supervise.h"

#define SIM_TRACE_LINES 40

/* name in the code, name for people */
#define SIM_TALLIES(TALLY)                                                \
  TALLY(STARTS, "processes started")                                      \
  TALLY(PIDS_REUSED, "pids reused")                                       \
  TALLY(STRANGERS, "of them, by strangers at once")                       \
  TALLY(FORKS, "processes started by those")                              \
  TALLY(GROUPS_LEFT, "of them, out of their group")                       \
  TALLY(GROUPS_ENDED, "ended with their group")                           \
  TALLY(INHERITED, "inherited from a dead parent")                        \
  TALLY(STRAYS_ENDED, "of them, ended")                                   \
  TALLY(LAST_LOOKS, "looks at strays when all else had gone")             \
  TALLY(DESCENDANTS_STUCK, "left, because they can't be ended")           \
  TALLY(SPAWN_FAILURES, "spawn failures")                                 \
  TALLY(EXITS, "unprovoked exits")                                        \
  TALLY(CRASHES, "unprovoked deaths by a signal")                         \
  TALLY(OOM_KILLS, "of them, by the kernel for want of memory")           \
  TALLY(EXITS_78, "workers' exits with 78 that ended all")                \
  TALLY(DELAYS, "respawns delayed")                                       \
  TALLY(WORKER_GIVE_UPS, "workers given up")                              \
  TALLY(BROKEN_COMMAND_LINES, "command lines found broken")               \
  TALLY(EXTENSION_GIVE_UPS, "extensions given up, ending all")            \
  TALLY(ABANDONED, "extensions abandoned")                                \
  TALLY(REMEMBERED, "of them, because they had ended all before")         \
  TALLY(NOT_STORED, "of them, because the store was too slow")            \
  TALLY(EXCUSED, "exits that were not the extension's doing")             \
  TALLY(WITHDRAWN, "exits that turned out not to be")                     \
  TALLY(SPARED, "indispensable extensions spared")                        \
  TALLY(FOLLOWED_DURING, "extensions gone while the worker was ended")    \
  TALLY(FOLLOWED_AFTER, "extensions gone after the worker")               \
  TALLY(FOLLOWED_BEFORE, "extensions gone just before the worker")        \
  TALLY(MEMORY_BREACHES, "memory limits exceeded")                        \
  TALLY(QUICK_DETECTIONS, "of them, checked to be seen in time")          \
  TALLY(COUNTED_DETECTIONS, "of them, because page faults were counted")  \
  TALLY(COUNTS, "counts of page faults begun")                            \
  TALLY(FAULTS, "processes said to take memory")                          \
  TALLY(THREADS_REMEMBERED, "threads remembered near a limit")            \
  TALLY(CPU_BREACHES, "CPU limits exceeded")                              \
  TALLY(UNHEALTHY, "watchdogs over their own limit")                      \
  TALLY(DRY_BREACHES, "breaches only recorded")                           \
  TALLY(FOREIGN, "breaches of processes with another parent")             \
  TALLY(FORGIVEN, "limit kills in a row forgiven")                        \
  TALLY(GONE_UNSIGNALLED, "gone before their first signal")               \
  TALLY(GRACEFUL, "ended gracefully")                                     \
  TALLY(KILLED, "killed")                                                 \
  TALLY(OUTGROWN, "of them, because they grew on")                        \
  TALLY(STUCK, "stuck")                                                   \
  TALLY(UNSTUCK, "gone after having been stuck")                          \
  TALLY(STORED_IN_TIME, "acknowledgements in time")                       \
  TALLY(STORED_LATE, "acknowledgements late")                             \
  TALLY(STORED_NEVER, "acknowledgements never")                           \
  TALLY(REGISTERED, "extensions registered")                              \
  TALLY(DROPPED, "extensions' registrations lost")                        \
  TALLY(UNREGISTERED_TOO_LONG, "extensions ended for not registering")    \
  TALLY(DRY_UNREGISTERED, "of them, only recorded")                       \
  TALLY(UNRESPONSIVE, "processes that stopped answering")                 \
  TALLY(RESPONSIVE, "of them, that answered again")                       \
  TALLY(HUNG, "of them, ended")                                           \
  TALLY(DRY_HUNG, "of them, only recorded")                               \
  TALLY(DENYLISTED, "queries denylisted")                                 \
  TALLY(LATE_REPORTS, "observations of a worker that is gone")            \
  TALLY(EVENTS_LOST, "losses reported by the store")                      \
  TALLY(RECOVERIES, "recoveries reported by the store")                   \
  TALLY(SAMPLES_MISSING, "samples missing")                               \
  TALLY(LATE_TICKS, "late ticks")                                         \
  TALLY(STALLS, "stalls of the loop")                                     \
  TALLY(MANAGERS_NEVER, "workers that never opened their manager socket") \
  TALLY(CLOCK_STEPS, "steps of the wall clock")                           \
  TALLY(CLOCK_SETTLED, "looks at a wall clock that could be believed")    \
  TALLY(RELOADS, "changes of settings")                                   \
  TALLY(RELOADS_STOPPING, "of them, while stopping")                      \
  TALLY(ADDED, "extensions added")                                        \
  TALLY(REMOVED, "extensions removed")                                    \
  TALLY(REMOVED_RUNNING, "of them, running")                              \
  TALLY(REMOVED_SPAWNING, "of them, being spawned")                       \
  TALLY(WANTED_AGAIN, "extensions added again")                           \
  TALLY(WANTED_AGAIN_RUNNING, "of them, not gone yet")                    \
  TALLY(STOPS, "stopped on request")                                      \
  TALLY(SECOND_STOPS, "second requests to stop")                          \
  TALLY(STOPS_DURING_SPAWN, "requests to stop during a spawn")            \
  TALLY(STUCK_AT_STOP, "left with a stuck process")

typedef enum {
#define SIM_TALLY_MEMBER(name, words) SIM_TALLY_##name,
  SIM_TALLIES(SIM_TALLY_MEMBER)
#undef SIM_TALLY_MEMBER
      SIM_TALLY_COUNT
} SimTally;

const char *sim_tally_name(SimTally tally);

typedef struct {
  guint64 seed;
  gboolean steady_wall; /* nobody sets the wall clock */
  guint64 steps;
  guint64 runs;
  guint64 hash;
  guint64 tally[SIM_TALLY_COUNT];
  char lines[SIM_TRACE_LINES][200];
  guint next_line;
} SimTrace;

void sim_trace_init(SimTrace *trace, guint64 seed, gboolean steady_wall);

static inline void
sim_trace_count(SimTrace *trace, SimTally tally)
{
  trace->tally[tally]++;
}

void sim_trace_line(SimTrace *trace, const char *format, ...) G_GNUC_PRINTF(2, 3);
void sim_trace_input(SimTrace *trace, const WdInput *input, gint64 now_us);
/* Also enters the action into the hash. */
void sim_trace_action(SimTrace *trace, const WdAction *action);

/* An invariant doesn't hold: prints the seed, the step and the last lines, and exits with 1. */
void sim_trace_fail(const SimTrace *trace, const char *format, ...)
    G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN;

#define SIM_CHECK(trace, condition, ...)  \
  do {                                    \
    if (!(condition))                     \
      sim_trace_fail(trace, __VA_ARGS__); \
  } while (0)
