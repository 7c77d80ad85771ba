/* Answers SQL over a set of tables. Each query has a database of its own, so that any number run
 * at once and one may wait for an extension that itself asks for another. */
#pragma once

#include "tests/stand-in/misbehave.h"
#include "tests/stand-in/virtual-table.h"
#include "thrift/reply.h"

G_BEGIN_DECLS

typedef struct {
  GPtrArray *tables; /* of StandTable */
  StandSource source;
  StandMisbehaviour *misbehaviour; /* what the SQL function misbehave() acts on */
  const char *null_text;           /* what NULL is shown as (osquery: --nullvalue, "") */
} StandSql;

/* Runs all statements in @text and ends @rows with their rows, or with SQLite's message. */
void stand_sql_query(const StandSql *sql, const char *text, WireRows *rows);

/* Ends @rows with a row {name: type} for each column of the first statement, or with SQLite's
 * message. The type of an expression is UNKNOWN (osquery guesses it). */
void stand_sql_columns(const StandSql *sql, const char *text, WireRows *rows);

G_END_DECLS
