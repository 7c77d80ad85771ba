#include "watchdog/core/machine/observe-pause.h"

/* A watcher that doesn't wait starts the worker at its next check, and whoever looks for children
 * every second finds it a moment after that. A busy machine may take the rest. */
#define NEXT_CHECK_US ((WD_CHECK_INTERVAL_S + 2) * G_TIME_SPAN_SECOND)
/* A process's start is known to a clock tick, and its end only from when we learn of it. */
#define CLOCKS_US (100 * G_TIME_SPAN_MILLISECOND)

static gint64
next_delay_us(const WdMachine *machine)
{
  return wd_respawn_stock_delay_us(wd_machine_worker(machine)->respawn.quick_exits + 1,
                                   &machine->limits);
}

static gint64
quick_us(const WdMachine *machine)
{
  return machine->limits.quick_exit_s * G_TIME_SPAN_SECOND;
}

void
wd_observe_worker_goes(WdMachine *machine)
{
  machine->worker_gone_us = machine->now_us;
  /* The watcher's own measure ends later, when it looks. */
  machine->observing.pause_open =
      machine->now_us - wd_machine_worker(machine)->started_us < quick_us(machine);
}

static void
record_pause(WdMachine *machine)
{
  WdProcess *worker = wd_machine_worker(machine);
  const gint64 delay_us = next_delay_us(machine);
  machine->observing.pause_open = FALSE;
  worker->respawn.quick_exits++; /* never reset, as in osquery */
  if (!machine->observing.limits_known || delay_us == 0)
    return;
  WdEvent *event =
      wd_process_event(worker, WD_EVENT_RESPAWN_DELAYED, machine->observing.worker_gone_reason);
  event->cause_seq = worker->gone_seq;
  event->delay_s = delay_us / G_TIME_SPAN_SECOND;
  event->restarts = worker->starts - 1;
  wd_machine_record(machine, worker, event, WD_RECORD_INFERRED);
}

/* If the watcher waited, it looked at the worker's age just before. The new start shows when that
 * look would have been: it must have come after the end, and while the age still was quick. */
void
wd_observe_worker_returns(WdMachine *machine, gint64 started_us)
{
  WdObserving *own = &machine->observing;
  if (!own->pause_open)
    return;
  own->pause_open = FALSE;
  const gint64 age_us = started_us - wd_machine_worker(machine)->started_us;
  const gint64 away_us = started_us - machine->worker_gone_us;
  const gint64 delay_us = next_delay_us(machine);
  const gboolean waited =
      own->limits_known ? away_us + CLOCKS_US >= delay_us && age_us - delay_us < quick_us(machine)
                        : away_us > NEXT_CHECK_US || age_us < quick_us(machine);
  if (waited)
    record_pause(machine);
}

/* A wait is known before it is over only if it is longer than until the watcher's next check. Even
 * then the watcher may be late because it is busy ending an extension. */
gint64
wd_observe_pause_known_us(const WdMachine *machine)
{
  const WdObserving *own = &machine->observing;
  if (!own->pause_open || !own->limits_known || next_delay_us(machine) <= NEXT_CHECK_US ||
      wd_machine_worker(machine)->respawn.quick_exits >= machine->limits.respawn_limit)
    return G_MAXINT64;
  gint64 known_us = machine->worker_gone_us + NEXT_CHECK_US;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    const WdEnding *ending = &wd_machine_at(machine, i)->ending;
    if (ending->reason != WD_REASON_NONE)
      known_us = MAX(known_us, ending->next_us + 1);
  }
  return known_us;
}

void
wd_observe_worker_stays_away(WdMachine *machine)
{
  if (machine->now_us >= wd_observe_pause_known_us(machine))
    record_pause(machine);
}
