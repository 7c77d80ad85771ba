#include "tables/ctl/print/event-log.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/print/terminal.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "tables/definitions.h"

/* Where watchdog_events has the column @name. */
static int
at(const char *name)
{
  return (int)table_column_index(&wd_event_table, name);
}

/* NULL: no query is known. */
static char *
query_words(sqlite3_stmt *stmt)
{
  WdOrigin origin = WD_ORIGIN_NONE;
  (void)ctl_word_origin((const char *)sqlite3_column_text(stmt, at("origin")), &origin);
  g_autofree char *name = sqlite3_column_type(stmt, at("query_name")) != SQLITE_NULL
                              ? ctl_visible_value(stmt, at("query_name"))
                              : NULL;
  return ctl_words_of_query(origin, name);
}

/* What the message leaves out: " (lived 2h 5m; in the scheduled query disk; next start in 5s;
 * because of 41)". @own: the row's lifetime and query are those of the process it is about. */
static char *
remarks(sqlite3_stmt *stmt, gboolean own)
{
  g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
  gint64 lifetime_ms = ctl_integer(stmt, at("lifetime_ms"));
  gint64 delay_s = ctl_integer(stmt, at("delay"));
  gint64 cause = ctl_integer(stmt, at("cause_eid"));
  if (lifetime_ms >= 0 && own) {
    g_autofree char *lifetime = ctl_human_ms(lifetime_ms);
    g_ptr_array_add(parts, g_strdup_printf("lived %s", lifetime));
  }
  g_autofree char *query = own ? query_words(stmt) : NULL;
  if (query != NULL)
    g_ptr_array_add(parts, g_strconcat("in ", query, NULL));
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
  gboolean known = ctl_word_event((const char *)sqlite3_column_text(stmt, at("event")), &kind);
  CtlColour colour = known ? ctl_colour_of_event(kind) : CTL_COLOUR_NONE;
  g_autofree char *time = ctl_human_time(sqlite3_column_int64(stmt, at("time")));
  g_autofree char *eid = ctl_visible_value(stmt, at("eid"));
  g_autofree char *event = ctl_visible_value(stmt, at("event"));
  g_autofree char *name = ctl_visible_value(stmt, at("name"));
  g_autofree char *pid = ctl_visible_value(stmt, at("pid"));
  g_autofree char *message = ctl_visible_value(stmt, at("message"));
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
