/* The log lines, as pure functions. Those that osquery's watchdog writes too are the same word for
 * word (osquery/core/watcher.cpp), because people grep for them. Results are newly allocated. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* The line for @event, for the kinds whose line follows from the event alone. */
char *wd_event_message(const WdEvent *event);

/* The same for an observer, whose lines claim no more than it knows. */
char *wd_observed_message(const WdEvent *event);

/* respawn_delayed: @failures in a row led to the delay. */
char *wd_respawn_message(WdRole role, const char *path, guint failures);

/* spawn_failed: @error says why. */
char *wd_spawn_failed_message(WdRole role, const char *path, const char *error);

/* respawn_limit_reached: @times in a row the worker exited with @code as soon as it was started. */
char *wd_broken_command_line_message(const char *path, gint64 code, guint times);

/* The line that --enable_watchdog_debug adds for a process at each check. */
char *wd_measured_message(gint64 pid, gint64 used_ms, gint64 allowed_ms, gint64 footprint_bytes,
                          gint64 limit_bytes);

char *wd_events_lost_message(guint64 lost);

/* SIGTERM was not enough. */
char *wd_kill_message(WdRole role, const char *path, gint64 pid);

/* The process gets no more time, because it has grown to @bytes while it was being ended. */
char *wd_outgrown_message(WdRole role, const char *path, gint64 pid, gint64 bytes);

/* process_terminated, after that. */
char *wd_cut_short_message(const WdEvent *event, gint64 bytes);

G_END_DECLS
