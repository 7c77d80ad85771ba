#include "thrift/text.h"

#include <string.h>

char *
wire_text_printable(const char *text, gsize max)
{
  if (text == NULL)
    return g_strdup("");
  char *line = g_utf8_make_valid(text, (gssize)strnlen(text, max));
  for (char *c = line; *c != '\0'; c++)
    if (g_ascii_iscntrl(*c))
      *c = ' ';
  /* A replacement character is longer than the byte that it replaces. */
  if (strlen(line) > max)
    *g_utf8_find_prev_char(line, line + max + 1) = '\0';
  return line;
}
