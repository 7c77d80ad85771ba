/* Writes a store for tests of its readers: N events and the rows of a watchdog and a worker.
 * Usage: sample-store STATE_DIR RUNTIME_DIR N */
#include <stdio.h>
#include <stdlib.h>

#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

#define BATCH 500

static gboolean
write_events(WdHistory *history, guint n, GError **error)
{
  for (guint first = 1; first <= n; first += BATCH) {
    g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func((GDestroyNotify)wd_event_free);
    for (guint i = first; i < first + BATCH && i <= n; i++) {
      const gboolean ends = i % 2 == 0;
      WdEvent *event = wd_event_new(ends ? WD_EVENT_PROCESS_EXITED : WD_EVENT_PROCESS_STARTED,
                                    WD_ROLE_WORKER, "worker", "/opt/osqueryd");
      event->seq = i;
      event->time_s = 1700000000 + i;
      event->pid = 100 + i;
      if (ends) {
        event->cause_seq = i - 1;
        event->reason = WD_REASON_SIGNAL;
        event->exit_signal = 9;
        event->lifetime_ms = 1234567890123;
      }
      event->message = g_strdup_printf("event %u: caf\xc3\xa9", i);
      g_ptr_array_add(batch, event);
    }
    if (!wd_history_append(history, (WdEvent *const *)batch->pdata, batch->len, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_status(const char *path, const WdHistory *history, GError **error)
{
  g_autoptr(WdStatus) status = wd_status_open(path, error);
  if (status == NULL)
    return FALSE;
  g_autoptr(WdProcessStatus) watchdog = wd_process_status_new(WD_ROLE_WATCHDOG, "watchdog", NULL);
  g_autoptr(WdProcessStatus) worker =
      wd_process_status_new(WD_ROLE_WORKER, "worker", "/opt/osqueryd");
  watchdog->state = WD_STATE_STOPPED;
  worker->state = WD_STATE_RUNNING;
  worker->pid = 4711;
  worker->resident_bytes = G_GINT64_CONSTANT(5000000000);
  worker->utilization = 2.5;
  worker->last_seq = 1;
  WdProcessStatus *const rows[] = {watchdog, worker};
  return wd_status_write(status, rows, G_N_ELEMENTS(rows), wd_history_base(history), error);
}

int
main(int argc, char **argv)
{
  if (argc != 4)
    return 2;
  g_autofree char *history_path = g_build_filename(argv[1], WD_HISTORY_FILE, NULL);
  g_autofree char *status_path = g_build_filename(argv[2], WD_STATUS_FILE, NULL);
  const WdHistoryRun run = {
      .run_id = "sample", .boot_id = "boot", .watchdog_pid = 1, .now_s = 1700000000};
  g_autoptr(GError) error = NULL;
  g_autoptr(WdHistory) history = wd_history_open(history_path, &run, &error);
  if (history == NULL || !write_events(history, (guint)atoi(argv[3]), &error) ||
      !write_status(status_path, history, &error)) {
    fprintf(stderr, "sample-store: %s\n", error->message);
    return 1;
  }
  return 0;
}
