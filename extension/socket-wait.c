#include "extension/socket-wait.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Plain inotify, because GFileMonitor would start a thread. */
struct ExtSocketWait {
  int fd;
  guint source;
  char *name; /* of the socket in its directory */
  void (*on_made)(gpointer user_data);
  gpointer user_data;
};

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer user_data)
{
  (void)condition;
  ExtSocketWait *wait = user_data;
  union {
    struct inotify_event first;
    char bytes[4096];
  } buffer;
  gboolean made = FALSE;
  ssize_t got;
  while ((got = read(fd, &buffer, sizeof buffer)) > 0) {
    const char *at = buffer.bytes;
    while (at < buffer.bytes + got) {
      const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
      /* An overflow may have lost the event that we wait for. */
      made = made || (event->mask & IN_Q_OVERFLOW) != 0 ||
             (event->len > 0 && g_str_equal(event->name, wait->name));
      at += sizeof *event + event->len;
    }
  }
  if (made)
    wait->on_made(wait->user_data);
  return G_SOURCE_CONTINUE;
}

ExtSocketWait *
ext_socket_wait_new(const char *socket, void (*on_made)(gpointer user_data), gpointer user_data,
                    GError **error)
{
  g_autofree char *directory = g_path_get_dirname(socket);
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0 || inotify_add_watch(fd, directory, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
    const int number = errno;
    g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(number), "%s: can't be watched: %s",
                directory, g_strerror(number));
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  ExtSocketWait *wait = g_new0(ExtSocketWait, 1);
  wait->fd = fd;
  wait->name = g_path_get_basename(socket);
  wait->on_made = on_made;
  wait->user_data = user_data;
  wait->source = g_unix_fd_add(fd, G_IO_IN, on_readable, wait);
  return wait;
}

void
ext_socket_wait_free(ExtSocketWait *wait)
{
  if (wait == NULL)
    return;
  g_source_remove(wait->source);
  close(wait->fd);
  g_free(wait->name);
  g_free(wait);
}
