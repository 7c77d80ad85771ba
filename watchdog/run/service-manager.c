#include "watchdog/run/service-manager.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

gboolean
wd_service_manager_present(void)
{
  return g_getenv("NOTIFY_SOCKET") != NULL;
}

/* A path, or, with '@', a name in the abstract namespace. */
static socklen_t
make_address(struct sockaddr_un *address, const char *name)
{
  const gsize length = strlen(name);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if ((name[0] != '/' && name[0] != '@') || length >= sizeof address->sun_path)
    return 0;
  memcpy(address->sun_path, name, length);
  if (name[0] == '@')
    address->sun_path[0] = '\0';
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

void
wd_service_manager_notify(const char *state)
{
  struct sockaddr_un address;
  const char *name = g_getenv("NOTIFY_SOCKET");
  const socklen_t size = name != NULL ? make_address(&address, name) : 0;
  if (size == 0)
    return;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return;
  /* If the manager can't take it now, the next notification replaces it. */
  (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
  close(fd);
}

guint
wd_service_manager_watchdog_ms(void)
{
  gint64 usec;
  gint64 pid;
  const char *usec_text = g_getenv("WATCHDOG_USEC");
  const char *pid_text = g_getenv("WATCHDOG_PID");
  if (usec_text == NULL ||
      !g_ascii_string_to_signed(usec_text, 10, 1, (gint64)G_MAXUINT * 1000, &usec, NULL))
    return 0;
  if (pid_text != NULL && (!g_ascii_string_to_signed(pid_text, 10, 1, G_MAXINT32, &pid, NULL) ||
                           pid != (gint64)getpid()))
    return 0;
  return (guint)MAX(usec / 2000, 1);
}
