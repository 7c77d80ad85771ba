#include "tables/ctl/command.h"
#include "tables/ctl/grid.h"
#include "tables/ctl/human.h"
#include "tables/ctl/text.h"
#include "watchdog/store/database.h"

/* What the table for people is made of, in this order. */
enum {
  NAME,
  ROLE,
  STATE,
  PID,
  START_TIME,
  NEXT_START_TIME,
  RESTARTS,
  UTILIZATION,
  UTILIZATION_LIMIT,
  MEMORY, /* the footprint, or while there is none the resident size */
  MEMORY_LIMIT,
  ENFORCED,
  LAST_EID,
};

static const char people_sql[] =
    "SELECT name, role, state, pid, start_time, next_start_time, restarts, utilization,"
    " utilization_limit, coalesce(footprint, resident_size), memory_limit, enforced, last_eid"
    " FROM watchdog_processes";

static char *
state_cell(sqlite3_stmt *stmt, gint64 now_s)
{
  g_autofree char *state = ctl_visible_value(stmt, STATE);
  gint64 next_s = ctl_integer(stmt, NEXT_START_TIME);
  if (g_str_equal(state, "waiting") && next_s != WD_NONE && next_s > now_s) {
    g_autofree char *delay = ctl_human_duration(next_s - now_s);
    return g_strdup_printf("waiting, starts in %s", delay);
  }
  gboolean limited = ctl_integer(stmt, MEMORY_LIMIT) != WD_NONE;
  if (g_str_equal(state, "running") && limited && ctl_integer(stmt, ENFORCED) == 0)
    return g_strdup("running, limits off");
  return g_steal_pointer(&state);
}

/* The newest event about a process, in words. A history that can't be read must not keep anyone
 * from seeing the state: @failure then says why, once. */
static char *
event_cell(const Ctl *ctl, gint64 eid, gint64 now_s, GError **failure)
{
  if (eid == WD_NONE || *failure != NULL)
    return g_strdup("-");
  g_autoptr(sqlite3_stmt) stmt =
      ctl_prepare(ctl, "SELECT event, time FROM watchdog_events WHERE eid = ?", failure);
  if (stmt == NULL)
    return g_strdup("-");
  WdBinder binder = {.stmt = stmt};
  wd_bind_integer(&binder, eid);
  int result = binder.result == SQLITE_OK ? sqlite3_step(stmt) : binder.result;
  if (result != SQLITE_ROW) {
    if (result != SQLITE_DONE) /* else it isn't written yet, or pruned */
      ctl_set_error(ctl, failure);
    return g_strdup("-");
  }
  g_autofree char *event = ctl_visible_value(stmt, 0);
  g_autofree char *age = ctl_human_duration(MAX(now_s - sqlite3_column_int64(stmt, 1), 0));
  return g_strdup_printf("%s %s ago", event, age);
}

static char **
row_cells(const Ctl *ctl, sqlite3_stmt *stmt, gint64 now_s, GError **failure)
{
  gint64 start_s = ctl_integer(stmt, START_TIME);
  gint64 restarts = ctl_integer(stmt, RESTARTS);
  gboolean alive = ctl_integer(stmt, PID) != WD_NONE;
  g_autoptr(GStrvBuilder) cells = g_strv_builder_new();
  g_autofree char *name = ctl_visible_value(stmt, NAME);
  g_autofree char *state = state_cell(stmt, now_s);
  g_autofree char *pid = ctl_visible_value(stmt, PID);
  g_autofree char *uptime =
      alive && start_s != WD_NONE ? ctl_human_duration(MAX(now_s - start_s, 0)) : g_strdup("-");
  g_autofree char *restarts_text =
      restarts != WD_NONE ? g_strdup_printf("%" G_GINT64_FORMAT, restarts) : g_strdup("-");
  g_autofree char *cpu = sqlite3_column_type(stmt, UTILIZATION) == SQLITE_NULL
                             ? g_strdup("-")
                             : ctl_human_percent(sqlite3_column_double(stmt, UTILIZATION),
                                                 ctl_integer(stmt, UTILIZATION_LIMIT));
  g_autofree char *memory =
      ctl_integer(stmt, MEMORY) == WD_NONE
          ? g_strdup("-")
          : ctl_human_bytes(ctl_integer(stmt, MEMORY), ctl_integer(stmt, MEMORY_LIMIT));
  g_autofree char *event = event_cell(ctl, ctl_integer(stmt, LAST_EID), now_s, failure);
  g_strv_builder_add_many(cells, name, state, *pid ? pid : "-", uptime, restarts_text, cpu, memory,
                          event, NULL);
  return g_strv_builder_end(cells);
}

static gboolean
print_for_people(const Ctl *ctl, GError **error)
{
  static const char *const titles[] = {"NAME",         "STATE",      "PID",
                                       "UPTIME",       "RESTARTS",   "CPU/LIMIT",
                                       "MEMORY/LIMIT", "LAST EVENT", NULL};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, people_sql, error);
  if (stmt == NULL)
    return FALSE;
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(GError) failure = NULL;
  gboolean unresponsive = FALSE;
  CtlGrid *grid = ctl_grid_new(titles, CTL_GRID_PLAIN, ctl->out);
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
    const char *state = (const char *)sqlite3_column_text(stmt, STATE);
    unresponsive = unresponsive || g_strcmp0(state, "unresponsive") == 0;
    ctl_grid_add(grid, row_cells(ctl, stmt, now_s, &failure));
  }
  ctl_grid_end(grid);
  if (result != SQLITE_DONE) {
    ctl_set_error(ctl, error);
    return FALSE;
  }
  if (unresponsive)
    fputs("\nThe watchdog is gone or doesn't respond; the others are shown as it last saw them.\n",
          ctl->out);
  if (failure != NULL)
    fprintf(ctl->out, "\nThe last events can't be shown: %s\n", failure->message);
  return TRUE;
}

/* A watchdog always lists itself: no row means that none has written the file. */
static gboolean
check_running(const Ctl *ctl, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt =
      ctl_prepare(ctl, "SELECT 1 FROM watchdog_processes LIMIT 1", error);
  if (stmt == NULL)
    return FALSE;
  switch (sqlite3_step(stmt)) {
  case SQLITE_ROW:
    return TRUE;
  case SQLITE_DONE:
    g_set_error(error, WD_HISTORY_ERROR, WD_HISTORY_ERROR_MISSING,
                "%s: is missing or empty, no watchdog is running or ever was",
                table_store_path(ctl->store, table_definition_find("watchdog_processes")));
    return FALSE;
  default:
    ctl_set_error(ctl, error);
    return FALSE;
  }
}

gboolean
ctl_status(const Ctl *ctl, GError **error)
{
  if (!check_running(ctl, error))
    return FALSE;
  if (ctl->options->format == CTL_FORMAT_PEOPLE)
    return print_for_people(ctl, error);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, "SELECT * FROM watchdog_processes", error);
  if (stmt == NULL)
    return FALSE;
  CtlPrint print = ctl_printer(ctl->options, ctl_print_box);
  if (print(stmt, CTL_PART_WHOLE, ctl->out) == SQLITE_DONE)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}
