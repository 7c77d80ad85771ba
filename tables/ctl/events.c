#include "tables/ctl/command.h"
#include "tables/ctl/print/human.h"
#include "tables/ctl/print/text.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* Asking for what is new takes some 0.1 ms. */
#define POLL_MS 500

/* The columns of watchdog_events that the log shows. */
enum {
  EID = 0,
  TIME = 1,
  EVENT = 3,
  NAME = 5,
  PID = 7,
  LIFETIME = 20,
  DELAY = 21,
  CAUSE = 25,
  MESSAGE = 27,
};

/* What the message doesn't tell: " (lived 2h 5m; next start in 5s; because of 41)".
 * @own_life: the row's lifetime is that of the process that something happened to. */
static char *
remarks(sqlite3_stmt *stmt, gboolean own_life)
{
  g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
  gint64 lifetime_ms = ctl_integer(stmt, LIFETIME);
  gint64 delay_s = ctl_integer(stmt, DELAY);
  gint64 cause = ctl_integer(stmt, CAUSE);
  if (lifetime_ms >= 0 && own_life) {
    g_autofree char *lifetime = ctl_human_ms(lifetime_ms);
    g_ptr_array_add(parts, g_strdup_printf("lived %s", lifetime));
  }
  if (delay_s >= 0) {
    g_autofree char *delay = ctl_human_duration(delay_s);
    g_ptr_array_add(parts, g_strdup_printf("next start in %s", delay));
  }
  if (cause != WD_NONE)
    g_ptr_array_add(parts, g_strdup_printf("because of %" G_GINT64_FORMAT, cause));
  if (parts->len == 0)
    return g_strdup("");
  g_ptr_array_add(parts, NULL);
  g_autofree char *joined = g_strjoinv("; ", (char **)parts->pdata);
  return g_strdup_printf(" (%s)", joined);
}

static void
print_entry(sqlite3_stmt *stmt, const CtlTerminal *terminal, FILE *out)
{
  WdEventKind kind;
  gboolean known = ctl_word_event((const char *)sqlite3_column_text(stmt, EVENT), &kind);
  CtlColour colour = known ? ctl_colour_of_event(kind) : CTL_COLOUR_NONE;
  g_autofree char *time = ctl_human_time(sqlite3_column_int64(stmt, TIME));
  g_autofree char *eid = ctl_visible_value(stmt, EID);
  g_autofree char *event = ctl_visible_value(stmt, EVENT);
  g_autofree char *name = ctl_visible_value(stmt, NAME);
  g_autofree char *pid = ctl_visible_value(stmt, PID);
  g_autofree char *message = ctl_visible_value(stmt, MESSAGE);
  g_autofree char *more = remarks(stmt, known && kind != WD_EVENT_QUERY_DENYLISTED);
  fprintf(out, "%s%s%s  %s  ", ctl_colour_begin(terminal, CTL_COLOUR_DIM), time,
          ctl_colour_end(terminal, CTL_COLOUR_DIM), eid);
  fprintf(out, "%s%-22s%s ", ctl_colour_begin(terminal, colour), event,
          ctl_colour_end(terminal, colour));
  fprintf(out, "%s%s%s%s%s%s", name, *pid ? "[" : "", pid, *pid ? "]" : "", *message ? ": " : "",
          message);
  fprintf(out, "%s%s%s\n", ctl_colour_begin(terminal, CTL_COLOUR_DIM), more,
          ctl_colour_end(terminal, CTL_COLOUR_DIM));
}

int
ctl_print_log(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  (void)part; /* a log has neither header nor end */
  CtlTerminal terminal = ctl_terminal_of(out);
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
    print_entry(stmt, &terminal, out);
  return result;
}

/* Prints the events after @from up to @to. */
static gboolean
print_events(const Ctl *ctl, CtlPart part, gint64 from, gint64 to, gint64 oldest_s, GError **error)
{
  g_autoptr(GString) sql = g_string_new("SELECT * FROM watchdog_events WHERE TRUE");
  gint64 numbers[3];
  guint n = 0;
  if (from > 0) {
    g_string_append(sql, " AND eid > ?");
    numbers[n++] = from;
  }
  if (to < G_MAXINT64) {
    g_string_append(sql, " AND eid <= ?");
    numbers[n++] = to;
  }
  if (ctl->options->since_s > 0) {
    g_string_append(sql, " AND time >= ?");
    numbers[n++] = oldest_s;
  }
  if (ctl->options->event != NULL)
    g_string_append(sql, " AND event = ?");

  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql->str, error);
  if (stmt == NULL)
    return FALSE;
  WdBinder binder = {.stmt = stmt};
  for (guint i = 0; i < n; i++)
    wd_bind_integer(&binder, numbers[i]);
  if (ctl->options->event != NULL)
    wd_bind_text(&binder, ctl->options->event);
  CtlPrint print = ctl_printer(ctl->options, ctl_print_log);
  if (binder.result == SQLITE_OK && print(stmt, part, ctl->out) == SQLITE_DONE)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}

/* @newest: set to the greatest eid above @seen, or to 0. */
static gboolean
find_newest(const Ctl *ctl, sqlite3_stmt *stmt, gint64 seen, gint64 *newest, GError **error)
{
  gboolean found =
      sqlite3_bind_int64(stmt, 1, seen) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
  if (found)
    *newest = sqlite3_column_int64(stmt, 0);
  else
    ctl_set_error(ctl, error);
  (void)sqlite3_reset(stmt); /* repeats what the step said */
  return found;
}

/* Waits for the next look. Returns: FALSE when nobody reads our output any more. */
static gboolean
wait_for_more(FILE *out)
{
  struct pollfd output = {.fd = fileno(out)};
  return poll(&output, 1, POLL_MS) <= 0; /* without events only a hang-up or an error is reported */
}

/* One writer appends the events in the order of their eids, so that asking for greater ones misses
 * none; the upper bound keeps those of one look together. */
static gboolean
follow(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt =
      ctl_prepare(ctl, "SELECT max(eid) FROM watchdog_events WHERE eid > ?", error);
  if (stmt == NULL)
    return FALSE;
  gint64 seen = 0;
  gint64 newest = 0;
  do {
    if (!find_newest(ctl, stmt, seen, &newest, error))
      return FALSE;
    if (newest > seen) {
      CtlPart part = seen == 0 ? CTL_PART_FIRST : CTL_PART_NEXT;
      if (!print_events(ctl, part, seen, newest, oldest_s, error))
        return FALSE;
      seen = newest;
    }
  } while (fflush(ctl->out) == 0 && wait_for_more(ctl->out));
  return TRUE;
}

static void
leave(int signal)
{
  (void)signal;
  _exit(0);
}

gboolean
ctl_events(const Ctl *ctl, GError **error)
{
  if (!ctl_check_history(ctl, error))
    return FALSE;
  gint64 oldest_s = g_get_real_time() / G_USEC_PER_SEC - ctl->options->since_s;
  if (!ctl->options->follow)
    return print_events(ctl, CTL_PART_WHOLE, 0, G_MAXINT64, oldest_s, error);
  /* All that was printed is flushed by then, and there is nothing to clean up. */
  const struct sigaction action = {.sa_handler = leave};
  (void)sigaction(SIGINT, &action, NULL); /* fails for no signal number that exists */
  return follow(ctl, oldest_s, error);
}
