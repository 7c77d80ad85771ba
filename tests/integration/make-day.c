/* Writes a day of history.db and status.db with the store's own code, for tests of the report:
 *
 *   make-day DIRECTORY [NAME]   a worker whose memory grows until it is ended, twice, and which is
 *                               ended once for its CPU time; an extension that leaks; one that
 *                               crashes again and again until it is given up; one called NAME,
 * whose messages say NAME, too. Ends now; prints the eid of the first termination. */
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S 86400
#define CHECK_S 3
#define MEBIBYTE (1024.0 * 1024)
#define MEMORY_LIMIT_MB 200
#define CPU_LIMIT 10
#define PATH "/usr/lib/osquery/extensions/"

enum { WATCHDOG, WORKER, TABLES, SOFTWARE, CHROME, NAMED, N };

typedef struct {
  WdHistory *history;
  guint64 seq;
  gint64 start_s;
  gint64 second; /* of the day */
  WdProcessStatus *rows[N];
  gint64 alive_since[N]; /* -1: not running */
  guint crashes;
  const char *named;
} Day;

static void
check(gboolean done, const GError *error)
{
  if (done)
    return;
  fprintf(stderr, "make-day: %s\n", error->message);
  exit(1);
}

static WdEvent *
event_new(Day *day, WdEventKind kind, guint process, WdReason reason)
{
  const WdProcessStatus *row = day->rows[process];
  WdEvent *event = wd_event_new(kind, row->role, row->name, row->path);
  event->time_s = day->start_s + day->second;
  event->pid = row->pid;
  event->reason = reason;
  event->seq = ++day->seq;
  day->rows[process]->last_seq = event->seq;
  return event;
}

static void
record(Day *day, WdEvent *event)
{
  g_autoptr(GError) error = NULL;
  check(wd_history_append(day->history, &event, 1, &error), error);
  wd_event_free(event);
}

static void
begin(Day *day, guint process)
{
  WdProcessStatus *row = day->rows[process];
  row->pid = 4000 + (gint64)day->seq * 7;
  row->state = WD_STATE_RUNNING;
  row->start_time_s = day->start_s + day->second;
  row->restarts++;
  day->alive_since[process] = day->second;
  if (process == WATCHDOG)
    return;
  WdEvent *event = event_new(day, WD_EVENT_PROCESS_STARTED, process, WD_REASON_NONE);
  event->restarts = row->restarts;
  record(day, event);
}

static void
gone(Day *day, guint process)
{
  day->alive_since[process] = -1;
  day->rows[process]->state = WD_STATE_WAITING;
  day->rows[process]->pid = WD_NONE;
}

static void
set_limit(Day *day, guint process, WdEvent *event, double measured)
{
  const gboolean memory = event->reason == WD_REASON_MEMORY;
  event->lifetime_ms = (day->second - day->alive_since[process]) * 1000;
  event->unit = memory ? WD_UNIT_BYTES : WD_UNIT_MS;
  event->measured = (gint64)(memory ? measured : measured * 2 * CHECK_S * 10);
  event->limit_value = memory ? (gint64)(MEMORY_LIMIT_MB * MEBIBYTE) : CPU_LIMIT * 2 * CHECK_S * 10;
  if (memory)
    return;
  event->utilization = measured;
  event->utilization_limit = CPU_LIMIT;
  event->sustained_s = 12;
}

/* Over a limit, ended, and started again. */
static void
end_for_limit(Day *day, guint process, WdReason reason, double measured, const char *query_name)
{
  WdEvent *exceeded = event_new(day, WD_EVENT_LIMIT_EXCEEDED, process, reason);
  const guint64 cause = exceeded->seq;
  set_limit(day, process, exceeded, measured);
  exceeded->details = g_strdup_printf("{\"anonymous_bytes\":%.0f,\"swap_bytes\":0}",
                                      reason == WD_REASON_MEMORY ? measured * 0.9 : 5e7);
  record(day, exceeded);
  WdEvent *terminated = event_new(day, WD_EVENT_PROCESS_TERMINATED, process, reason);
  const guint64 death = terminated->seq;
  set_limit(day, process, terminated, measured);
  if (reason == WD_REASON_MEMORY)
    terminated->peak_bytes = terminated->measured + (gint64)(10 * MEBIBYTE);
  terminated->cause_seq = cause;
  terminated->signals_sent =
      process == WORKER ? WD_SIGNALS_USR1 | WD_SIGNALS_TERM : WD_SIGNALS_KILL;
  terminated->outcome = process == WORKER ? WD_OUTCOME_GRACEFUL : WD_OUTCOME_KILLED;
  terminated->duration_ms = process == WORKER ? 1240 : 3;
  terminated->message = g_strdup("osqueryd worker stopping: Memory limits exceeded");
  record(day, terminated);
  gone(day, process);
  begin(day, process);
  if (query_name == NULL)
    return;
  WdEvent *denylisted = event_new(day, WD_EVENT_QUERY_DENYLISTED, process, WD_REASON_NONE);
  denylisted->cause_seq = death;
  denylisted->query_name = g_strdup(query_name);
  denylisted->query =
      g_strdup("SELECT p.name, h.sha256 FROM processes p JOIN hash h ON h.path = p.path"
               " WHERE p.on_disk = 1 AND h.sha256 <> '';");
  denylisted->message = g_strdup_printf("the query %s was denylisted", query_name);
  record(day, denylisted);
}

static void
crash(Day *day)
{
  WdEvent *exited = event_new(day, WD_EVENT_PROCESS_EXITED, CHROME, WD_REASON_SIGNAL);
  const guint64 cause = exited->seq;
  exited->exit_signal = 11;
  exited->lifetime_ms = (day->second - day->alive_since[CHROME]) * 1000;
  exited->message = g_strdup("osquery extension " PATH "chrome_history.ext ended by signal 11");
  record(day, exited);
  gone(day, CHROME);
  const gboolean last = ++day->crashes == 5;
  WdEvent *event = event_new(day, last ? WD_EVENT_RESPAWN_LIMIT_REACHED : WD_EVENT_RESPAWN_DELAYED,
                             CHROME, WD_REASON_SIGNAL);
  event->cause_seq = cause;
  event->delay_s = last ? WD_NONE : 5 * day->crashes;
  event->message = g_strdup_printf("Extension respawning too quickly: %s (%u times)",
                                   PATH "chrome_history.ext", day->crashes);
  record(day, event);
  if (last)
    day->rows[CHROME]->state = WD_STATE_ABANDONED;
}

/* From 0 to 1, always the same. */
static double
noise(gint64 second, guint process)
{
  guint32 x = (guint32)second * 2654435761u ^ (process + 1) * 0x9e3779b9u;
  x ^= x >> 15;
  x *= 0x2c1b3c6du;
  x ^= x >> 12;
  return x / 4294967296.0;
}

/* MiB and % of a process at this second, after @age seconds. */
static void
model(const Day *day, guint process, gint64 age, double *megabytes, double *percent)
{
  const double n = noise(day->second, process);
  *percent = 0.1 + 0.3 * n;
  *megabytes = 6 + 2 * fmin((double)age / 3600, 1) + n;
  switch (process) {
  case WORKER:
    *megabytes = 45 + 155 * (double)age / 30000 + 8 * n + (day->second % 3600 < 60 ? 35 * n : 0);
    *percent = 0.6 + n + (day->second % 600 < 30 ? 5 * n : 0);
    if (day->second >= 54000 - 12 && day->second < 54000)
      *percent = 45 + 10 * n;
    break;
  case SOFTWARE:
    *megabytes = 20 + 0.006 * (double)age + 2 * n;
    *percent = day->second % 900 < 20 ? 3 + 4 * n : 0.2 * n;
    break;
  case CHROME:
    *percent = 1 + n;
    break;
  default:
    break;
  }
}

static void
measure(Day *day, guint process)
{
  WdProcessStatus *row = day->rows[process];
  const gint64 age = day->second - day->alive_since[process];
  row->regular_check_us = WD_NONE;
  if (day->alive_since[process] < 0 || age == 0)
    return;
  double megabytes, percent;
  model(day, process, age, &megabytes, &percent);
  row->utilization = round(percent * 100) / 100;
  row->footprint_bytes = (gint64)(megabytes * MEBIBYTE);
  row->resident_bytes = row->footprint_bytes + (gint64)(25 * MEBIBYTE);
  row->regular_check_us = (day->second + 1) * G_USEC_PER_SEC;
  row->last_check_time_s = day->start_s + day->second;
  if (process != WATCHDOG && megabytes > MEMORY_LIMIT_MB)
    end_for_limit(day, process, WD_REASON_MEMORY, (megabytes + 61) * MEBIBYTE,
                  process == WORKER ? "pack_incident_hash_of_everything" : NULL);
  else if (process == WORKER && day->second == 54000)
    end_for_limit(day, process, WD_REASON_CPU, 55, "pack_fim_recent_changes");
}

static void
live(Day *day)
{
  for (guint i = 0; i < N; i++)
    measure(day, i);
  /* From 20:00 on it lives for two minutes at a time. */
  if (day->second >= 72000 && day->alive_since[CHROME] >= 0 &&
      (day->second == 72000 || day->second - day->alive_since[CHROME] >= 120))
    crash(day);
  else if (day->alive_since[CHROME] < 0 && day->crashes < 5 && day->second % 30 == 0)
    begin(day, CHROME);
  if (day->second == 39999) {
    WdEvent *event = event_new(day, WD_EVENT_EXTENSION_UNREGISTERED, NAMED, WD_REASON_REGISTRATION);
    event->message = g_strdup_printf("osquery no longer lists %s", day->named);
    record(day, event);
  }
}

static WdProcessStatus *
row_new(WdRole role, const char *name)
{
  g_autofree char *path = g_strconcat(PATH, name, NULL);
  WdProcessStatus *row = wd_process_status_new(role, name, path);
  row->utilization_limit = CPU_LIMIT;
  row->memory_limit_bytes = (gint64)(MEMORY_LIMIT_MB * MEBIBYTE);
  row->latency_limit_s = 12;
  row->restarts = -1;
  row->enforced = TRUE;
  return row;
}

int
main(int argc, char **argv)
{
  if (argc < 2 || !g_path_is_absolute(argv[1])) {
    fputs("usage: make-day DIRECTORY [NAME]\n", stderr);
    return 2;
  }
  g_autoptr(GError) error = NULL;
  g_autofree char *history_path = g_build_filename(argv[1], WD_HISTORY_FILE, NULL);
  g_autofree char *status_path = g_build_filename(argv[1], WD_STATUS_FILE, NULL);
  Day day = {.start_s = g_get_real_time() / G_USEC_PER_SEC - DAY_S,
             .named = argc > 2 ? argv[2] : "fleet_tables.ext"};
  const WdHistoryRun run = {
      .run_id = "day", .boot_id = "boot", .watchdog_pid = 1, .now_s = day.start_s};
  g_autoptr(WdHistory) history = wd_history_open(history_path, &run, &error);
  check(history != NULL, error);
  g_autoptr(WdStatus) status = wd_status_open(status_path, &error);
  check(status != NULL, error);
  day.history = history;
  const char *names[N] = {"watchdog",           "worker", "osquery-watchdog.ext", "software.ext",
                          "chrome_history.ext", day.named};
  for (guint i = 0; i < N; i++) {
    day.rows[i] = row_new(i == WATCHDOG ? WD_ROLE_WATCHDOG
                          : i == WORKER ? WD_ROLE_WORKER
                                        : WD_ROLE_EXTENSION,
                          names[i]);
    begin(&day, i);
  }
  for (; day.second <= DAY_S; day.second += CHECK_S) {
    live(&day);
    check(wd_status_write(status, day.rows, N, wd_history_base(history), &error), error);
  }
  for (guint i = 0; i < N; i++)
    wd_process_status_free(day.rows[i]);
  return 0;
}
