/* The connections behind the tables. Inside tables/ only. */
#pragma once

#include "tables/source.h"

G_BEGIN_DECLS

/* The connection to the file of table_sources[@source] as it is now.
 * @db: set to NULL when there is no such file, unless files are demanded; stays the store's.
 * Returns: FALSE with @error when the file can't be used. */
gboolean table_store_connect(TableStore *store, guint source, sqlite3 **db, GError **error);

G_END_DECLS
