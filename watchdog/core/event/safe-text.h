/* Foreign text made safe to pass on: to a line of the log or of an error, or to a peer.
 *
 * Other places need other rules, and have their own: JSON (json.h), a terminal
 * (tables/ctl/print/text.h), and thrift/text.h, which knows nothing of watchdogs. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Puts @mark in place of each ASCII control character of @text, line breaks among them. */
void wd_text_mark_controls(char *text, char mark);

/* Copies @text into the @size bytes at @to as valid UTF-8, cut between two characters if it is too
 * long. Control characters become spaces; with @lines, white space stays. NULL is "". */
void wd_text_copy_safe(char *to, gsize size, const char *text, gboolean lines);

/* Whether the @length bytes of @text are as wd_text_copy_safe() makes them. */
gboolean wd_text_is_safe(const char *text, gsize length, gboolean lines);

G_END_DECLS
