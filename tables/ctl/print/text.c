#include "tables/ctl/print/text.h"

#include <string.h>

gboolean
ctl_is_unsafe(gunichar c)
{
  switch ((int)g_unichar_type(c)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_FORMAT:
  case G_UNICODE_SURROGATE:
  case G_UNICODE_UNASSIGNED:
  case G_UNICODE_PRIVATE_USE:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
    return TRUE;
  default:
    return FALSE;
  }
}

static void
append_escape(GString *string, gunichar c)
{
  switch (c) {
  case '\n':
    g_string_append(string, "\\n");
    break;
  case '\r':
    g_string_append(string, "\\r");
    break;
  case '\t':
    g_string_append(string, "\\t");
    break;
  default:
    g_string_append_printf(string, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
    break;
  }
}

void
ctl_append_visible(GString *string, const char *text, gsize length)
{
  const char *end = text + length;
  while (text < end) {
    if (*text == '\0') {
      g_string_append(string, "\\x00");
      text++;
      continue;
    }
    gunichar c = g_utf8_get_char_validated(text, end - text);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_printf(string, "\\x%02x", (guchar)*text);
      text++;
      continue;
    }
    if (ctl_is_unsafe(c))
      append_escape(string, c);
    else
      g_string_append_unichar(string, c);
    text = g_utf8_next_char(text);
  }
}

char *
ctl_visible(const char *text)
{
  GString *string = g_string_new(NULL);
  ctl_append_visible(string, text, strlen(text));
  return g_string_free(string, FALSE);
}

static gsize
character_width(gunichar c)
{
  return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

gsize
ctl_display_width(const char *text)
{
  gsize width = 0;
  for (; *text != '\0'; text = g_utf8_next_char(text))
    width += character_width(g_utf8_get_char(text));
  return width;
}

gsize
ctl_bytes_within(const char *text, gsize width)
{
  const char *at = text;
  gsize used = 0;
  for (; *at != '\0'; at = g_utf8_next_char(at)) {
    used += character_width(g_utf8_get_char(at));
    if (used > width)
      break;
  }
  return (gsize)(at - text);
}
