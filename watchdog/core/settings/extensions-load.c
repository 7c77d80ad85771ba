#include "watchdog/core/settings/extensions-load.h"

#include <string.h>

static void
entry_free(gpointer data)
{
  WdExtensionEntry *entry = data;

  g_free(entry->path);
  g_free(entry);
}

GPtrArray *
wd_extensions_load_parse(const char *text)
{
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(entry_free);
  guint line = 1;

  for (const char *at = text; *at != '\0'; line++) {
    const char *end = strchrnul(at, '\n');
    g_autofree char *path = g_strstrip(g_strndup(at, (gsize)(end - at)));

    if (*path != '\0' && *path != '#' && *path != ';') {
      WdExtensionEntry *entry = g_new(WdExtensionEntry, 1);
      *entry = (WdExtensionEntry){g_steal_pointer(&path), line};
      g_ptr_array_add(entries, entry);
    }
    at = *end == '\n' ? end + 1 : end;
  }
  return g_steal_pointer(&entries);
}

gboolean
wd_extensions_load_accepts(const char *path)
{
  return g_str_has_suffix(path, ".ext");
}
