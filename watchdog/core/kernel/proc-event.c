#include "watchdog/core/kernel/proc-event.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/wait.h>

#define EVENT_AT (NLMSG_HDRLEN + sizeof(struct cn_msg))
/* Older kernels' events are shorter at the end. */
#define EXIT_NEEDED                                 \
  (G_STRUCT_OFFSET(struct proc_event, event_data) + \
   G_STRUCT_OFFSET(struct exit_proc_event, exit_signal))

/* @status: as waitpid() gives it. */
static WdExit
exit_of_status(gint32 status)
{
  if (WIFSIGNALED(status))
    return (WdExit){
        .code = WD_NONE, .signal = WTERMSIG(status), .core_dumped = WCOREDUMP(status) != 0};
  return (WdExit){.code = WEXITSTATUS(status), .signal = WD_NONE};
}

WdProcEventKind
wd_proc_event_parse(const guint8 *bytes, gsize length, gint64 *pid, WdExit *how)
{
  struct cn_msg header;
  struct proc_event event = {0};
  if (length < EVENT_AT + EXIT_NEEDED)
    return WD_PROC_EVENT_OTHER;
  memcpy(&header, bytes + NLMSG_HDRLEN, sizeof header);
  if (header.id.idx != CN_IDX_PROC || header.id.val != CN_VAL_PROC)
    return WD_PROC_EVENT_OTHER;
  memcpy(&event, bytes + EVENT_AT, MIN(length - EVENT_AT, sizeof event));
  const guint32 what = (guint32)event.what; /* a newer kernel may send others */
  if (what == (guint32)PROC_EVENT_NONE)
    return event.event_data.ack.err == 0 ? WD_PROC_EVENT_ANSWER : WD_PROC_EVENT_OTHER;
  const struct exit_proc_event *exit = &event.event_data.exit;
  if (what != (guint32)PROC_EVENT_EXIT || exit->process_pid <= 0 ||
      exit->process_pid != exit->process_tgid)
    return WD_PROC_EVENT_OTHER;
  *pid = exit->process_pid;
  *how = exit_of_status((gint32)exit->exit_code);
  return WD_PROC_EVENT_EXIT;
}
