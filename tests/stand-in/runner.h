/* A thread that executes queries one after the other, as osqueryd's runners do
 * (osquery/dispatcher/dispatcher.cpp): without work it waits on a condition, for a time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct StandRunner StandRunner;

/* In the runner's thread: executes the next query. Returns: FALSE: there is none now. */
typedef gboolean (*StandRunnerStep)(gpointer user_data);

/* @name: the thread's, as the kernel cuts it. */
StandRunner *stand_runner_start(const char *name, StandRunnerStep step, gpointer user_data);

/* Takes no more steps, and waits for the one that is being taken. FALSE when it still is at
 * @deadline_us; otherwise the runner is freed. NULL is allowed. */
gboolean stand_runner_stop(StandRunner *runner, gint64 deadline_us);

G_END_DECLS
