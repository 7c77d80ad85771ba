/* What a process was doing when it exceeded its limit: the `details` of limit_exceeded and
 * would_terminate, as JSON. The keys are fixed (docs/tables.md), because users write json_extract()
 * against them. Pure. */
#pragma once

#include "watchdog/core/kernel/proc-stat.h"

G_BEGIN_DECLS

/* One thread at one moment. */
typedef struct {
  gint64 tid;
  gint64 start_ticks; /* with the tid, the thread's identity */
  gint64 cpu_ms;      /* since the thread's start */
  char name[WD_PROC_NAME_SIZE];
} WdThreadUse;

/* The threads of a process at one moment. */
typedef struct {
  gint64 time_us;   /* monotonic */
  GArray *threads;  /* of WdThreadUse */
  gboolean partial; /* there was no time for all of them */
} WdThreads;

WdThreads *wd_threads_new(gint64 time_us);
void wd_threads_free(WdThreads *threads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdThreads, wd_threads_free)

/* The thread that used the most CPU since @since_us. */
typedef struct {
  char name[WD_PROC_NAME_SIZE];
  gint64 tid; /* 0: no thread used any, or nobody looked */
  gint64 cpu_ms;
  gint64 since_us; /* monotonic; WD_NONE: since the thread's start */
} WdBusiest;

/* @before: NULL: not known. */
WdBusiest wd_threads_busiest(const WdThreads *before, const WdThreads *now);

/* Describes the busiest threads, and the memory of the process.
 * @before: the threads at an earlier moment. NULL: not known; then CPU time counts from each
 * thread's start, and interval_ms is null. @thread_count: how many there are now. @memory: NULL, or
 * WD_NONE in it, becomes null. @descriptors: WD_NONE becomes null.
 * Returns: a JSON object, newly allocated. */
char *wd_details_json(const WdThreads *before, const WdThreads *now, gint64 thread_count,
                      const WdProcMemory *memory, gint64 descriptors);

/* Joins two JSON objects, the keys of @first in front. Either may be NULL. Newly allocated; NULL
 * when both are. */
char *wd_details_join(const char *first, const char *second);

G_END_DECLS
