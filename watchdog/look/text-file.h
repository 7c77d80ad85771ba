/* Small text files that people write: flagfiles, extensions.load. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reads a regular file of at most 1 MiB without NUL; /dev/null is an empty one. Returns: its text,
 * newly allocated; NULL with @error, one line with the path (G_FILE_ERROR_NOENT when the file is
 * missing). */
char *wd_text_file_read(const char *path, GError **error);

G_END_DECLS
