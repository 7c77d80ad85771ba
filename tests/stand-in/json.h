/* Writing JSON text the way osquery's writer does. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text as a JSON string, quotes included. Bytes from 0x80 on pass through as they are. */
void stand_json_string(GString *json, const char *text);

G_END_DECLS
