/* The session of a command: its options, its output, and its connection to the tables. */
#pragma once

#include "tables/ctl/options.h"
#include "tables/ctl/print/format.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct {
  const CtlOptions *options;
  TableStore *store;
  sqlite3 *db; /* has the tables, and can only read */
  FILE *out;
} Ctl;

/* Connects to the tables in the directories that @options name. Their files are opened when a
 * statement first needs them.
 * @ctl: all zero; the caller closes it, after a failure, too.
 * @options, @out: must outlive @ctl. The caller checks whether printing to @out worked.
 * Returns: FALSE with @error. Every error here is one line. */
gboolean ctl_open(Ctl *ctl, const CtlOptions *options, FILE *out, GError **error);
void ctl_close(Ctl *ctl);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ctl, ctl_close)

/* Checks that the file of @table exists. Without it the table is empty, and nothing says why. */
gboolean ctl_check_file(const Ctl *ctl, const char *table, GError **error);

/* Compiles @sql and fills in its parameters.
 * @values: as many as it has parameters; NULL if it has none, or if the caller fills them in. */
sqlite3_stmt *ctl_prepare(const Ctl *ctl, const char *sql, const gint64 *values, GError **error);

/* Steps to the next row.
 * @stmt: may be NULL, after a failure that has set @error already.
 * Returns: SQLITE_ROW, SQLITE_DONE, or an error code with @error. */
int ctl_step(const Ctl *ctl, sqlite3_stmt *stmt, GError **error);

/* Compiles @sql as ctl_prepare() does and steps to its first row, which must be there. */
sqlite3_stmt *ctl_first_row(const Ctl *ctl, const char *sql, const gint64 *values, GError **error);

/* Sets @error from the connection's last failure. */
void ctl_set_error(const Ctl *ctl, GError **error);

/* Runs @stmt and prints its rows in the format that the options ask for.
 * @people: the format to use when they ask for none. */
gboolean ctl_print_rows(const Ctl *ctl, sqlite3_stmt *stmt, CtlPart part, CtlPrint people,
                        GError **error);

G_END_DECLS
