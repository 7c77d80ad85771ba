#include "watchdog/core/settings/extensions-load.h"

#include <string.h>

#define BLANKS " \t\n\v\f\r"

/* @end: of the line; a NUL before it is where the path ends. */
static char *
take_path(const char *line, const char *end)
{
  g_autofree char *text = g_strndup(line, (gsize)(end - line));
  const char *path = text + strspn(text, BLANKS);
  gsize length = strlen(path);

  while (length > 0 && strchr(BLANKS, path[length - 1]) != NULL)
    length--;
  return g_strndup(path, length);
}

char **
wd_extensions_load_parse(const char *text, gsize length)
{
  const char *end = text + length;
  g_autoptr(GStrvBuilder) paths = g_strv_builder_new();

  for (const char *line = text; line < end;) {
    const char *newline = memchr(line, '\n', (gsize)(end - line));
    const char *line_end = newline != NULL ? newline : end;
    g_autofree char *path = take_path(line, line_end);
    if (*path != '\0' && *path != '#' && *path != ';')
      g_strv_builder_add(paths, path);
    line = newline != NULL ? newline + 1 : end;
  }
  return g_strv_builder_end(paths);
}

gboolean
wd_extensions_load_accepts(const char *path)
{
  return g_str_has_suffix(path, ".ext");
}
