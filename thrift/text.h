/* Makes text from peers safe to show. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: @text as one line for a log: valid UTF-8, control characters replaced by spaces, at most
 * @max bytes; "" for NULL. */
char *wire_text_printable(const char *text, gsize max);

G_END_DECLS
