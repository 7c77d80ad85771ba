/* What one seed's runs leave behind: the trace (tests/simulation/trace.h), and how often each thing
 * really happened. */
#pragma once

#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

/* name in the code, name for people */
#define OBS_TALLIES(TALLY)                                                           \
  TALLY(STARTS, "children started by the watcher")                                   \
  TALLY(PIDS_REUSED, "pids reused")                                                  \
  TALLY(EXEC_FAILURES, "starts whose exec failed")                                   \
  TALLY(MEMORY_ENDS, "children ended by the watcher for memory")                     \
  TALLY(CPU_ENDS, "children ended by the watcher for CPU")                           \
  TALLY(SIGKILLS, "of them, that needed SIGKILL")                                    \
  TALLY(STUCK, "of them, not reaped in time")                                        \
  TALLY(MURDERS, "children killed by somebody else")                                 \
  TALLY(FOLLOWED, "extensions that followed their worker's end")                     \
  TALLY(PAUSES, "the watcher's back-offs")                                           \
  TALLY(GIVE_UPS, "too many worker restarts")                                        \
  TALLY(CATASTROPHES, "workers whose status 78 ended all")                           \
  TALLY(UNHEALTHY, "watchers over their own limit")                                  \
  TALLY(WATCHERS_KILLED, "watchers killed")                                          \
  TALLY(WATCHERS_STOPPED, "watchers asked to stop")                                  \
  TALLY(CLEAR_RUNS, "runs that nothing hid anything of")                             \
  TALLY(FOUND, "processes found")                                                    \
  TALLY(FOUND_DEAD, "of them, dead already")                                         \
  TALLY(UNKNOWN, "of them, that may have been any of several")                       \
  TALLY(REPLACED, "workers found before the end of the one before was reported")     \
  TALLY(ENDS_WITH_CODE, "ends with how they went")                                   \
  TALLY(ENDS_WITHOUT, "ends without")                                                \
  TALLY(ENDS_AGAIN, "ends of processes that weren't known, or not any more")         \
  TALLY(EVENTS_LOST, "process events lost")                                          \
  TALLY(SAMPLES_MISSING, "samples missing")                                          \
  TALLY(STALLS, "stalls of the observer")                                            \
  TALLY(LATE_TICKS, "late ticks")                                                    \
  TALLY(LATE_SCANS, "late scans")                                                    \
  TALLY(STALE_REPORTS, "reports of another worker")                                  \
  TALLY(EXCEEDED, "limit_exceeded")                                                  \
  TALLY(TERMINATED, "process_terminated")                                            \
  TALLY(MISTAKEN, "of them, ended by somebody else within the window")               \
  TALLY(OWED, "of them, that could not be overlooked")                               \
  TALLY(EXITED, "process_exited")                                                    \
  TALLY(EXITED_FOLLOWING, "of them, because the worker was gone")                    \
  TALLY(STOPPED, "process_terminated by the watcher's stop")                         \
  TALLY(STOPPED_MISTAKEN, "of them, though it ended otherwise")                      \
  TALLY(STOPPED_LIVING, "process_terminated of what lived when the watcher stopped") \
  TALLY(DELAYED, "respawn_delayed")                                                  \
  TALLY(DELAYED_MISTAKEN, "of them, though the watcher held nothing back")           \
  TALLY(DELAYED_CHECKED, "of them, compared with the watcher's own")                 \
  TALLY(LIMIT_REACHED, "respawn_limit_reached")                                      \
  TALLY(REGISTERED, "extension_registered")                                          \
  TALLY(UNREGISTERED, "extension_unregistered")                                      \
  TALLY(UNRESPONSIVE, "unresponsive")                                                \
  TALLY(RESPONSIVE, "responsive")                                                    \
  TALLY(STORE_EVENTS, "events about the store")                                      \
  TALLY(STOPPED_BY_REQUEST, "runs closed because the observer was stopped")          \
  TALLY(STOPPED_BY_END, "runs closed by the watcher's end")

typedef enum {
#define OBS_TALLY_MEMBER(name, words) OBS_TALLY_##name,
  OBS_TALLIES(OBS_TALLY_MEMBER)
#undef OBS_TALLY_MEMBER
      OBS_TALLY_COUNT
} ObsTally;

typedef struct {
  SimTrace trace;
  guint64 tally[OBS_TALLY_COUNT];
} ObsLog;

static inline void
obs_count(ObsLog *log, ObsTally tally)
{
  log->tally[tally]++;
}

#define OBS_CHECK(log, condition, ...) SIM_CHECK(&(log)->trace, condition, __VA_ARGS__)
