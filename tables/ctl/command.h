/* The commands of osquery-watchdogctl. */
#pragma once

#include "tables/ctl/options.h"
#include "tables/ctl/print/print.h"
#include "tables/tables.h"

G_BEGIN_DECLS

/* What a command works with. */
typedef struct {
  const CtlOptions *options;
  TableStore *store;
  sqlite3 *db; /* has the tables, and can only read */
  FILE *out;
} Ctl;

/* Runs @options->command, one of those that read the files.
 * @out: where to print; whether that worked is for the caller to see.
 * Returns: FALSE with @error, one line. */
gboolean ctl_run(const CtlOptions *options, FILE *out, GError **error);

/* For the commands: compiles @sql. */
sqlite3_stmt *ctl_prepare(const Ctl *ctl, const char *sql, GError **error);

/* Sets @error from the connection's last failure. */
void ctl_set_error(const Ctl *ctl, GError **error);

/* For what is nothing without a history: that the file is there. */
gboolean ctl_check_history(const Ctl *ctl, GError **error);

/* The way to print in the format that was asked for. @people: the command's own. */
CtlPrint ctl_printer(const CtlOptions *options, CtlPrint people);

gboolean ctl_status(const Ctl *ctl, GError **error);
gboolean ctl_events(const Ctl *ctl, GError **error);
gboolean ctl_report(const Ctl *ctl, GError **error);
gboolean ctl_explain(const Ctl *ctl, GError **error);
gboolean ctl_query(const Ctl *ctl, GError **error);

G_END_DECLS
