/* Our stderr, to which several threads write. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes at most PIPE_BUF bytes, if there is room for them: waits for nobody who reads them, as
 * long as no other process writes to it.
 * Returns: as write(); EAGAIN: there is no room now. */
gssize wd_stderr_write(const char *bytes, gsize length);

G_END_DECLS
