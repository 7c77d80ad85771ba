/* osquery's rule for what may be executed, for osqueryd itself and for extensions
 * (osquery/filesystem/filesystem.cpp, safePermissions()). Pure: the caller looks the files up. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

typedef enum {
  WD_PERMISSION_SAFE,
  WD_PERMISSION_MISSING, /* the checks below come in this order */
  WD_PERMISSION_DIRECTORY_MISSING,
  WD_PERMISSION_DIRECTORY_STICKY,
  WD_PERMISSION_IS_DIRECTORY,
  WD_PERMISSION_OWNER,
  WD_PERMISSION_NOT_EXECUTABLE,
  WD_PERMISSION_WRITABLE,
} WdPermission;

/* @file: of the opened file, links followed; NULL if it can't be opened.
 * @directory: of the directory in the path as it is named, so not where a link leads; NULL if it
 * can't be looked at.
 * @user: ours.
 * @allow_unsafe: --allow_unsafe: nothing but its existence is asked for.
 * Returns: the first check that failed. */
WdPermission wd_permission_check(const struct stat *file, const struct stat *directory, uid_t user,
                                 gboolean allow_unsafe);

/* What a path fails by, to follow it in a sentence: "is writable by others". Static. */
const char *wd_permission_text(WdPermission permission);

G_END_DECLS
