/* Text that is safe to show, and its width. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether a terminal might act upon @c instead of showing it: control and invisible formatting
 * characters, including those that reorder text; line separators; unassigned and private ones. */
gboolean ctl_is_unsafe(gunichar c);

/* Appends @length bytes of @text: unsafe characters as \n, \t, \x1b or \u{202e}, bytes that aren't
 * UTF-8 as \xff. */
void ctl_append_visible(GString *string, const char *text, gsize length);

/* @text as visible text. Newly allocated. */
char *ctl_visible(const char *text);

/* How many columns of a terminal @text (visible text) takes. */
gsize ctl_display_width(const char *text);

/* How many bytes of @text (visible text) fit into @width columns. */
gsize ctl_bytes_within(const char *text, gsize width);

G_END_DECLS
