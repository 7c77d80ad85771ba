/* Values as text that is safe to show. Pure. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Whether a terminal might act upon @c instead of showing it: control and invisible formatting
 * characters (those that reorder text among them), line separators, unassigned and private ones. */
gboolean ctl_is_unsafe(gunichar c);

/* Appends @length bytes of @text, unsafe characters as \n, \t, \x1b or \u{202e}, bytes that are no
 * UTF-8 as \xff. */
void ctl_append_visible(GString *string, const char *text, gsize length);

/* @text as visible text. Newly allocated. */
char *ctl_visible(const char *text);

/* How many columns of a terminal @text takes, which must be visible text. */
gsize ctl_display_width(const char *text);

/* A column's name as visible text. Newly allocated. */
char *ctl_visible_name(sqlite3_stmt *stmt, int column);

/* A column of the present row as visible text: NULL as nothing, a BLOB as X'00FF'. Newly allocated.
 */
char *ctl_visible_value(sqlite3_stmt *stmt, int column);

/* An integer column of the present row; WD_NONE for NULL. */
gint64 ctl_integer(sqlite3_stmt *stmt, int column);

/* The bytes of a BLOB column as X'00FF'. */
void ctl_append_blob(GString *string, sqlite3_stmt *stmt, int column);

G_END_DECLS
