/* Which extensions are managed: what extensions.load names, as osquery reads it, and our own. */
#pragma once

#include <glib.h>

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

typedef struct {
  char *path;
  char *name;         /* the file's name; its path where two share one */
  gboolean is_tables; /* our own, which serves the tables */
} WdManagedExtension;

/* Lists what the settings ask for: our own extension first, unless it is switched off, then what
 * extensions.load names; nothing with --disable_extensions. A file that is named twice, or through
 * two paths, or that is our own, is there once. Files that may not be executed are left out, each
 * with a line in the log saying which check failed.
 * @unreadable: set when extensions.load is there but can't be read; then the rest is listed.
 * Returns: of WdManagedExtension; NULL with @error when our own extension isn't there or may not be
 * executed. */
GPtrArray *wd_managed_extensions_list(const WdSettings *settings, GError **unreadable,
                                      GError **error);

G_END_DECLS
