#include "tables/ctl/explain/query.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"

/* A story lists so many queries at most. */
#define MOST_LISTED 20
/* Nobody reads more of a query here. */
#define LONGEST_QUERY 1000

/* What the end says of its query; or, if it says nothing, its limit_exceeded. If the worker said
 * only the query's name, osquery may have said its SQL when it denylisted it. */
static const char told_sql[] =
    "SELECT eid, origin, query_name, coalesce(query, (SELECT query FROM watchdog_events q"
    "  WHERE q.event = 'query_denylisted' AND q.cause_eid = ?1 AND q.query_name = e.query_name"
    "  AND e.origin = 'schedule' LIMIT 1)), d ->> '$.evidence.origin', d ->> '$.evidence.query',"
    " (SELECT json_extract(d, t.fullkey || '.ms') FROM json_each(d, '$.said') t"
    "  WHERE json_extract(d, t.fullkey || '.name') = query_name"
    "  AND json_extract(d, t.fullkey || '.origin') = origin LIMIT 1)"
    " FROM (SELECT *, iif(json_valid(details), details, '{}') AS d FROM watchdog_events"
    " WHERE eid IN (?1, ?2)) e"
    " WHERE origin IS NOT NULL OR query_name IS NOT NULL OR d ->> '$.said' IS NOT NULL"
    " ORDER BY eid = ?1 DESC LIMIT 1";

/* By path rather than by t.value, which may be no JSON when the details aren't ours. */
static const char said_sql[] =
    "SELECT json_extract(e.details, t.fullkey || '.origin'),"
    " json_extract(e.details, t.fullkey || '.name'), json_extract(e.details, t.fullkey || '.ms')"
    " FROM watchdog_events e,"
    " json_each(iif(json_valid(e.details), e.details, '{}'), '$.said') t WHERE e.eid = ?1 LIMIT ?2";

static const char asked_sql[] =
    "SELECT count(*) FILTER (WHERE name IN ('name_queries', 'verbose')) > 0 OR count(*) > 1"
    " FROM watchdog_settings WHERE value = 'true' AND name IN ('name_queries', 'verbose',"
    " 'schedule_lognames', 'distributed_loginfo')";

/* What one event tells. The texts are visible text; NULL: nothing. */
typedef struct {
  gint64 eid; /* WD_NONE: there is no such event */
  WdOrigin origin;
  char *name;
  char *query;
  gboolean seen;  /* the thread of the one who asks was the busiest */
  gboolean said;  /* by the worker: that it executes the query */
  gint64 said_ms; /* how long before; WD_NONE: not known */
} Told;

static void
told_clear(Told *told)
{
  g_free(told->name);
  g_free(told->query);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

/* The section as far as it is printed. */
typedef struct {
  const CtlSections *sections;
  guint paragraphs;
} Section;

static void
print_paragraph(Section *section, const char *text)
{
  ctl_section_print(section->sections, section->paragraphs++ == 0 ? "Query" : "", text);
}

/* NULL for NULL; else newly allocated. */
static char *
visible_or_null(sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NULL : ctl_visible_value(stmt, column);
}

static char *
query_text(sqlite3_stmt *stmt, int column)
{
  char *text = visible_or_null(stmt, column);
  if (text == NULL || g_utf8_strlen(text, -1) <= LONGEST_QUERY)
    return text;
  *g_utf8_offset_to_pointer(text, LONGEST_QUERY) = '\0';
  g_autofree char *whole = text;
  return g_strconcat(whole, "… (--line shows all)", NULL);
}

static gboolean
read_told(const Ctl *ctl, const CtlChain *chain, Told *told, GError **error)
{
  const gint64 eids[] = {ctl_chain_main(chain), ctl_chain_breach(chain)};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, told_sql, eids, error);
  const int result = ctl_step(ctl, stmt, error);
  *told = (Told){.eid = WD_NONE};
  if (result != SQLITE_ROW)
    return result == SQLITE_DONE;
  told->eid = ctl_integer(stmt, 0);
  (void)ctl_word_origin((const char *)sqlite3_column_text(stmt, 1), &told->origin);
  told->name = visible_or_null(stmt, 2);
  told->query = query_text(stmt, 3);
  told->seen = g_strcmp0((const char *)sqlite3_column_text(stmt, 4), "seen") == 0;
  told->said = g_strcmp0((const char *)sqlite3_column_text(stmt, 5), "said") == 0;
  told->said_ms = ctl_integer(stmt, 6);
  return TRUE;
}

/* --- what it was --- */

static void
print_named(Section *section, const Told *told)
{
  g_autofree char *words = ctl_words_of_query(told->origin, told->name);
  const char *asked = told->origin == WD_ORIGIN_DISTRIBUTED ? ", sent by the server" : "";
  g_autofree char *text = told->query != NULL
                              ? g_strdup_printf("%s%s: %s", words, asked, told->query)
                              : g_strdup_printf("%s%s (its text is not known)", words, asked);
  print_paragraph(section, text);
  if (!told->said)
    return;
  g_autofree char *ago = told->said_ms >= 0 ? ctl_human_ms(told->said_ms) : NULL;
  g_autofree char *said =
      g_strdup_printf("The worker said%s%s%s that it was executing this query%s.",
                      ago != NULL ? " " : "", ago != NULL ? ago : "", ago != NULL ? " earlier" : "",
                      told->seen ? ", and its thread was the busiest" : "");
  print_paragraph(section, said);
}

/* Only who asked is known. */
static void
print_asked(Section *section, const Told *told)
{
  const char *seen = told->seen ? ": that thread was the busiest." : ".";
  const char *asked =
      told->origin == WD_ORIGIN_EXTENSION
          ? "a query through the extension socket, sent by osqueryi or an extension"
      : told->origin == WD_ORIGIN_DISTRIBUTED
          ? "a distributed query, sent by the server (in Fleet: a live query, policy, label or "
            "host vital)"
          : "a query of the schedule";
  g_autofree char *text = g_strconcat(asked, seen, NULL);
  print_paragraph(section, text);
  print_paragraph(section, told->origin == WD_ORIGIN_EXTENSION
                               ? "osquery doesn't report the text of such a query."
                               : "Which one it was is not known.");
}

/* Another query than the one that is named already, which the worker said, too. */
static void
print_perhaps(Section *section, const Told *told, WdOrigin origin, const char *name, gint64 ms)
{
  g_autofree char *words = ctl_words_of_query(origin, name);
  g_autofree char *ago = ctl_human_ms(MAX(ms, 0));
  g_autofree char *text =
      g_strdup_printf("%s %s: the worker said %s earlier that it was executing it.",
                      told->name != NULL ? "Perhaps also" : "Perhaps", words, ago);
  print_paragraph(section, text);
}

/* @found: set if there is one, and nothing better is known. */
static gboolean
print_said(Section *section, const Told *told, gboolean *found, GError **error)
{
  const Ctl *ctl = section->sections->ctl;
  const gint64 values[] = {told->eid, MOST_LISTED};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, said_sql, values, error);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    WdOrigin origin;
    g_autofree char *name = visible_or_null(stmt, 1);
    if (!ctl_word_origin((const char *)sqlite3_column_text(stmt, 0), &origin) || name == NULL ||
        (origin == told->origin && g_strcmp0(name, told->name) == 0))
      continue;
    print_perhaps(section, told, origin, name, ctl_integer(stmt, 2));
    *found = *found || told->origin == WD_ORIGIN_NONE;
  }
  return result == SQLITE_DONE;
}

/* What osquery denylisted afterwards. @found: set if there is one, and no other asker's thread was
 * the busiest. */
static gboolean
print_denylisted(Section *section, const CtlChain *chain, const Told *told, gboolean *found,
                 GError **error)
{
  const Ctl *ctl = section->sections->ctl;
  g_autofree char *sql = ctl_chain_select(chain, "event, query_name, query");
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, NULL, error);
  guint n = 0;
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    WdEventKind kind;
    if (!ctl_word_event((const char *)sqlite3_column_text(stmt, 0), &kind) ||
        kind != WD_EVENT_QUERY_DENYLISTED || sqlite3_column_type(stmt, 1) == SQLITE_NULL ||
        n++ >= MOST_LISTED)
      continue;
    g_autofree char *name = ctl_visible_value(stmt, 1);
    g_autofree char *query = query_text(stmt, 2);
    if (told->origin == WD_ORIGIN_SCHEDULE && g_strcmp0(name, told->name) == 0) {
      print_paragraph(section, "osquery denylisted it for a day.");
      continue;
    }
    g_autofree char *text = g_strdup_printf("%s, which osquery denylisted for a day%s%s", name,
                                            query == NULL ? "" : ": ", query == NULL ? "" : query);
    print_paragraph(section, text);
    *found = *found || told->origin == WD_ORIGIN_NONE || told->origin == WD_ORIGIN_SCHEDULE;
  }
  return result == SQLITE_DONE;
}

/* --- what follows --- */

static void
print_refusal(Section *section, const Told *told, const CtlFinding *finding)
{
  const gboolean ended =
      finding->event == WD_EVENT_PROCESS_TERMINATED || finding->event == WD_EVENT_PROCESS_EXITED;
  if (told->origin == WD_ORIGIN_DISTRIBUTED && ended)
    print_paragraph(section, "If it ran until the end, osquery refuses it for a day "
                             "(--distributed_denylist_duration), and no table shows that. Send it "
                             "again to see: a refused one answers with status 1, \"distributed "
                             "query is denylisted\".");
}

/* Whether osqueryd is set to say which queries it executes, as far as the present settings are
 * known.
 */
static gboolean
names_are_asked_for(const Ctl *ctl)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, asked_sql, NULL, NULL);
  return stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
}

static void
print_how_to_know(Section *section, const CtlFinding *finding)
{
  print_paragraph(section,
                  finding->observed
                      ? "To know it the next time, set --distributed_loginfo and "
                        "--schedule_lognames in osqueryd's flags, and have filesystem in "
                        "--logger_plugin: then osqueryd's own log is read."
                  : names_are_asked_for(section->sections->ctl)
                      ? "The flags that make osqueryd say which queries it executes are set now; "
                        "nothing showed that one was running then."
                      : "To know it the next time, give osquery-watchdogd --name_queries, or set "
                        "--distributed_loginfo and --schedule_lognames in osqueryd's flags.");
}

/* Whether a query may have led to it. */
static gboolean
may_be_for_a_query(const CtlFinding *finding)
{
  return finding->reason == WD_REASON_MEMORY || finding->reason == WD_REASON_CPU ||
         finding->reason == WD_REASON_UNRESPONSIVE || finding->reason == WD_REASON_OOM ||
         ctl_finding_is_crash(finding);
}

gboolean
ctl_query_print(const CtlSections *sections, const CtlChain *chain, const CtlFinding *finding,
                GError **error)
{
  Section section = {.sections = sections};
  g_auto(Told) told = {0};
  if (!read_told(sections->ctl, chain, &told, error))
    return FALSE;
  gboolean known = told.name != NULL || told.origin == WD_ORIGIN_EXTENSION;
  if (told.name != NULL)
    print_named(&section, &told);
  else if (told.origin != WD_ORIGIN_NONE)
    print_asked(&section, &told);
  if (!print_said(&section, &told, &known, error) ||
      !print_denylisted(&section, chain, &told, &known, error))
    return FALSE;
  print_refusal(&section, &told, finding);
  if (known || finding->role != WD_ROLE_WORKER || !may_be_for_a_query(finding))
    return TRUE;
  if (section.paragraphs == 0)
    print_paragraph(&section, "Not known: osquery denylisted no scheduled query for it.");
  print_how_to_know(&section, finding);
  return TRUE;
}
