/* The watchdog's log lines: to stderr, one line each.
 *
 * Never blocks: a line that a reader of our stderr leaves no room for is dropped, rather than
 * letting a full pipe stop supervision. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: one line; control characters in it are replaced, for it may quote what a process chose. */
void wd_log(const char *text);

/* The same, formatted. */
void wd_logf(const char *format, ...) G_GNUC_PRINTF(1, 2);

G_END_DECLS
