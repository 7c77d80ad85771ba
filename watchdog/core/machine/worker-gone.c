#include "watchdog/core/machine/worker-gone.h"

#include "watchdog/core/machine/blame.h"
#include "watchdog/core/machine/give-up.h"
#include "watchdog/core/machine/presence.h"

/* An extension made with osquery's SDKs exits one interval, and perhaps one timeout, after its core
 * is gone. A busy machine may add this much. */
#define SLACK_US (5 * G_TIME_SPAN_SECOND)

/* A core that ends gracefully shuts its extensions down first. Their exits are seen at most this
 * long before its own. */
#define EXIT_BEFORE_WORKER_US (2 * G_TIME_SPAN_SECOND)

gboolean
wd_worker_gone_explains(const WdMachine *machine, const WdProcess *process)
{
  const gint64 gone_us = machine->worker_gone_us;
  if (process->role != WD_ROLE_EXTENSION)
    return FALSE;
  if (wd_process_ends(wd_machine_worker(machine)))
    return TRUE;
  /* It was started when a manager accepted; that manager is gone. */
  if (!machine->supervising.manager_accepts)
    return TRUE;
  const gint64 notice_us =
      (machine->limits.extensions_interval_s + machine->limits.extensions_timeout_s) *
          G_USEC_PER_SEC +
      SLACK_US;
  return gone_us != WD_NONE && gone_us >= process->started_us &&
         machine->now_us - gone_us <= notice_us;
}

guint64
wd_worker_gone_cause(const WdMachine *machine)
{
  const WdProcess *worker = wd_machine_worker(machine);
  return wd_process_ends(worker) ? worker->ending.cause_seq : worker->gone_seq;
}

/* Exits of extensions just before the worker's follow from its end, too. */
static void
excuse_recent_exits(WdMachine *machine)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    if (extension->own_exit.at_us != WD_NONE &&
        machine->now_us - extension->own_exit.at_us <= EXIT_BEFORE_WORKER_US) {
      wd_blame_withdraw(extension, machine->now_us);
      wd_give_up_take_back(machine, extension);
    }
  }
}

void
wd_worker_gone(WdMachine *machine)
{
  machine->supervising.manager_accepts = FALSE;
  machine->worker_gone_us = machine->now_us;
  wd_presence_end(machine);
  excuse_recent_exits(machine);
}
