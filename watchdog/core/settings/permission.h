/* osquery's rule for what may be executed, for osqueryd itself and for extensions
 * (osquery/filesystem/filesystem.cpp, safePermissions()). Pure: the caller looks the files up. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/* @file: of the opened file, links followed; NULL if it can't be opened.
 * @directory: of the directory in the path as it is named, so not where a link leads; NULL if it
 * can't be looked at, or the path names none.
 * @user: the current one.
 * @allow_unsafe: --allow_unsafe: only that the file exists is checked.
 * Returns: the first check that failed, to follow a path in a sentence: "is writable by others",
 * static; NULL: the file is safe. */
const char *wd_permission_fault(const struct stat *file, const struct stat *directory, uid_t user,
                                gboolean allow_unsafe);

G_END_DECLS
