/* The values of a statement's present row. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* An integer; WD_NONE for NULL. */
gint64 ctl_integer(sqlite3_stmt *stmt, int column);

/* A real number; NAN for NULL. */
double ctl_real(sqlite3_stmt *stmt, int column);

/* Appends the bytes of a BLOB as X'00FF'. */
void ctl_append_blob(GString *string, sqlite3_stmt *stmt, int column);

/* The value as visible text (text.h): "" for NULL, X'00FF' for a BLOB. Newly allocated. */
char *ctl_visible_value(sqlite3_stmt *stmt, int column);

/* The column's name as visible text. Newly allocated. */
char *ctl_visible_name(sqlite3_stmt *stmt, int column);

G_END_DECLS
