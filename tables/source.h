/* The file and the query behind each table. Inside tables/ only. */
#pragma once

#include "watchdog/core/event/column.h"
#include "watchdog/store/schema.h"

G_BEGIN_DECLS

typedef struct {
  const WdTable *table;
  const char *file;       /* its name in that directory */
  gboolean in_state_dir;  /* FALSE: in the runtime directory */
  const WdSchema *schema; /* of that file */
  gint32 since;         /* the schema's first version that has it: in an older file, it is empty */
  const char *computed; /* the one column that isn't shown as stored, or NULL */
  const char *expression; /* the SQL whose value is shown in it */
} TableSource;

#define TABLE_N_SOURCES 5
extern const TableSource table_sources[TABLE_N_SOURCES];

/* @table: one of ours. Returns: its place in table_sources. */
guint table_source_index(const WdTable *table);

G_END_DECLS
