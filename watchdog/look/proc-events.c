#include "watchdog/look/proc-events.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/core/kernel/proc-event.h"

#define MESSAGE_MAX 1024
#define EVENT_AT (NLMSG_HDRLEN + sizeof(struct cn_msg))
#define DATA_AT (EVENT_AT + G_STRUCT_OFFSET(struct proc_event, event_data))
#define EXIT_AT(member) ((guint32)(DATA_AT + G_STRUCT_OFFSET(struct exit_proc_event, member)))

/* Loads are in network byte order. Before Linux 4.18 an event has no parent: it is too short for
 * the load, or has 0 there. The filter drops it then. */
static gboolean
attach_filter(int fd, gint64 parent)
{
  const guint32 pid = htonl((guint32)parent);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (guint32)EVENT_AT),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl((guint32)PROC_EVENT_NONE), 8, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl((guint32)PROC_EVENT_EXIT), 0, 8),
      /* Not the end of a thread alone: a worker's threads come and go. */
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, EXIT_AT(process_tgid)),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, EXIT_AT(process_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, pid, 2, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, EXIT_AT(parent_tgid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, pid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, MESSAGE_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static gboolean
request(int fd, enum proc_cn_mcast_op operation)
{
  struct {
    struct nlmsghdr netlink;
    struct cn_msg connector;
    enum proc_cn_mcast_op operation;
  } message = {
      .netlink = {.nlmsg_len = sizeof message, .nlmsg_type = NLMSG_DONE},
      .connector = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof message.operation},
      .operation = operation,
  };
  G_STATIC_ASSERT(sizeof message ==
                  NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op));
  return send(fd, &message, sizeof message, 0) == (gssize)sizeof message;
}

/* Returns: FALSE when there is no message. */
static gboolean
receive(int fd, WdProcEventKind *kind, gint64 *pid, WdExit *how)
{
  guint8 bytes[MESSAGE_MAX];
  struct sockaddr_nl sender = {0};
  socklen_t size = sizeof sender;
  gssize length;
  do
    length = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&sender, &size);
  while (length < 0 && (errno == EINTR || errno == ENOBUFS)); /* some were lost, more follow */
  if (length < 0)
    return FALSE;
  /* Any process may send to this socket; the kernel is number 0. */
  *kind = size == sizeof sender && sender.nl_pid == 0
              ? wd_proc_event_parse(bytes, (gsize)length, pid, how)
              : WD_PROC_EVENT_OTHER;
  return TRUE;
}

/* The kernel answers within the call that asks; in a container it doesn't answer at all. */
static gboolean
is_granted(int fd)
{
  WdProcEventKind kind;
  gint64 pid;
  WdExit how;
  while (receive(fd, &kind, &pid, &how))
    if (kind == WD_PROC_EVENT_ANSWER)
      return TRUE;
  errno = EPERM;
  return FALSE;
}

int
wd_proc_events_open(gint64 parent, GError **error)
{
  const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
  const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  if (fd >= 0 && attach_filter(fd, parent) &&
      bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
      request(fd, PROC_CN_MCAST_LISTEN) && is_granted(fd))
    return fd;
  wd_errno_error(error, "process events");
  if (fd >= 0)
    close(fd);
  return -1;
}

void
wd_proc_events_close(int fd)
{
  (void)request(fd, PROC_CN_MCAST_IGNORE); /* failure costs a little and does no harm */
  close(fd);
}

gboolean
wd_proc_events_next(int fd, gint64 *pid, WdExit *how)
{
  WdProcEventKind kind;
  while (receive(fd, &kind, pid, how))
    if (kind == WD_PROC_EVENT_EXIT)
      return TRUE;
  return FALSE;
}
