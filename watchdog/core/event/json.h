/* Writing JSON, and telling what is JSON. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string; what isn't valid UTF-8 in it is replaced. */
void wd_json_append_string(GString *json, const char *text);

/* Whether @text is one JSON value (RFC 8259; the bytes of a string may be any but control
 * characters), nested no deeper than 100. To be asked before SQLite is given what others wrote:
 * that of Debian 12 (3.40.1) takes {["a"]:1} for JSON, and then may read where there is nothing. */
gboolean wd_json_is_valid(const char *text);

G_END_DECLS
