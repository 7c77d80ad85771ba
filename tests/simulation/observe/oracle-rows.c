#include "tests/simulation/observe/oracle.h"

#define INTERVAL_US (WD_CHECK_INTERVAL_S * SIM_S)

static gboolean
enforced(const ObsOracle *oracle, WdRole role)
{
  const WdLimits *limits = &oracle->world->limits;
  if (!oracle->limits_known || !limits->enforce)
    return FALSE;
  if (role == WD_ROLE_WATCHDOG)
    return TRUE;
  if (role == WD_ROLE_EXTENSION && !limits->enforce_extensions)
    return FALSE;
  return oracle->worker != NULL &&
         oracle->now_us >= oracle->worker->started_us + limits->watchdog_delay_s * SIM_S;
}

static void
check_identity(const ObsOracle *oracle, guint index, const WdProcessStatus *row)
{
  const ObsView *view = oracle->slots[index].present;
  OBS_CHECK(oracle->log, row->pid == (view != NULL ? view->life->pid : WD_NONE),
            "the pid of row %u", index);
  OBS_CHECK(oracle->log, row->start_time_s == (view != NULL ? view->started_us / SIM_S : WD_NONE),
            "the start of row %u", index);
  OBS_CHECK(oracle->log,
            row->state == (view != NULL                                      ? WD_STATE_RUNNING
                           : index == WD_PROCESS_WATCHDOG || oracle->stopped ? WD_STATE_STOPPED
                                                                             : WD_STATE_WAITING),
            "%u is shown as %s", index, wd_state_name(row->state));
  OBS_CHECK(oracle->log, row->next_start_time_s == WD_NONE, "only the watcher knows that");
  OBS_CHECK(oracle->log,
            row->memory_watch == (view == NULL || index == WD_PROCESS_WATCHDOG
                                      ? WD_MEMORY_WATCH_NONE
                                      : WD_MEMORY_WATCH_POLLING),
            "how the growth of row %u is noticed", index);
}

static void
check_past(const ObsOracle *oracle, guint index, const WdProcessStatus *row)
{
  const ObsSlot *slot = &oracle->slots[index];
  OBS_CHECK(oracle->log, row->last_exit_code == slot->code && row->last_exit_signal == slot->signal,
            "how the one of row %u before ended", index);
  OBS_CHECK(oracle->log, row->last_seq == slot->last_seq, "the last event of row %u", index);
  if (index != WD_PROCESS_WATCHDOG)
    OBS_CHECK(oracle->log,
              row->restarts == MAX(slot->starts - 1, 0) && row->terminations == slot->terminations,
              "the counts of row %u", index);
}

static void
check_limits(const ObsOracle *oracle, guint index, const WdProcessStatus *row)
{
  const gint64 memory = oracle->limits_known ? oracle->world->limits.memory_limit_bytes : WD_NONE;
  const gint64 percent = oracle->limits_known && index != WD_PROCESS_WATCHDOG
                             ? oracle->world->limits.utilization_limit
                             : WD_NONE;
  OBS_CHECK(oracle->log, row->memory_limit_bytes == memory && row->utilization_limit == percent,
            "the limits of row %u", index);
  OBS_CHECK(oracle->log, row->enforced == enforced(oracle, row->role), "whether row %u is enforced",
            index);
}

/* Not shown any more once reports don't come. */
static void
check_presence(const ObsOracle *oracle, guint index, const WdProcessStatus *row)
{
  const ObsView *view = oracle->slots[index].present;
  if (index < WD_PROCESS_FIRST_EXTENSION || row->registered == WD_NONE)
    return;
  OBS_CHECK(oracle->log,
            view != NULL && (oracle->slots[WD_PROCESS_WORKER].present == NULL
                                 ? !row->registered && row->uuid == WD_NONE
                                 : row->registered == view->registered && row->uuid == view->uuid),
            "the registration of row %u", index);
}

/* The delay that belongs to the count that is shown. */
static void
check_delay(const ObsOracle *oracle)
{
  const WdLimits *limits = &oracle->world->limits;
  gint64 power_s = 1;
  for (gint64 i = 0; i < oracle->quick_exits && power_s < limits->max_delay_s; i++)
    power_s *= 2;
  OBS_CHECK(oracle->log,
            oracle->delay_s == MIN(limits->respawn_delay_s + power_s, limits->max_delay_s),
            "a delay of %d s after %d quick exits", (int)oracle->delay_s, (int)oracle->quick_exits);
}

/* After a tick there is nothing to do now, but once when other limits are known, and the next one
 * comes in time. */
void
obs_oracle_check_progress(ObsOracle *oracle, const ObsMachine *machine)
{
  const gint64 deadline_us = obs_machine_deadline(machine);
  if (oracle->closed) {
    OBS_CHECK(oracle->log, deadline_us == G_MAXINT64, "a tick is wanted after the end");
    return;
  }
  if (oracle->input == OBS_INPUT_TICK)
    oracle->overdue_ticks = deadline_us <= oracle->now_us ? oracle->overdue_ticks + 1 : 0;
  OBS_CHECK(oracle->log, oracle->overdue_ticks <= 1, "a tick is wanted again and again");
  OBS_CHECK(oracle->log, deadline_us <= oracle->now_us + INTERVAL_US, "no tick is wanted in time");
}

void
obs_oracle_check_rows(ObsOracle *oracle, const ObsMachine *machine)
{
  g_autoptr(GPtrArray) rows = obs_machine_status(machine, oracle->now_us);
  OBS_CHECK(oracle->log,
            rows->len == oracle->slot_count && obs_machine_count(machine) == oracle->slot_count,
            "%u rows of %u processes", rows->len, oracle->slot_count);
  for (guint i = 0; i < rows->len; i++) {
    const WdProcessStatus *row = g_ptr_array_index(rows, i);
    check_identity(oracle, i, row);
    check_past(oracle, i, row);
    check_limits(oracle, i, row);
    check_presence(oracle, i, row);
    OBS_CHECK(oracle->log, row->pid == obs_machine_pid(machine, i), "the pid of %u", i);
  }
  const WdProcessStatus *worker = g_ptr_array_index(rows, WD_PROCESS_WORKER);
  oracle->quick_exits = worker->quick_exits;
  if (oracle->delay_s != WD_NONE)
    check_delay(oracle);
}
