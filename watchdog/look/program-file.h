/* Whether we may execute a program's file, by osquery's rule (core/settings/permission.h). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Checks @path as it is now. FALSE with @error: one line with the path and the failed check. */
gboolean wd_program_file_check(const char *path, gboolean allow_unsafe, GError **error);

G_END_DECLS
