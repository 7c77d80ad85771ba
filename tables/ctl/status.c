#include "tables/ctl/status.h"

#include "tables/ctl/print/grid.h"
#include "tables/ctl/print/human.h"
#include "tables/ctl/print/rows.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "tables/definitions.h"
#include "watchdog/store/database.h"
#include "watchdog/store/store-error.h"

/* The last event must be visible even on 80 columns. A narrow terminal therefore loses the least
 * useful parts: the limits' figures, because the bars show how near they are; the columns that
 * change least; long words. */
#define BAR_WIDTH 8
#define NARROW_BAR_WIDTH 4
#define LEAST_WIDTH_OF_LIMITS 120
#define LEAST_WIDTH_OF_WORDS 100

/* The columns of people_sql. */
enum {
  NAME,
  STATE,
  PID,
  START_TIME,
  NEXT_START_TIME,
  RESTARTS,
  UTILIZATION,
  UTILIZATION_LIMIT,
  SUSTAINED,
  LATENCY_LIMIT,
  MEMORY, /* the footprint, or while there is none the resident size */
  MEMORY_LIMIT,
  ENFORCED,
  REGISTERED,
  RESPONSIVE,
  LAST_EID,
};

static const char people_sql[] =
    "SELECT name, state, pid, start_time, next_start_time, restarts, utilization,"
    " utilization_limit, sustained_latency, latency_limit, coalesce(footprint, resident_size),"
    " memory_limit, enforced, registered, responsive, last_eid FROM watchdog_processes";

static const CtlColumn columns[] = {
    {"NAME", 0},   {"PID", 100}, {"RESTARTS", 110}, {"CPU", 0},
    {"MEMORY", 0}, {"DOING", 0}, {"LAST EVENT", 0},
};

static gboolean
is_narrower(const CtlTerminal *terminal, guint width)
{
  return terminal->width != 0 && terminal->width < width;
}

/* @column: UTILIZATION or MEMORY; its limit stands in the next one. */
static void
add_use(CtlRows *rows, const CtlTerminal *terminal, sqlite3_stmt *stmt, int column)
{
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) {
    ctl_rows_add(rows, g_strdup("-"), CTL_COLOUR_NONE);
    return;
  }
  gboolean narrow = is_narrower(terminal, LEAST_WIDTH_OF_LIMITS);
  double used = sqlite3_column_double(stmt, column);
  gint64 limit = ctl_integer(stmt, column + 1);
  gint64 shown_limit = narrow ? WD_NONE : limit;
  g_autofree char *text = column == MEMORY
                              ? ctl_human_bytes(sqlite3_column_int64(stmt, column), shown_limit)
                              : ctl_human_percent(used, shown_limit);
  if (limit <= 0) { /* WD_NONE among them */
    ctl_rows_add(rows, g_steal_pointer(&text), CTL_COLOUR_NONE);
    return;
  }
  double share = used / (double)limit;
  g_autofree char *bar = ctl_bar(terminal, share, narrow ? NARROW_BAR_WIDTH : BAR_WIDTH);
  ctl_rows_add(rows, g_strconcat(bar, narrow ? " " : "  ", text, NULL), ctl_colour_of_share(share));
}

/* What is wrong or unusual about a running process, the gravest first. */
static GStrv
remarks(sqlite3_stmt *stmt, gboolean narrow)
{
  g_autoptr(GStrvBuilder) found = g_strv_builder_new();
  gint64 sustained_s = ctl_integer(stmt, SUSTAINED);
  if (sustained_s > 0) {
    g_autofree char *over = g_strdup_printf(
        "over %s %" G_GINT64_FORMAT "%s%" G_GINT64_FORMAT "s", narrow ? "CPU" : "its CPU limit for",
        sustained_s, narrow ? "/" : " of ", ctl_integer(stmt, LATENCY_LIMIT));
    g_strv_builder_add(found, over);
  }
  if (ctl_integer(stmt, REGISTERED) == 0)
    g_strv_builder_add(found, "not registered");
  if (ctl_integer(stmt, RESPONSIVE) == 0)
    g_strv_builder_add(found, "not answering");
  if (ctl_integer(stmt, MEMORY_LIMIT) != WD_NONE && ctl_integer(stmt, ENFORCED) == 0)
    g_strv_builder_add(found, "limits off");
  return g_strv_builder_end(found);
}

/* @narrow: short, and with one remark at most. */
static char *
running_words(sqlite3_stmt *stmt, gint64 now_s, gboolean narrow)
{
  g_autoptr(GString) words = g_string_new(narrow ? "up" : "running");
  gint64 start_s = ctl_integer(stmt, START_TIME);
  if (start_s != WD_NONE) {
    gint64 age_s = MAX(now_s - start_s, 0);
    g_autofree char *age = narrow ? ctl_human_short_duration(age_s) : ctl_human_duration(age_s);
    g_string_append_printf(words, " %s", age);
  }
  g_auto(GStrv) found = remarks(stmt, narrow);
  for (guint i = 0; found[i] != NULL && !(narrow && i > 0); i++)
    g_string_append_printf(words, ", %s", found[i]);
  return g_string_free(g_steal_pointer(&words), FALSE);
}

static char *
next_start_words(sqlite3_stmt *stmt, gint64 now_s, const char *soon, const char *later)
{
  gint64 next_s = ctl_integer(stmt, NEXT_START_TIME);
  if (next_s == WD_NONE || next_s <= now_s)
    return g_strdup(soon);
  g_autofree char *delay = ctl_human_duration(next_s - now_s);
  return g_strdup_printf("%s in %s", later, delay);
}

static void
add_doing(CtlRows *rows, const CtlTerminal *terminal, sqlite3_stmt *stmt, gint64 now_s)
{
  g_autofree char *state = ctl_visible_value(stmt, STATE);
  if (g_str_equal(state, "running"))
    ctl_rows_add(rows, running_words(stmt, now_s, is_narrower(terminal, LEAST_WIDTH_OF_WORDS)),
                 CTL_COLOUR_NONE);
  else if (g_str_equal(state, "waiting"))
    ctl_rows_add(rows, next_start_words(stmt, now_s, "starting", "starts"), CTL_COLOUR_YELLOW);
  else if (g_str_equal(state, "abandoned"))
    ctl_rows_add(rows, next_start_words(stmt, now_s, "given up", "given up, tried again"),
                 CTL_COLOUR_RED);
  else if (g_str_equal(state, "terminating"))
    ctl_rows_add(rows, g_strdup("being stopped"), CTL_COLOUR_YELLOW);
  else if (g_str_equal(state, "killing"))
    ctl_rows_add(rows, g_strdup("being killed"), CTL_COLOUR_YELLOW);
  else if (g_str_equal(state, "stuck"))
    ctl_rows_add(rows, g_strdup("stuck, survives SIGKILL"), CTL_COLOUR_RED);
  else {
    CtlColour colour = g_str_equal(state, "unresponsive") ? CTL_COLOUR_RED : CTL_COLOUR_DIM;
    ctl_rows_add(rows, g_steal_pointer(&state), colour);
  }
}

static const char event_sql[] =
    "SELECT event, reason, exit_code, exit_signal, time FROM watchdog_events WHERE eid = ?";

/* @stmt: at the row of event_sql. */
static void
add_event_words(CtlRows *rows, sqlite3_stmt *stmt, gint64 now_s)
{
  WdEventKind kind;
  WdReason reason = WD_REASON_NONE;
  gboolean known = ctl_word_event((const char *)sqlite3_column_text(stmt, 0), &kind);
  (void)ctl_word_reason((const char *)sqlite3_column_text(stmt, 1), &reason);
  g_autofree char *words =
      known ? ctl_words_of_event(kind, reason, ctl_integer(stmt, 2), ctl_integer(stmt, 3))
            : ctl_visible_value(stmt, 0);
  g_autofree char *age = ctl_human_age(now_s - sqlite3_column_int64(stmt, 4));
  ctl_rows_add(rows, g_strdup_printf("%s %s", words, age),
               known ? ctl_colour_of_event(kind) : CTL_COLOUR_NONE);
}

/* The newest event about a process. The state is shown even if the history can't be read: @failure
 * then says why, once. */
static void
add_event(const Ctl *ctl, CtlRows *rows, gint64 eid, gint64 now_s, GError **failure)
{
  gboolean wanted = eid != WD_NONE && *failure == NULL;
  g_autoptr(sqlite3_stmt) stmt = wanted ? ctl_prepare(ctl, event_sql, &eid, failure) : NULL;
  if (ctl_step(ctl, stmt, failure) == SQLITE_ROW)
    add_event_words(rows, stmt, now_s);
  else /* it may not be written yet, or be pruned */
    ctl_rows_add(rows, g_strdup("-"), CTL_COLOUR_NONE);
}

static void
add_row(const Ctl *ctl, CtlRows *rows, const CtlTerminal *terminal, sqlite3_stmt *stmt,
        gint64 now_s, GError **failure)
{
  g_autofree char *pid = ctl_visible_value(stmt, PID);
  g_autofree char *restarts = ctl_visible_value(stmt, RESTARTS);
  ctl_rows_add(rows, ctl_visible_value(stmt, NAME), CTL_COLOUR_BOLD);
  ctl_rows_add(rows, g_strdup(*pid != '\0' ? pid : "-"), CTL_COLOUR_NONE);
  ctl_rows_add(rows, g_strdup(*restarts != '\0' ? restarts : "-"), CTL_COLOUR_NONE);
  add_use(rows, terminal, stmt, UTILIZATION);
  add_use(rows, terminal, stmt, MEMORY);
  add_doing(rows, terminal, stmt, now_s);
  add_event(ctl, rows, ctl_integer(stmt, LAST_EID), now_s, failure);
}

static gboolean
print_for_people(const Ctl *ctl, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, people_sql, NULL, error);
  if (stmt == NULL)
    return FALSE;
  gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autoptr(GError) failure = NULL;
  gboolean unresponsive = FALSE;
  CtlTerminal terminal = ctl_terminal_of(ctl->out);
  CtlRows *rows = ctl_rows_new(columns, G_N_ELEMENTS(columns), &terminal, ctl->out);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    const char *state = (const char *)sqlite3_column_text(stmt, STATE);
    unresponsive = unresponsive || g_strcmp0(state, "unresponsive") == 0;
    add_row(ctl, rows, &terminal, stmt, now_s, &failure);
  }
  ctl_rows_end(rows);
  if (result != SQLITE_DONE)
    return FALSE;
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
      ctl_prepare(ctl, "SELECT 1 FROM watchdog_processes LIMIT 1", NULL, error);
  int result = ctl_step(ctl, stmt, error);
  if (result == SQLITE_DONE)
    g_set_error(error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING,
                "%s: is missing or empty, no watchdog is running or ever was",
                table_store_path(ctl->store, table_definition_find("watchdog_processes")));
  return result == SQLITE_ROW;
}

gboolean
ctl_status(const Ctl *ctl, GError **error)
{
  if (!check_running(ctl, error))
    return FALSE;
  if (ctl->options->format == CTL_FORMAT_PEOPLE)
    return print_for_people(ctl, error);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, "SELECT * FROM watchdog_processes", NULL, error);
  return stmt != NULL && ctl_print_rows(ctl, stmt, CTL_PART_WHOLE, ctl_print_box, error);
}
