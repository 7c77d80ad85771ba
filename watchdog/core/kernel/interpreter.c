#include "watchdog/core/kernel/interpreter.h"

#include <string.h>

char *
wd_interpreter_parse(const char *head, gsize length)
{
  g_autofree char *text = g_strndup(head, MIN(length, WD_INTERPRETER_HEAD_SIZE));
  if (!g_str_has_prefix(text, "#!"))
    return NULL;
  const char *path = text + strlen("#!");
  path += strspn(path, " \t");
  const gsize size = strcspn(path, " \t\n");
  return size > 0 ? g_strndup(path, size) : NULL;
}
