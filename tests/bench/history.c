/* What the store and the tables cost for an empty, a short and a long history:
 *
 *   history [DIRECTORY]   makes its files in a directory of its own below DIRECTORY (/var/tmp)
 *
 * Files on a disk, so that durable means durable; status.db in /dev/shm, as in practice. Every
 * figure is the median of many runs, with its ratio to the same question of the empty history.
 * Questions go every way there is: a cursor (what the extension serves from) and SQL through the
 * virtual tables (what ctl does) inside this process; osqueryd with the extension over Thrift, and
 * ctl, as users have them. */
#include "watchdog/store/history.h"
#include "tables/cursor.h"
#include "tables/definitions.h"
#include "tables/sqlite-module.h"
#include "tests/bench/end-to-end.h"
#include "watchdog/store/status.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define START_S 1700000000
#define RUNS 101

static void
check(gboolean done, const GError *error)
{
  if (done)
    return;
  fprintf(stderr, "history: %s\n", error != NULL ? error->message : "failed");
  exit(1);
}

static double
now_us(clockid_t clock)
{
  struct timespec time;
  check(clock_gettime(clock, &time) == 0, NULL);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int
compare(gconstpointer a, gconstpointer b)
{
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

static double
median(double *values, gsize n)
{
  qsort(values, n, sizeof *values, compare);
  return values[n / 2];
}

/* Ends and starts by turns; every thousandth event is a termination. */
static WdEvent *
new_event(guint64 seq)
{
  WdEventKind kind = seq % 1000 == 0 ? WD_EVENT_PROCESS_TERMINATED
                     : seq % 2 == 0  ? WD_EVENT_PROCESS_STARTED
                                     : WD_EVENT_PROCESS_EXITED;
  WdEvent *event = wd_event_new(kind, WD_ROLE_WORKER, "worker", "/opt/osquery/bin/osqueryd");
  event->seq = seq;
  event->time_s = START_S + (gint64)seq;
  event->pid = 1000 + (gint64)(seq % 30000);
  event->reason = WD_REASON_MEMORY;
  event->measured = 314572800;
  event->limit_value = 209715200;
  event->unit = WD_UNIT_BYTES;
  event->lifetime_ms = 123456;
  event->details = g_strdup("{\"threads\":12,\"descriptors\":33,\"anonymous\":123456789}");
  event->message =
      g_strdup("osqueryd worker (1234) stopping: Memory limits exceeded: 314572800 bytes"
               " (limit is 200MB)");
  return event;
}

static void
append(WdHistory *history, guint64 first_seq, gsize n)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)wd_event_free);
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add(events, new_event(first_seq + i));
  check(wd_history_append(history, (WdEvent *const *)events->pdata, n, &error), error);
}

static WdHistory *
open_history(const char *directory)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(directory, WD_HISTORY_FILE, NULL);
  const WdHistoryRun run = {.run_id = "0b8e5f1c-7e1e-4d1b-9d1b-0123456789ab",
                            .boot_id = "boot",
                            .watchdog_pid = 1,
                            .now_s = START_S};
  WdHistory *history = wd_history_open(path, &run, &error);
  check(history != NULL, error);
  return history;
}

typedef struct {
  const char *column;
  TableOperator op;
  gint64 number; /* counted back from the newest event */
  const char *text;
} Asked;

/* The time of one question through a cursor, all columns. */
static double
ask_cursor(TableStore *store, const char *name, const Asked *asked, gint64 newest, gint64 *rows)
{
  g_autoptr(GError) error = NULL;
  const WdTable *table = table_definition_find(name);
  double began = now_us(CLOCK_MONOTONIC);
  g_autoptr(TableQuery) query = table_query_new();
  for (guint a = 0; asked[a].column != NULL; a++)
    for (guint i = 0; i < table->n_columns; i++)
      if (g_str_equal(table->columns[i].name, asked[a].column)) {
        gint64 base = g_str_equal(asked[a].column, "time") ? START_S + newest : newest;
        g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, base - asked[a].number);
        table_query_add(query, i, asked[a].op, asked[a].text != NULL ? asked[a].text : number);
      }
  g_autoptr(TableCursor) cursor = table_cursor_open(store, table, query, &error);
  check(cursor != NULL, error);
  *rows = 0;
  while (table_cursor_next(cursor, &error) == TABLE_ROW) {
    gsize length;
    for (guint i = 0; i < table->n_columns; i++)
      (void)table_cursor_text(cursor, i, &length);
    ++*rows;
  }
  check(error == NULL, error);
  return now_us(CLOCK_MONOTONIC) - began;
}

static char *
to_sql(const Asked *asked, gint64 newest)
{
  GString *sql = g_string_new("SELECT * FROM watchdog_events WHERE TRUE");
  for (guint a = 0; asked[a].column != NULL; a++) {
    gint64 base = g_str_equal(asked[a].column, "time") ? START_S + newest : newest;
    const char *op = asked[a].op == TABLE_OP_EQ ? "=" : ">";
    if (asked[a].text != NULL)
      g_string_append_printf(sql, " AND %s %s '%s'", asked[a].column, op, asked[a].text);
    else
      g_string_append_printf(sql, " AND %s %s %" G_GINT64_FORMAT, asked[a].column, op,
                             base - asked[a].number);
  }
  return g_string_free(sql, FALSE);
}

/* The same as SQL. */
static double
ask_sql(sqlite3 *db, const char *sql)
{
  double began = now_us(CLOCK_MONOTONIC);
  sqlite3_stmt *stmt = NULL;
  check(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, NULL);
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
    for (int i = 0; i < sqlite3_column_count(stmt); i++)
      (void)sqlite3_column_text(stmt, i);
  check(result == SQLITE_DONE, NULL);
  sqlite3_finalize(stmt);
  return now_us(CLOCK_MONOTONIC) - began;
}

static double
ask_extension(EndToEnd *ends, const char *sql, gint64 expected)
{
  g_autoptr(GError) error = NULL;
  double began = now_us(CLOCK_MONOTONIC);
  const gint64 rows = end_to_end_extension(ends, sql, &error);
  double took = now_us(CLOCK_MONOTONIC) - began;
  check(rows == expected, error);
  return took;
}

static double
ask_ctl(EndToEnd *ends, const char *sql)
{
  g_autoptr(GError) error = NULL;
  double began = now_us(CLOCK_MONOTONIC);
  check(end_to_end_ctl(ends, sql, &error), error);
  return now_us(CLOCK_MONOTONIC) - began;
}

static const struct {
  const char *title;
  Asked asked[3];
} questions[] = {
    {"eid > N: newest 100", {{"eid", TABLE_OP_GT, 100, NULL}}},
    {"time > T: newest 100", {{"time", TABLE_OP_GT, 100, NULL}}},
    {"event = 'x' AND time > T: newest 100",
     {{"event", TABLE_OP_EQ, 0, "process_exited"}, {"time", TABLE_OP_GT, 200, NULL}}},
    {"event = 'x' AND time > T: none",
     {{"event", TABLE_OP_EQ, 0, "process_terminated"}, {"time", TABLE_OP_GT, 0, NULL}}},
    {"eid = N", {{"eid", TABLE_OP_EQ, 50, NULL}}},
};

typedef enum { CURSOR, SQL, OSQUERYD_PATH, EXTENSION_CPU, CTL_PATH, N_PATHS } Path;
static const char *const path_names[] = {"cursor", "SQL", "osqueryd", "(extension's CPU)", "ctl"};

/* @empty: of the empty history; filled in by the first call. */
static void
ask_all(const char *directory, gint64 newest, double empty[][N_PATHS])
{
  g_autoptr(TableStore) store = table_store_new(directory, directory);
  g_autoptr(GError) error = NULL;
  sqlite3 *db = NULL;
  check(sqlite3_open(":memory:", &db) == SQLITE_OK, NULL);
  check(table_sqlite_register(db, store) == SQLITE_OK, NULL);
  EndToEnd *ends = end_to_end_start(directory, &error);
  check(ends != NULL, error);
  for (gsize q = 0; q < G_N_ELEMENTS(questions); q++) {
    double took[N_PATHS][RUNS];
    g_autofree char *sql = to_sql(questions[q].asked, newest);
    gint64 rows = 0;
    for (gsize run = 0; run < RUNS; run++) {
      took[CURSOR][run] = ask_cursor(store, "watchdog_events", questions[q].asked, newest, &rows);
      took[SQL][run] = ask_sql(db, sql);
      const double used_us = end_to_end_extension_cpu_us(ends);
      took[OSQUERYD_PATH][run] = ask_extension(ends, sql, rows);
      took[EXTENSION_CPU][run] = end_to_end_extension_cpu_us(ends) - used_us;
      took[CTL_PATH][run] = ask_ctl(ends, sql);
    }
    printf("  %-38s %4" G_GINT64_FORMAT " rows", questions[q].title, rows);
    for (Path path = CURSOR; path < N_PATHS; path++) {
      const double middle = median(took[path], RUNS);
      if (newest == 0)
        empty[q][path] = middle;
      printf("  %s %.0f us (%.2f)", path_names[path], middle, middle / empty[q][path]);
    }
    printf("\n");
  }
  end_to_end_stop(ends);
  const Asked all[] = {{NULL, TABLE_OP_EQ, 0, NULL}};
  for (guint i = 0; i < 2; i++) {
    const char *const tables[] = {"watchdog_events", "watchdog_terminations"};
    gint64 rows;
    double scan = ask_cursor(store, tables[i], all, newest, &rows);
    printf("  %-38s %4" G_GINT64_FORMAT " rows  cursor %.0f ms\n", tables[i], rows, scan / 1000);
  }
  check(sqlite3_close(db) == SQLITE_OK, NULL);
}

static void
measure_appending(WdHistory *history, guint64 first_seq)
{
  double wall[RUNS], cpu[RUNS];
  for (gsize run = 0; run < RUNS; run++) {
    double wall_began = now_us(CLOCK_MONOTONIC);
    double cpu_began = now_us(CLOCK_THREAD_CPUTIME_ID);
    append(history, first_seq + run, 1);
    cpu[run] = now_us(CLOCK_THREAD_CPUTIME_ID) - cpu_began;
    wall[run] = now_us(CLOCK_MONOTONIC) - wall_began;
  }
  double middle = median(wall, RUNS);
  printf("  one event, durable: %.0f us (worst of %d: %.0f us), of which CPU %.0f us\n", middle,
         RUNS, wall[RUNS - 1], median(cpu, RUNS));
}

static void
measure_history(const char *directory, gint64 n, double empty[][N_PATHS])
{
  g_autoptr(WdHistory) history = open_history(directory);
  double began = now_us(CLOCK_MONOTONIC);
  for (gint64 seq = 1; seq <= n; seq += 100)
    append(history, (guint64)seq, (gsize)MIN(100, n - seq + 1));
  if (n > 0)
    printf("  appended, 100 in a transaction: %.0f events/s\n",
           (double)n / (now_us(CLOCK_MONOTONIC) - began) * 1e6);
  ask_all(directory, n, empty);
  measure_appending(history, (guint64)n + 1);
  if (n == 0)
    return;
  guint removed = 0;
  g_autoptr(GError) error = NULL;
  double pruning[RUNS];
  for (gsize run = 0; run < RUNS; run++) {
    began = now_us(CLOCK_MONOTONIC);
    check(wd_history_prune(history, n / 2, 0, 1, &removed, &error), error);
    pruning[run] = now_us(CLOCK_MONOTONIC) - began;
  }
  double middle = median(pruning, RUNS);
  printf("  pruned %u row: %.0f us (worst: %.0f us)\n", removed, middle, pruning[RUNS - 1]);
}

static void
measure_status(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_strdup_printf("/dev/shm/watchdog-bench-%d.db", (int)getpid());
  WdStatus *status = wd_status_open(path, &error);
  check(status != NULL, error);
  WdProcessStatus *rows[5];
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    rows[i] = wd_process_status_new(WD_ROLE_EXTENSION, "extension.ext",
                                    "/usr/lib/osquery/extensions/extension.ext");
    rows[i]->pid = 1234;
    rows[i]->resident_bytes = rows[i]->footprint_bytes = 123456789;
    rows[i]->memory_limit_bytes = 209715200;
  }
  enum { WRITES = 30000 };
  double us[2];
  for (gint64 sampling = 0; sampling <= 1; sampling++) {
    double began = now_us(CLOCK_THREAD_CPUTIME_ID);
    for (gint64 write = 1; write <= WRITES; write++) {
      for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        rows[i]->user_ms = rows[i]->last_check_us = write;
        rows[i]->utilization = (double)(write % 1000) / 100;
        rows[i]->last_check_time_s = 1700000000 + write;
        rows[i]->regular_check_us = sampling * write;
      }
      check(wd_status_write(status, rows, G_N_ELEMENTS(rows), WD_NONE, &error), error);
    }
    us[sampling] = (now_us(CLOCK_THREAD_CPUTIME_ID) - began) / WRITES;
  }
  struct stat info;
  check(stat(path, &info) == 0, NULL);
  printf(
      "status of 5 processes, written: CPU %.1f us; with samples: CPU %.1f us, %.0f kB of file\n",
      us[0], us[1], (double)info.st_size / 1000);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    wd_process_status_free(rows[i]);
  wd_status_free(status);
  const char *suffixes[] = {"", "-wal", "-shm"};
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *file = g_strconcat(path, suffixes[i], NULL);
    check(g_unlink(file) == 0, NULL);
  }
}

int
main(int argc, char **argv)
{
  const gint64 lengths[] = {0, 1000, 10000, 1000000};
  double empty[G_N_ELEMENTS(questions)][N_PATHS];
  measure_status();
  for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
    g_autofree char *directory =
        g_build_filename(argc > 1 ? argv[1] : "/var/tmp", "watchdog-bench-XXXXXX", NULL);
    check(g_mkdtemp(directory) != NULL, NULL);
    printf("history of %" G_GINT64_FORMAT " events\n", lengths[i]);
    measure_history(directory, lengths[i], empty);
    const char *names[] = {WD_HISTORY_FILE, WD_HISTORY_FILE "-wal", WD_HISTORY_FILE "-shm"};
    for (gsize n = 0; n < G_N_ELEMENTS(names); n++) {
      g_autofree char *file = g_build_filename(directory, names[n], NULL);
      check(g_unlink(file) == 0, NULL);
    }
    check(g_rmdir(directory) == 0, NULL);
  }
  return 0;
}
