#include "tests/stand-in/json.h"

#include <string.h>

void
stand_json_string(GString *json, const char *text)
{
  static const char SHORT[] = "\"\\\b\f\n\r\t", LETTERS[] = "\"\\bfnrt";
  g_string_append_c(json, '"');
  for (; *text != '\0'; text++) {
    const char *special = strchr(SHORT, *text);
    if (special != NULL)
      g_string_append_printf(json, "\\%c", LETTERS[special - SHORT]);
    else if ((guchar)*text < 0x20)
      g_string_append_printf(json, "\\u%04X", (guchar)*text);
    else
      g_string_append_c(json, *text);
  }
  g_string_append_c(json, '"');
}
