/* The watchdog's log: to stderr and syslog; to the journal alone, with structured fields, when
 * stderr leads there.
 *
 * It never blocks the caller, because a full pipe must not stop supervision. Lines are dropped when
 * stderr or the journal has no room. Syslog has its own thread, behind a bounded queue. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* Before this call, lines go to stderr alone. */
void wd_log_start(void);

/* Writes the lines that wait, for at most a second, and stops. */
void wd_log_finish(void);

/* @text: one line. Control characters in it are replaced, because it may quote a process's name. */
void wd_log(const char *text);

/* The same, formatted. */
void wd_logf(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Logs that the store can't be written because of @error, unless that was logged last.
 * @logged: the last trouble that was logged, NULL for none; owned by the caller. */
void wd_log_store_trouble(char **logged, const GError *error);

/* Logs that the file at @path can be written again, if such a trouble was logged; forgets it. */
void wd_log_store_mended(char **logged, const char *path);

/* Logs the event's message; in the journal, with more of its columns as fields. */
void wd_log_event(const WdEvent *event);

G_END_DECLS
