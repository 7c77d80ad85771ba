/* Writing JSON. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string; what isn't valid UTF-8 in it is replaced. */
void wd_json_append_string(GString *json, const char *text);

G_END_DECLS
