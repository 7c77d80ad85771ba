/* Makes a GError of a failed system call's errno. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets @error (domain G_FILE_ERROR) to "WHAT: " and errno's text. Returns: FALSE. */
gboolean wd_errno_error(GError **error, const char *what);

G_END_DECLS
