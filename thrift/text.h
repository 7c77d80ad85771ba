/* Makes text from peers fit to be shown. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text made fit for one line of a log: valid UTF-8, control characters as spaces, at most @max
 * bytes.
 * @text: may be NULL, which is "". */
char *wire_text_printable(const char *text, gsize max);

G_END_DECLS
