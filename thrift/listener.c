#include "thrift/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "thrift/socket.h"

#define BACKLOG 1024

struct WireListener {
  GSocket *socket;
  char *path;
  struct stat file; /* the file that we bound, so that we unlink no other */
};

static gboolean
set_errno_error(GError **error, const char *path, const char *what)
{
  const int number = errno;
  g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(number), "%s: %s: %s", path, what,
              g_strerror(number));
  return FALSE;
}

static gboolean
remove_stale(const char *path, GError **error)
{
  struct stat file;
  if (lstat(path, &file) != 0)
    return errno == ENOENT || set_errno_error(error, path, "cannot look at it");
  if (!S_ISSOCK(file.st_mode)) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "%s: is there and is not a socket", path);
    return FALSE;
  }
  return unlink(path) == 0 || errno == ENOENT ||
         set_errno_error(error, path, "cannot remove the old socket");
}

static gboolean
bind_to(WireListener *listener, GSocketAddress *address, GError **error)
{
  const char *path = listener->path;
  /* The file's mode is the socket's less the umask, so it is never wider than this. */
  if (fchmod(g_socket_get_fd(listener->socket), S_IRUSR | S_IWUSR) != 0)
    return set_errno_error(error, path, "cannot set the socket's mode");
  g_autoptr(GError) failure = NULL;
  if (!g_socket_bind(listener->socket, address, FALSE, &failure)) {
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", path);
    return FALSE;
  }
  /* The umask may have removed the owner's bits. */
  if (fchmodat(AT_FDCWD, path, S_IRUSR | S_IWUSR, 0) != 0)
    return set_errno_error(error, path, "cannot set its mode");
  return lstat(path, &listener->file) == 0 || set_errno_error(error, path, "cannot look at it");
}

WireListener *
wire_listener_new(const char *path, GError **error)
{
  g_autoptr(GSocketAddress) address = wire_socket_address_new(path, error);
  if (address == NULL || !remove_stale(path, error))
    return NULL;
  g_autoptr(WireListener) listener = g_new0(WireListener, 1);
  listener->path = g_strdup(path);
  listener->socket =
      g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (listener->socket == NULL || !bind_to(listener, address, error))
    return NULL;
  g_socket_set_blocking(listener->socket, FALSE);
  g_socket_set_listen_backlog(listener->socket, BACKLOG);
  return g_socket_listen(listener->socket, error) ? g_steal_pointer(&listener) : NULL;
}

GSocket *
wire_listener_socket(const WireListener *listener)
{
  return listener->socket;
}

GSocket *
wire_listener_accept(WireListener *listener, GError **error)
{
  g_autoptr(GSocket) peer = g_socket_accept(listener->socket, NULL, error);
  if (peer == NULL)
    return NULL;
  g_autoptr(GCredentials) credentials = g_socket_get_credentials(peer, error);
  if (credentials == NULL)
    return NULL;
  const uid_t uid = g_credentials_get_unix_user(credentials, error);
  if (uid == (uid_t)-1)
    return NULL;
  if (uid != 0 && uid != geteuid()) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "user %u may not connect",
                (guint)uid);
    return NULL;
  }
  g_socket_set_blocking(peer, FALSE);
  return g_steal_pointer(&peer);
}

void
wire_listener_free(WireListener *listener)
{
  if (listener == NULL)
    return;
  struct stat file;
  if (listener->file.st_ino != 0 && lstat(listener->path, &file) == 0 &&
      file.st_dev == listener->file.st_dev && file.st_ino == listener->file.st_ino)
    (void)unlink(listener->path);
  g_clear_object(&listener->socket);
  g_free(listener->path);
  g_free(listener);
}
