#include "watchdog/core/settings/limits.h"

typedef struct {
  const char *name;
  gint64 memory_limit_mb;
  gint64 utilization_limit;
  gint64 latency_limit_s;
  gint64 respawn_limit; /* the same number is the seconds that count as a quick exit */
  gint64 respawn_delay_s;
} Level;

/* osquery/core/watcher.cpp, kWatchdogLimits: MEMORY_LIMIT, UTILIZATION_LIMIT, LATENCY_LIMIT,
 * RESPAWN_LIMIT, RESPAWN_DELAY. */
static const Level NORMAL = {"normal", 200, 10, 12, 4, 5};
static const Level RESTRICTIVE = {"restrictive", 100, 5, 6, 4, 5};
static const Level MINUS_ONE = {"-1", 10000, 100, 1000, 1000, 1};

/* osquery/core/watcher.cpp, getWorkerLimit(): -1 and 1 are special, anything else is normal. */
static const Level *
level_of(gint64 level)
{
  return level == -1 ? &MINUS_ONE : level == 1 ? &RESTRICTIVE : &NORMAL;
}

void
wd_limits_resolve(WdLimits *limits, const WdLimitFlags *flags)
{
  const Level *level = level_of(flags->level);
  gint64 memory_mb = flags->memory_limit_mb > 0 ? flags->memory_limit_mb : level->memory_limit_mb;
  gint64 utilization =
      flags->utilization_limit > 0 ? flags->utilization_limit : level->utilization_limit;
  gint64 latency_s = flags->latency_limit_s > 0 ? flags->latency_limit_s : level->latency_limit_s;

  if (__builtin_mul_overflow(memory_mb, 1024 * 1024, &limits->memory_limit_bytes))
    limits->memory_limit_bytes = G_MAXINT64;
  limits->utilization_limit = MIN(utilization, 100); /* cpuUtilizationTimeLimit() caps it */
  limits->latency_limit_s = MIN(latency_s, WD_LIMITS_MAX_S);
  limits->respawn_limit = level->respawn_limit;
  limits->quick_exit_s = level->respawn_limit;
  limits->respawn_delay_s = level->respawn_delay_s;
}

const char *
wd_limits_level_name(gint64 level)
{
  return level_of(level)->name;
}
