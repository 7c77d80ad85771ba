/* The layouts of the two databases: how our files are recognized, and how an older one is brought
 * up to date. */
#pragma once

#include "watchdog/store/database.h"

G_BEGIN_DECLS

typedef struct {
  const char *title;     /* for messages: "history", "status" */
  gint32 application_id; /* PRAGMA application_id */
  gint32 version;        /* PRAGMA user_version: the newest one that we know */
  /* [v] leads from version v to v + 1, inside the caller's transaction. */
  gboolean (*const *migrations)(sqlite3 *db, GError **error);
} WdSchema;

extern const WdSchema wd_schema_history;
extern const WdSchema wd_schema_status;

/* Reads the version of the database, changing nothing.
 * @version: set to 0 for a database that is still empty.
 * Returns: FALSE with WD_STORE_ERROR_CORRUPT when the database isn't ours, _NEWER when we don't
 * know its version, or what SQLite reports. */
gboolean wd_schema_check(sqlite3 *db, const WdSchema *schema, gint32 *version, GError **error);

/* Brings the database up to @schema->version. Call it inside a transaction. */
gboolean wd_schema_migrate(sqlite3 *db, const WdSchema *schema, GError **error);

G_END_DECLS
