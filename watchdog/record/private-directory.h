/* Directories for this process alone, and the lock that keeps others out. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes sure that @path is a directory (created with 0700, with its parents), owned by us or root,
 * and not writable by others. Returns: its absolute path, newly allocated; NULL with @error: the
 * path and the failed check. */
char *wd_private_directory_prepare(const char *path, GError **error);

/* Takes the lock in @directory for this process, which may take it more than once. Closing any
 * returned descriptor releases it. -1 with @error: G_FILE_ERROR_AGAIN when another process holds
 * it. */
int wd_private_directory_lock(const char *directory, GError **error);

G_END_DECLS
