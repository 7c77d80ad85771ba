/* Whether a program's file may be executed by us, by osquery's rule (core/settings/permission.h).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Looks @path up anew. FALSE with @error: one line with the path and the check that failed. */
gboolean wd_program_file_check(const char *path, gboolean allow_unsafe, GError **error);

G_END_DECLS
