/* The context that osquery sends with a call of `generate`: the query's constraints on our columns,
 * and which columns it reads.
 *
 * It is JSON, as osquery writes it (osquery/core/tables.cpp, QueryContext):
 *
 *   {"constraints":[{"name":"eid","list":[{"op":4,"expr":"42"}],"affinity":"BIGINT"}, …],
 *    "colsUsed":["eid","event"],"colsUsedBitset":3}
 */
#pragma once

#include "tables/query.h"
#include "watchdog/core/event/column.h"

G_BEGIN_DECLS

/* The largest context that is read. */
#define EXT_CONTEXT_BYTES_MAX (1u << 20)

/* Reads JSON with SQLite's functions, on a connection without a file. */
typedef struct ExtContext ExtContext;
ExtContext *ext_context_new(GError **error);
void ext_context_free(ExtContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtContext, ext_context_free)

/* Ignores columns and operators that we don't know, because osquery filters the rows again. Without
 * colsUsed (older osquery), all columns are read.
 * @json: NULL or "" means no constraints and all columns. Returns: NULL with @error
 * (G_IO_ERROR_INVALID_DATA) when it is not JSON of this form, or too large. */
TableQuery *ext_context_parse(ExtContext *context, const char *json, const WdTable *table,
                              GError **error);

G_END_DECLS
