/* How processes end: what the kernel reports, the statuses that have a meaning, and how long an end
 * may take. */
#pragma once

#include "watchdog/core/event/none.h"

G_BEGIN_DECLS

typedef struct {
  gint64 code;   /* WD_NONE: a signal ended it, or it isn't known */
  gint64 signal; /* WD_NONE: it exited, or it isn't known */
  gboolean oom;  /* the signal is the kernel's, because memory ran out */
  gboolean core_dumped;
} WdExit;

#define WD_EXIT_UNKNOWN ((WdExit){.code = WD_NONE, .signal = WD_NONE})

static inline gboolean
wd_exit_known(const WdExit *how)
{
  return how->code != WD_NONE || how->signal != WD_NONE;
}

#define WD_EXIT_STOPPED 0
#define WD_EXIT_FAILED 1
/* As osquery: starting again can't repair it (osquery/core/system.h, EXIT_CATASTROPHIC). */
#define WD_EXIT_CATASTROPHIC 78

/* How long a process may take to be gone after SIGKILL (osquery/core/watcher.cpp, stopChild). */
#define WD_REAP_WAIT_US (2 * G_TIME_SPAN_SECOND)

G_END_DECLS
