#include "watchdog/look/manager-socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static gboolean
served_by(int fd, pid_t worker)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.pid == worker || getpgid(peer.pid) == worker);
}

gboolean
wd_manager_socket_accepts(const char *path, pid_t worker)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    return FALSE;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  const gboolean accepts =
      connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 && served_by(fd, worker);
  close(fd);
  return accepts;
}
