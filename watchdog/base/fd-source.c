#include "watchdog/base/fd-source.h"

guint
wd_fd_source_add(int fd, GIOCondition condition, GUnixFDSourceFunc ready, gpointer data,
                 GDestroyNotify free_data)
{
  g_autoptr(GSource) source = g_unix_fd_source_new(fd, condition);
  g_source_set_can_recurse(source, TRUE);
  g_source_set_callback(source, G_SOURCE_FUNC(ready), data, free_data);
  return g_source_attach(source, NULL);
}
