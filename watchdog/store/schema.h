/* The layouts of the two databases: what tells our files from others, and how an older one is
 * brought up to date. */
#pragma once

#include "watchdog/store/database.h"

G_BEGIN_DECLS

typedef struct {
  const char *title;     /* for messages: "history", "status" */
  gint32 application_id; /* PRAGMA application_id: tells our files from others */
  gint32 version;        /* PRAGMA user_version: the newest one that we know */
  /* [v] leads from version v to v + 1, inside the caller's transaction. */
  gboolean (*const *migrations)(sqlite3 *db, GError **error);
} WdSchema;

extern const WdSchema wd_schema_history;
extern const WdSchema wd_schema_status;

/* Reads which version the database has, changing nothing.
 * @version: set to 0 for a database that is still empty.
 * Returns: FALSE with WD_STORE_ERROR_CORRUPT when it is none of ours, _NEWER when it is of a
 * version that we don't know, or what SQLite reports. */
gboolean wd_schema_check(sqlite3 *db, const WdSchema *schema, gint32 *version, GError **error);

/* Brings the database up to @schema->version; to be called inside a transaction. */
gboolean wd_schema_migrate(sqlite3 *db, const WdSchema *schema, GError **error);

G_END_DECLS
