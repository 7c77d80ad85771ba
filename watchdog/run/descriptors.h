/* The file descriptors that we are started with. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Opens those of stdin, stdout and stderr that whoever started us had closed: else what we open
 * next would take their place, and our log and our children's output would go there. */
gboolean wd_descriptors_open_standard(GError **error);

/* Whatever else we were started with open is not for our children. */
void wd_descriptors_keep_from_children(void);

G_END_DECLS
