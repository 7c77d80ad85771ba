/* Whether an open file is still the one at its path. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* FALSE when it was removed, moved or replaced, or when that can't be seen. A link isn't followed.
 */
gboolean wd_is_same_file(int fd, const char *path);

G_END_DECLS
