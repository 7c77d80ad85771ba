/* What a machine asks its driver to do. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* How long the first signal waits, at most, for limit_exceeded to be stored. */
#define WD_STORE_WAIT_US (20 * G_TIME_SPAN_MILLISECOND)

typedef enum {
  /* Start the process; answer with WD_INPUT_SPAWNED or WD_INPUT_SPAWN_FAILED. */
  WD_ACTION_SPAWN,
  /* Send `signo` to the process; SIGKILL to its whole process group. */
  WD_ACTION_SIGNAL,
  /* Remember how much CPU the process's threads have used so far: the details of a later event show
   * what they used since. */
  WD_ACTION_REMEMBER_THREADS,
  /* Count the process's page faults; answer with one WD_INPUT_FAULTED once there were some. */
  WD_ACTION_COUNT_FAULTS,
  /* Set the event's time, log its message and store it. With `acknowledge`, answer with
   * WD_INPUT_STORED once it is durable. With `details`, add what the process is doing. */
  WD_ACTION_RECORD,
  /* Write `text` to the log. */
  WD_ACTION_LOG,
  /* Try the worker's manager socket. If it accepts, answer with WD_INPUT_MANAGER_ACCEPTS. */
  WD_ACTION_PROBE_MANAGER,
  /* Publish wd_machine_status(). */
  WD_ACTION_PUBLISH,
  /* Exit with `exit_code`: every child is gone, or can't be killed. */
  WD_ACTION_EXIT,
} WdActionKind;

typedef struct {
  WdActionKind kind;
  guint process; /* index of the process; see input.h */
  int signo;
  WdEvent *event; /* owned by the list; may be stolen by setting it to NULL */
  gboolean acknowledge;
  gboolean details;
  char *text; /* owned by the list */
  int exit_code;
} WdAction;

/* A list of WdAction, to be carried out in order. Free with g_array_unref(). */
GArray *wd_actions_new(void);

/* Appends @action; takes its event and its text. */
void wd_actions_add(GArray *actions, WdAction action);

G_END_DECLS
