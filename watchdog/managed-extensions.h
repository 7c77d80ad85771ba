/* Which extensions are managed: what extensions.load names, as osquery reads it, and our own. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  char *path;
  char *name;         /* the file's name; its path where two share one */
  gboolean is_tables; /* our own, which serves the tables */
} WdManagedExtension;

void wd_managed_extension_free(WdManagedExtension *extension);

/* Our own extension's file: @option if not NULL, else beside this program, else in the install's
 * libexec. NULL with @error naming the places. */
char *wd_tables_extension_find(const char *option, GError **error);

/* @autoload: the path of extensions.load; a missing file names nothing. @tables: our own
 * extension's path, put first; NULL: none. A file that extensions.load names twice, or through two
 * paths, or that is our own, is there once. Files that may not be executed are left out, each with
 * a line in the log saying which check failed. Returns: of WdManagedExtension. */
GPtrArray *wd_managed_extensions_load(const char *autoload, const char *tables,
                                      gboolean allow_unsafe);

G_END_DECLS
