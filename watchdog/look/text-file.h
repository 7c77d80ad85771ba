/* Small text files that people write: flagfiles, extensions.load. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reads a regular file of at most 16 MiB; /dev/null is an empty one. @length: set to its bytes, of
 * which any may be NUL. Returns: its text, newly allocated, with a NUL behind it; NULL with @error,
 * one line with the path: G_FILE_ERROR_NOENT when the file is missing, G_FILE_ERROR_INVAL when it
 * isn't such a file. */
char *wd_text_file_read(const char *path, gsize *length, GError **error);

G_END_DECLS
