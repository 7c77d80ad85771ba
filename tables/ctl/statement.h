/* Statements of SQL that a user wrote. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

/* The longest statement that is run. */
#define CTL_STATEMENT_MAX_BYTES (1024 * 1024)

/* Runs the one statement that @sql has, with or without a `;`, and prints its rows. */
gboolean ctl_statement_run(const Ctl *ctl, const char *sql, GError **error);

/* Runs all the statements of @sql and prints their rows. The text after the last `;` counts as a
 * statement, too. @line: the number of its first line.
 * Returns: FALSE with @error, which names the first statement that failed, and its line. */
gboolean ctl_statements_run(const Ctl *ctl, const char *sql, guint line, GError **error);

G_END_DECLS
