#include "watchdog/core/json.h"

void
wd_json_append_string(GString *json, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  g_string_append_c(json, '"');
  for (const char *at = valid; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      g_string_append_printf(json, "\\%c", *at);
    else if (g_ascii_iscntrl(*at))
      g_string_append_printf(json, "\\u%04x", (guint)*at);
    else
      g_string_append_c(json, *at);
  }
  g_string_append_c(json, '"');
}
