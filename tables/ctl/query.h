/* SQL over the tables: from the command line, from a file, from a prompt. */
#pragma once

#include "tables/ctl/command.h"

G_BEGIN_DECLS

/* Runs all the statements of @sql and prints what they yield. What follows the last `;` counts as a
 * statement, too. @line: the number of its first line.
 * Returns: FALSE with @error, which names the first statement that failed, and its line. */
gboolean ctl_query_run(const Ctl *ctl, const char *sql, guint line, GError **error);

/* Reads statements from @in until its end and runs each once it is complete; stops at the first
 * that fails. */
gboolean ctl_query_read(const Ctl *ctl, FILE *in, GError **error);

/* prompt.c: asks for statements at a terminal until the user has enough; errors are shown there. */
gboolean ctl_query_prompt(const Ctl *ctl, GError **error);

/* A statement may be this long. */
#define CTL_QUERY_MAX_BYTES (1024 * 1024)

G_END_DECLS
