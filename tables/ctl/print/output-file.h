/* Writing a file as a whole: it is new, or as it was before. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes @length bytes of @text to @path by way of a temporary file beside it, which takes its
 * place once all of it is on the disk. Mode 0600 whatever the umask: it may show what only root may
 * know. A link at @path is replaced, not followed. Returns: FALSE with @error, one line with the
 * path; nothing is left then. */
gboolean ctl_output_file(const char *path, const char *text, gsize length, GError **error);

G_END_DECLS
