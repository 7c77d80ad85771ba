#include "watchdog/base/source.h"

guint
wd_fd_source_add(int fd, GIOCondition condition, GUnixFDSourceFunc ready, gpointer data,
                 GDestroyNotify free_data)
{
  g_autoptr(GSource) source = g_unix_fd_source_new(fd, condition);
  g_source_set_can_recurse(source, TRUE);
  g_source_set_callback(source, G_SOURCE_FUNC(ready), data, free_data);
  return g_source_attach(source, NULL);
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

static GSourceFuncs FUNCTIONS = {.dispatch = dispatch}; /* GLib takes it as not const */

GSource *
wd_timer_new(GSourceFunc due, gpointer data)
{
  GSource *timer = g_source_new(&FUNCTIONS, sizeof(GSource));
  g_source_set_callback(timer, due, data, NULL);
  g_source_attach(timer, NULL);
  return timer;
}

void
wd_timer_free(GSource *timer)
{
  if (timer == NULL)
    return;
  g_source_destroy(timer);
  g_source_unref(timer);
}
