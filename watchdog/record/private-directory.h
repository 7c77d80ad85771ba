/* A directory for this process alone, and the lock that keeps others out. It may be unusable for a
 * while: then claiming fails, and may be tried again. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct WdPrivateDirectory WdPrivateDirectory;

/* @path: relative to the present working directory, or absolute. Touches nothing. */
WdPrivateDirectory *wd_private_directory_new(const char *path);

/* Releases the lock. NULL is allowed. Of two objects for one directory, the first that is freed
 * releases it for both. */
void wd_private_directory_free(WdPrivateDirectory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdPrivateDirectory, wd_private_directory_free)

/* Absolute. Borrowed. */
const char *wd_private_directory_path(const WdPrivateDirectory *directory);

/* Makes sure that it is a directory (created with 0700, with its parents), owned by us or root, and
 * not writable by others, and that this process has its lock. May block as long as its disk does;
 * for one thread at a time. One process may claim a directory through several objects.
 * Returns: FALSE with @error: the path and the failed check; G_FILE_ERROR_AGAIN when another
 * process has the lock. */
gboolean wd_private_directory_claim(WdPrivateDirectory *directory, GError **error);

/* How many claims had to take the lock: another number means that what was opened in the directory
 * is gone with it. For the thread that claims. */
guint wd_private_directory_claims(const WdPrivateDirectory *directory);

/* Whether the last claim has succeeded. For any thread; never blocks. */
gboolean wd_private_directory_claimed(const WdPrivateDirectory *directory);

/* Whether a claim could succeed, as far as that shows without changing anything. Who has the lock
 * isn't looked at. Returns: FALSE with @error as above. */
gboolean wd_private_directory_check(const char *path, GError **error);

/* Whether @pid has the lock of the directory at @path. Not for a process that claims directories:
 * it would release its own lock. */
gboolean wd_private_directory_is_claimed_by(const char *path, pid_t pid);

G_END_DECLS
