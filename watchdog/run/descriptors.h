/* The file descriptors that we inherit. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Opens /dev/null. Where there is none, what it opens fails to be read and written, as if it were
 * closed. @flags: of open(), beside the access mode. -1 with errno. */
int wd_descriptors_open_null(int flags);

/* Opens those of stdin, stdout and stderr that are closed. Otherwise the next files that we open
 * would take their place, and get our log and our children's output. */
gboolean wd_descriptors_open_standard(GError **error);

/* Makes all other descriptors close-on-exec. */
void wd_descriptors_keep_from_children(void);

G_END_DECLS
