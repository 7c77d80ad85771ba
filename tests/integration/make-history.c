/* Writes history.db and status.db with the store's own code, for tests of what reads them:
 *
 *   make-history DIRECTORY [EVENTS]   an hour of a watchdog with a worker and an extension, of so
 *                                     many events (6), then prints their times' base
 *   make-history DIRECTORY --append   one more event of the same run
 *   make-history DIRECTORY --stop     the run records that it stopped
 *
 * The watchdog of status.db is the parent process, so that it is alive to whoever starts this. */
#include "watchdog/core/kernel/proc-stat.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
check(gboolean done, const GError *error)
{
  if (done)
    return;
  fprintf(stderr, "make-history: %s\n", error->message);
  exit(1);
}

static WdEvent *
new_event(guint64 seq, WdEventKind kind, WdRole role, const char *name)
{
  WdEvent *event = wd_event_new(kind, role, name, NULL);
  event->seq = seq;
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  event->pid = 4000 + role;
  return event;
}

/* The story that every test finds: started, over its limit, ended, started again. */
static WdEvent *
story_event(guint64 seq, gint64 n)
{
  static const WdEventKind kinds[] = {WD_EVENT_WATCHDOG_STARTED, WD_EVENT_PROCESS_STARTED,
                                      WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_PROCESS_TERMINATED,
                                      WD_EVENT_PROCESS_STARTED};
  guint place = (guint)MIN(seq - 1, G_N_ELEMENTS(kinds));
  WdEventKind kind = place < G_N_ELEMENTS(kinds) ? kinds[place] : WD_EVENT_PROCESS_EXITED;
  WdRole role = seq == 1 ? WD_ROLE_WATCHDOG : place < 5 ? WD_ROLE_WORKER : WD_ROLE_EXTENSION;
  WdEvent *event = new_event(seq, kind, role,
                             seq == 1    ? "watchdog"
                             : place < 5 ? "worker"
                                         : "a.ext");
  event->time_s -= 3600 * (n - (gint64)seq) / MAX(n - 1, 1);
  switch (seq) {
  case 3:
  case 4:
    event->reason = WD_REASON_MEMORY;
    event->measured = 314572800;
    event->limit_value = 209715200;
    event->unit = WD_UNIT_BYTES;
    event->message = g_strdup("osqueryd worker (4001) stopping: Memory limits exceeded:"
                              " 314572800 bytes (limit is 200MB)");
    event->cause_seq = seq - 3 == 1 ? 3 : 0;
    event->outcome = seq == 4 ? WD_OUTCOME_KILLED : WD_OUTCOME_NONE;
    break;
  case 6: /* what a hostile process may smuggle in */
    event->utilization = 12.5;
    event->message = g_strdup("a \"quoted\", \033[31mred\033[0m\nline \xff \xe2\x80\xae!");
    break;
  default:
    break;
  }
  return event;
}

static gint64
start_ticks(pid_t pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  gsize length = 0;
  WdProcStat stat;
  return g_file_get_contents(path, &text, &length, NULL) && wd_proc_stat_parse(text, length, &stat)
             ? stat.start_ticks
             : WD_NONE;
}

static void
write_status(const char *directory, const WdHistory *history)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(directory, WD_STATUS_FILE, NULL);
  g_autoptr(WdStatus) status = wd_status_open(path, &error);
  check(status != NULL, error);
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  WdProcessStatus *rows[] = {
      wd_process_status_new(WD_ROLE_WATCHDOG, "watchdog", "/usr/bin/osquery-watchdogd"),
      wd_process_status_new(WD_ROLE_WORKER, "worker", "/opt/osquery/bin/osqueryd"),
      wd_process_status_new(WD_ROLE_EXTENSION, "a.ext", "/x/a.ext"),
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    rows[i]->state = WD_STATE_RUNNING;
    rows[i]->start_time_s = now_s - 7500;
    rows[i]->enforced = TRUE;
    rows[i]->last_seq = i == 0 ? 1 : i == 1 ? 5 : 6;
  }
  rows[0]->pid = getppid();
  rows[0]->start_ticks = start_ticks(getppid());
  rows[0]->last_check_us = g_get_monotonic_time();
  rows[1]->pid = 4001;
  rows[1]->restarts = 1;
  rows[1]->utilization = 2.5;
  rows[1]->utilization_limit = 10;
  rows[1]->footprint_bytes = 89443533;
  rows[1]->memory_limit_bytes = 209715200;
  rows[2]->state = WD_STATE_WAITING;
  rows[2]->next_start_time_s = now_s + 3600;
  check(wd_status_write(status, rows, G_N_ELEMENTS(rows), wd_history_base(history), &error), error);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    wd_process_status_free(rows[i]);
}

static WdEvent *
extra_event(guint64 seq, gboolean stop)
{
  return stop ? new_event(seq, WD_EVENT_WATCHDOG_STOPPED, WD_ROLE_WATCHDOG, "watchdog")
              : new_event(seq, WD_EVENT_PROCESS_STARTED, WD_ROLE_EXTENSION, "a.ext");
}

int
main(int argc, char **argv)
{
  if (argc < 2 || !g_path_is_absolute(argv[1])) {
    fputs("usage: make-history DIRECTORY [EVENTS | --append | --stop]\n", stderr);
    return 2;
  }
  const char *what = argc > 2 ? argv[2] : "6";
  gboolean stop = g_str_equal(what, "--stop");
  gboolean append = stop || g_str_equal(what, "--append");
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(argv[1], WD_HISTORY_FILE, NULL);
  const WdHistoryRun run = {.run_id = "run-1",
                            .boot_id = "boot-1",
                            .watchdog_pid = getppid(),
                            .now_s = g_get_real_time() / G_USEC_PER_SEC};
  g_autoptr(WdHistory) history = wd_history_open(path, &run, &error);
  check(history != NULL, error);

  gint64 n = append ? 1 : g_ascii_strtoll(what, NULL, 10);
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)wd_event_free);
  /* Past the story's, the seqs only need to be new. */
  guint64 new_seq = (guint64)g_get_real_time();
  for (gint64 i = 1; i <= n; i++)
    g_ptr_array_add(events, append ? extra_event(new_seq, stop) : story_event((guint64)i, n));
  check(wd_history_append(history, (WdEvent *const *)events->pdata, events->len, &error), error);
  if (!append)
    write_status(argv[1], history);
  return 0;
}
