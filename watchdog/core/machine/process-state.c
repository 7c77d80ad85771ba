#include "watchdog/core/machine/process-state.h"

static WdState
after_waiting(WdChange change)
{
  switch (change) {
  case WD_CHANGE_BEGUN:
    return WD_STATE_RUNNING;
  case WD_CHANGE_DISMISSED:
    return WD_STATE_STOPPED;
  case WD_CHANGE_ABANDONED:
    return WD_STATE_ABANDONED;
  case WD_CHANGE_GONE: /* it could not be started */
  case WD_CHANGE_WANTED:
    return WD_STATE_WAITING;
  case WD_CHANGE_ENDING:
  case WD_CHANGE_KILLED:
  case WD_CHANGE_OVERDUE:
    break; /* nothing runs */
  }
  g_return_val_if_reached(WD_STATE_WAITING);
}

static WdState
after_running(WdChange change)
{
  switch (change) {
  case WD_CHANGE_ENDING:
    return WD_STATE_TERMINATING;
  case WD_CHANGE_GONE:
    return WD_STATE_WAITING;
  case WD_CHANGE_DISMISSED:
    return WD_STATE_STOPPED;
  case WD_CHANGE_WANTED:
    return WD_STATE_RUNNING;
  case WD_CHANGE_BEGUN:
  case WD_CHANGE_KILLED: /* only what is being ended */
  case WD_CHANGE_OVERDUE:
  case WD_CHANGE_ABANDONED: /* only what is gone */
    break;
  }
  g_return_val_if_reached(WD_STATE_RUNNING);
}

/* @state: TERMINATING, KILLING or STUCK. */
static WdState
after_ending(WdState state, WdChange change)
{
  switch (change) {
  case WD_CHANGE_KILLED:
    return WD_STATE_KILLING;
  case WD_CHANGE_OVERDUE:
    return WD_STATE_STUCK;
  case WD_CHANGE_GONE:
    return WD_STATE_WAITING;
  case WD_CHANGE_DISMISSED:
    return WD_STATE_STOPPED;
  case WD_CHANGE_WANTED: /* starts again once it is gone */
    return state;
  case WD_CHANGE_BEGUN:
  case WD_CHANGE_ENDING: /* it is ended once */
  case WD_CHANGE_ABANDONED:
    break;
  }
  g_return_val_if_reached(state);
}

static WdState
after_stopped(WdChange change)
{
  switch (change) {
  case WD_CHANGE_WANTED:
    return WD_STATE_WAITING;
  case WD_CHANGE_DISMISSED:
    return WD_STATE_STOPPED;
  case WD_CHANGE_BEGUN:
  case WD_CHANGE_ENDING:
  case WD_CHANGE_KILLED:
  case WD_CHANGE_OVERDUE:
  case WD_CHANGE_GONE:
  case WD_CHANGE_ABANDONED:
    break; /* nothing runs, and nothing is started */
  }
  g_return_val_if_reached(WD_STATE_STOPPED);
}

WdState
wd_state_after(WdState state, WdChange change)
{
  switch (state) {
  case WD_STATE_WAITING:
  case WD_STATE_ABANDONED: /* waits, too, but longer */
    return after_waiting(change);
  case WD_STATE_RUNNING:
    return after_running(change);
  case WD_STATE_TERMINATING:
  case WD_STATE_KILLING:
  case WD_STATE_STUCK:
    return after_ending(state, change);
  case WD_STATE_STOPPED:
    return after_stopped(change);
  }
  g_return_val_if_reached(state);
}
