#include "watchdog/core/settings/extensions-load.h"

char **
wd_extensions_load_parse(const char *text)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  g_autoptr(GStrvBuilder) paths = g_strv_builder_new();

  for (gsize i = 0; lines[i] != NULL; i++) {
    const char *path = g_strstrip(lines[i]);
    if (*path != '\0' && *path != '#' && *path != ';')
      g_strv_builder_add(paths, path);
  }
  return g_strv_builder_end(paths);
}

gboolean
wd_extensions_load_accepts(const char *path)
{
  return g_str_has_suffix(path, ".ext");
}
