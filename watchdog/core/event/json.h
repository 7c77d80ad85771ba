/* Writes small JSON, and checks foreign JSON. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string; invalid UTF-8 is replaced. */
void wd_json_append_string(GString *json, const char *text);

/* Appends the comma before an array's element or an object's member, unless it is the first one. */
void wd_json_separate(GString *json);

/* Append a member to an object, after its comma. The caller appends the value to
 * wd_json_append_key(). @key: needs no escapes. NULL and WD_NONE become null. */
void wd_json_append_key(GString *json, const char *key);
void wd_json_append_text(GString *json, const char *key, const char *text);
void wd_json_append_number(GString *json, const char *key, gint64 value);

/* An object with one member. Newly allocated. */
char *wd_json_number(const char *key, gint64 value);

/* Whether @text is one JSON value (RFC 8259; the bytes of a string may be any but control
 * characters), nested no deeper than 100. Foreign text must pass this before SQLite reads it,
 * because Debian 12's SQLite (3.40.1) takes {["a"]:1} for JSON, and may then read out of bounds. */
gboolean wd_json_is_valid(const char *text);

G_END_DECLS
