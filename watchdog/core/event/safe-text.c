#include "watchdog/core/event/safe-text.h"

#include <string.h>

static gboolean
is_unsafe(char c, gboolean lines)
{
  return g_ascii_iscntrl(c) && !(lines && g_ascii_isspace(c));
}

void
wd_text_mark_controls(char *text, char mark)
{
  for (char *at = text; *at != '\0'; at++)
    if (g_ascii_iscntrl(*at))
      *at = mark;
}

void
wd_text_copy_safe(char *to, gsize size, const char *text, gboolean lines)
{
  g_autofree char *valid =
      g_utf8_make_valid(text != NULL ? text : "", text != NULL ? (gssize)strnlen(text, size) : 0);
  gsize length = strlen(valid);
  if (length >= size)
    length = (gsize)(g_utf8_find_prev_char(valid, valid + size) - valid);
  for (gsize i = 0; i < length; i++)
    to[i] = is_unsafe(valid[i], lines) ? ' ' : valid[i];
  to[length] = '\0';
}

gboolean
wd_text_is_safe(const char *text, gsize length, gboolean lines)
{
  if (!g_utf8_validate_len(text, length, NULL))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (is_unsafe(text[i], lines))
      return FALSE;
  return TRUE;
}
