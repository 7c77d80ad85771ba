/* How the state of a process changes. */
#pragma once

#include "watchdog/core/event/process-status.h"

G_BEGIN_DECLS

/* What happens to a process. */
typedef enum {
  WD_CHANGE_BEGUN,     /* it runs: it was spawned, or found */
  WD_CHANGE_ENDING,    /* it is to end: the first signal is sent, or waits for the store */
  WD_CHANGE_KILLED,    /* SIGKILL is sent */
  WD_CHANGE_OVERDUE,   /* SIGKILL has not ended it in time */
  WD_CHANGE_GONE,      /* it doesn't run, and will be started again */
  WD_CHANGE_DISMISSED, /* it is not to be started again */
  WD_CHANGE_ABANDONED, /* it failed too often: it is still tried, but rarely */
  WD_CHANGE_WANTED,    /* it is to be started again, as if it had never failed */
} WdChange;

/* The state that follows from @change in @state. */
WdState wd_state_after(WdState state, WdChange change);

G_END_DECLS
