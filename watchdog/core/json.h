/* Writing JSON into a string. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string; it may hold any bytes. */
void wd_json_append_text(GString *json, const char *text);

G_END_DECLS
