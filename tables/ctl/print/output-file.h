/* Writes a file as a whole: afterwards it is new, or unchanged. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes @length bytes of @text to a temporary file beside @path, which replaces @path once all of
 * it is on the disk. The mode is 0600 whatever the umask, because the text may be for root alone. A
 * link at @path is replaced, not followed. Returns: FALSE with @error, one line with the path; no
 * temporary file is left then. */
gboolean ctl_output_file(const char *path, const char *text, gsize length, GError **error);

G_END_DECLS
