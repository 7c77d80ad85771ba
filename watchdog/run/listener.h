/* A thread that reads what our children write to stderr (output.h), so that none of them ever waits
 * for the main loop, or for whatever our own stderr leads to.
 *
 * In the long run it uses no more than WD_PACE_PERCENT of a CPU, passing on included. A child that
 * writes more than that waits in its own write. */
#pragma once

#include "watchdog/core/settings/settings.h"
#include "watchdog/run/output.h"

G_BEGIN_DECLS

typedef struct WdListener WdListener;

/* Why output isn't captured: a static text. NULL: it is. */
const char *wd_listener_obstacle(const WdSettings *settings);

/* NULL with @error. */
WdListener *wd_listener_start(GError **error);

/* Passes on what is left, for at most two seconds, and stops. The processes that it listens to must
 * have ended; of others, nothing more is heard. NULL is allowed. */
void wd_listener_finish(WdListener *listener);

/* The output of a process that is to be started: see wd_output_open(). NULL, logged once: it can't
 * be captured, so the process is to have our own stderr. */
WdOutput *wd_listener_open(WdListener *listener, gboolean says_queries, int *child_fd);

/* Listens to @output, which has begun, until nobody can write to it any more. */
void wd_listener_add(WdListener *listener, WdOutput *output);

G_END_DECLS
