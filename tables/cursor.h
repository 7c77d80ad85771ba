/* The rows of a table. They are pulled value by value straight from SQLite, so that a full scan
 * needs constant memory. The caller (the extension's reply, ctl's virtual table) decides where the
 * values go. */
#pragma once

#include "tables/query.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct TableCursor TableCursor;

/* Starts reading. Events come ordered by eid, processes as the watchdog lists them, samples as they
 * were made. @store must outlive the cursor, @query need not. Returns: NULL with @error (one line
 * for people). */
TableCursor *table_cursor_open(TableStore *store, const WdTable *table, const TableQuery *query,
                               GError **error);
void table_cursor_free(TableCursor *cursor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableCursor, table_cursor_free)

typedef enum {
  TABLE_ROW,
  TABLE_END,
  TABLE_FAILED, /* @error is set; the cursor is only good for freeing */
} TableStep;
TableStep table_cursor_next(TableCursor *cursor, GError **error);

/* The value of column @column (index into the definition) of the present row as text: valid UTF-8
 * without NUL, NULL for SQL NULL; valid until the next step. @length: its bytes. */
const char *table_cursor_text(TableCursor *cursor, guint column, gsize *length);

/* The same as a number; only for columns of a numeric type, and only when not NULL. */
gint64 table_cursor_int64(TableCursor *cursor, guint column);
double table_cursor_double(TableCursor *cursor, guint column);
gboolean table_cursor_is_null(TableCursor *cursor, guint column);

G_END_DECLS
