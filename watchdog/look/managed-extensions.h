/* The managed extensions: those that extensions.load names, as osquery reads it, and our own. */
#pragma once

#include <glib.h>

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

typedef struct {
  char *path;
  char *name;         /* the file's name, or its path where two files share a name */
  gboolean is_tables; /* our own, which serves the tables */
} WdManagedExtension;

/* Lists our own extension first, unless it is switched off, then those that extensions.load names.
 * With --disable_extensions the list is empty. One file by one name appears once, even if it is
 * listed twice or reached through two directories; another name is another extension, because a
 * program may look at its name. Our own appears once, whatever it is called. Files that may not be
 * executed are left out.
 * @warnings: of char *: a line is added for each file that is left out, with the failed check.
 * @unreadable: set when extensions.load exists but can't be read; then the rest is listed.
 * Returns: an array of WdManagedExtension. */
GPtrArray *wd_managed_extensions_list(const WdSettings *settings, GPtrArray *warnings,
                                      GError **unreadable);

G_END_DECLS
