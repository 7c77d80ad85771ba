/* Writes small JSON, and checks what others wrote. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string; what isn't valid UTF-8 in it is replaced. */
void wd_json_append_string(GString *json, const char *text);

/* Appends the comma that is due before an element of an array, or a member of an object, unless it
 * is the first one. */
void wd_json_separate(GString *json);

/* Append a member to an object, with the comma that is due; of wd_json_append_key() the caller
 * appends the value. @key: needs no escapes. @text: NULL becomes null, and so does WD_NONE. */
void wd_json_append_key(GString *json, const char *key);
void wd_json_append_text(GString *json, const char *key, const char *text);
void wd_json_append_number(GString *json, const char *key, gint64 value);

/* An object with one member. Newly allocated. */
char *wd_json_number(const char *key, gint64 value);

/* Whether @text is one JSON value (RFC 8259; the bytes of a string may be any but control
 * characters), nested no deeper than 100. To be asked before SQLite is given what others wrote:
 * that of Debian 12 (3.40.1) takes {["a"]:1} for JSON, and then may read where there is nothing. */
gboolean wd_json_is_valid(const char *text);

G_END_DECLS
