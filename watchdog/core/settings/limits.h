/* The limits and delays that the supervisor's decisions depend on, after flags and levels are
 * resolved. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WD_METRIC_GROWTH,   /* resident size minus the baseline: osquery's */
  WD_METRIC_RESIDENT, /* resident size */
  WD_METRIC_PRIVATE,  /* RssAnon + VmSwap */
} WdMemoryMetric;

typedef enum {
  WD_GIVE_UP_SHUTDOWN, /* as osquery documents: one extension over its limit ends everything */
  WD_GIVE_UP_ABANDON,  /* only that extension stops; tried again every max_delay_s */
} WdGiveUp;

typedef struct {
  gboolean enforce;            /* FALSE: --disable_watchdog; measured, never ended */
  gboolean enforce_extensions; /* --enable_extensions_watchdog */
  gboolean dry_run;            /* record what would be ended, end nothing */
  gint64 memory_limit_bytes;
  WdMemoryMetric memory_metric;
  gint64 utilization_limit;       /* % of all online CPUs, 1…100 */
  gint64 latency_limit_s;         /* over the utilization limit for this long is tolerated */
  gint64 respawn_limit;           /* quick exits in a row before giving up */
  gint64 quick_exit_s;            /* an exit before this age counts as quick */
  gint64 respawn_delay_s;         /* what the exponential back-off is added to */
  gint64 max_delay_s;             /* cap of every back-off; 0: none at all */
  gint64 watchdog_delay_s;        /* after the worker's start, before limits are enforced */
  gint64 forced_shutdown_delay_s; /* SIGTERM → SIGKILL; 0: at once */
  gint64 grace_limit_percent;     /* of the memory limit; what outgrows it while it is being ended
                                     is killed at once; 0: never */
  gint64 stop_grace_s;            /* the same when we stop: alarm_timeout - 4, at least 1 */
  gint64 extensions_interval_s;   /* how often an extension looks for the worker's manager */
  gint64 extensions_timeout_s;    /* how long an extension waits for the manager's socket */
  gboolean debug;   /* --enable_watchdog_debug: a log line for each process at each check */
  gboolean manager; /* the worker opens its extension manager's socket: no --disable_extensions */
  WdGiveUp extension_give_up;
  gint64 extension_registration_timeout_s; /* living but not registered for longer: restarted; 0:
                                              never */
  gint64 unresponsive_timeout_s;           /* unresponsive for longer: ended; 0: never */
  guint cpus;                              /* online CPUs */
} WdLimits;

/* osquery checks every 3 s at every level (osquery/core/watcher.cpp, kWatchdogLimits INTERVAL). */
#define WD_CHECK_INTERVAL_S 3

/* osqueryd's flags that choose the limits. */
typedef struct {
  gint64 level;             /* --watchdog_level: -1, 1; any other is 0 */
  gint64 memory_limit_mb;   /* --watchdog_memory_limit; 0: the level's, as in the next two */
  gint64 utilization_limit; /* --watchdog_utilization_limit, % */
  gint64 latency_limit_s;   /* --watchdog_latency_limit */
} WdLimitFlags;

/* Fills in the limits that follow from the level and the flags that override it:
 * memory_limit_bytes, utilization_limit (at most 100), latency_limit_s, respawn_limit, quick_exit_s
 * and respawn_delay_s. The rest stays. */
void wd_limits_resolve(WdLimits *limits, const WdLimitFlags *flags);

/* "normal", "restrictive" or "-1". Static. */
const char *wd_limits_level_name(gint64 level);

/* The longest time that a setting gives, 68 years, so that no sum of times overflows. */
#define WD_LIMITS_MAX_S G_MAXINT32

G_END_DECLS
