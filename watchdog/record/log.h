/* The watchdog's log: to stderr and syslog; to the journal alone, with structured fields, when
 * stderr leads there.
 *
 * Never blocks the caller. What stderr or the journal has no room for is dropped, rather than
 * letting a full pipe stop supervision; syslog is written from a thread of its own behind a bounded
 * queue. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* Before it, lines go to stderr alone. */
void wd_log_start(void);

/* Writes what waits, for at most a second, and stops. */
void wd_log_finish(void);

/* @text: one line; control characters in it are replaced, for it may quote what a process chose. */
void wd_log(const char *text);

/* The same, formatted. */
void wd_logf(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* That the store can't be written, for @error; unless that was what was told last. @told: what was;
 * the caller's, NULL for nothing. */
void wd_log_store_trouble(char **told, const GError *error);

/* The event's message, and what else the journal can hold of it. */
void wd_log_event(const WdEvent *event);

G_END_DECLS
