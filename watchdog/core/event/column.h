/* Each column is described once. Beside the struct that becomes a row (WdEvent, WdProcessStatus)
 * stands an array of WdColumn. Its absent values, the texts that it owns, the insert (store/row.h),
 * the tables that osquery and ctl show (tables/) and docs/tables.md follow from that. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* osquery's types. */
typedef enum {
  WD_TYPE_TEXT,
  WD_TYPE_INTEGER,
  WD_TYPE_BIGINT,
  WD_TYPE_DOUBLE,
} WdColumnType;

/* osquery's column option bits (osquery/core/tables.h, ColumnOptions). */
typedef enum {
  WD_OPTION_NONE = 0,
  WD_OPTION_INDEX = 1,
  WD_OPTION_ADDITIONAL = 4,
  WD_OPTION_OPTIMIZED = 8, /* with INDEX: `IN (…)` arrives as several equalities in one call */
} WdColumnOptions;

/* The type of the member, which decides how it is stored. */
typedef enum {
  WD_VALUE_INTEGER, /* gint64; WD_NONE: NULL */
  WD_VALUE_REAL,    /* double; NAN: NULL */
  WD_VALUE_BOOLEAN, /* gboolean */
  WD_VALUE_TEXT,    /* char *, owned by the struct */
  WD_VALUE_SEQ,     /* guint64: the seq of an event of this run; stored as its eid, 0: NULL */
  WD_VALUE_RUN_ID,  /* no member: the id of the run that stores it */
  WD_VALUE_EVENT,   /* WdEventKind, stored as its word; so are the following */
  WD_VALUE_ROLE,
  WD_VALUE_REASON,
  WD_VALUE_UNIT,
  WD_VALUE_OUTCOME,
  WD_VALUE_SIGNALS,
  WD_VALUE_ORIGIN,
  WD_VALUE_STATE,
  WD_VALUE_MEMORY_WATCH,
  WD_VALUE_DERIVED, /* no member: the table is a view of others */
} WdValueKind;

typedef struct {
  const char *name;
  WdColumnType type;
  WdColumnOptions options;
  WdValueKind value;
  gsize offset;        /* of the member */
  const char *meaning; /* for docs/tables.md, in Markdown */
  const char *null;    /* when the value is NULL; NULL: never, or as the event says */
} WdColumn;

typedef struct {
  const char *name; /* in SQL */
  const WdColumn *columns;
  guint n_columns;    /* shown */
  guint n_hidden;     /* after those: stored, but not shown */
  const char *stored; /* the table's name in its file; its columns have the same names */
  const char *key; /* that table's INTEGER PRIMARY KEY, or a view's, by which the rows are ordered:
                      the first column (a view's: any), or none of them */
} WdTable;

/* Makes every number of @row absent. The other absent values are zeros. */
void wd_table_set_absent(const WdTable *table, gpointer row);

/* Frees the texts that @row owns, and nothing else. */
void wd_table_free_texts(const WdTable *table, gpointer row);

G_END_DECLS
