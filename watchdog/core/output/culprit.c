#include "watchdog/core/output/culprit.h"

#include "watchdog/core/event/json.h"
#include "watchdog/core/event/none.h"

void
wd_culprit_clear(WdCulprit *culprit)
{
  g_free(culprit->query_name);
  g_free(culprit->query);
  g_free(culprit->thread);
  g_free(culprit->details);
  *culprit = (WdCulprit){.origin = WD_ORIGIN_NONE};
}

/* osquery/dispatcher/scheduler.h, osquery/dispatcher/distributed_runner.h,
 * osquery/extensions/interface.cpp; a thread that another one starts has its name. */
WdOrigin
wd_culprit_origin_of_thread(const char *name)
{
  static const struct {
    const char *name;
    WdOrigin origin;
  } askers[] = {
      {"SchedulerRunner", WD_ORIGIN_SCHEDULE},
      {"DistributedRunn", WD_ORIGIN_DISTRIBUTED},
      {"ExtensionRunner", WD_ORIGIN_EXTENSION},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(askers); i++)
    if (g_str_equal(name, askers[i].name))
      return askers[i].origin;
  return WD_ORIGIN_NONE;
}

/* The statement about a query that hasn't ended, as far as is known. */
static const WdStatement *
going_on(const WdSaid *said, WdOrigin origin)
{
  const WdStatement *statement = said != NULL ? wd_said_statement(said, origin) : NULL;
  return statement != NULL && statement->idle_us == WD_NONE ? statement : NULL;
}

/* The statement about what that thread did, of which it is known that it asks for @origin. A query
 * that ended within the interval is among that. */
static const WdStatement *
said_by(const WdSaid *said, WdOrigin origin, const WdBusiest *busiest)
{
  const WdStatement *statement = said != NULL ? wd_said_statement(said, origin) : NULL;
  if (statement == NULL || statement->tid != busiest->tid)
    return NULL;
  const gboolean ended_before =
      statement->idle_us != WD_NONE &&
      (busiest->since_us == WD_NONE || statement->idle_us < busiest->since_us);
  return ended_before ? NULL : statement;
}

static void
append_said(GString *json, const WdSaid *said, gint64 now_us)
{
  static const WdOrigin origins[] = {WD_ORIGIN_SCHEDULE, WD_ORIGIN_DISTRIBUTED};
  g_autoptr(GString) list = g_string_new("[");
  for (gsize i = 0; i < G_N_ELEMENTS(origins); i++) {
    const WdStatement *statement = going_on(said, origins[i]);
    if (statement == NULL)
      continue;
    wd_json_separate(list);
    g_string_append_c(list, '{');
    wd_json_append_text(list, "origin", wd_origin_name(origins[i]));
    wd_json_append_text(list, "name", statement->name);
    wd_json_append_number(list, "ms", (now_us - statement->said_us) / G_TIME_SPAN_MILLISECOND);
    g_string_append_c(list, '}');
  }
  if (list->len == 1)
    return;
  wd_json_append_key(json, "said");
  g_string_append_printf(json, "%s]", list->str);
}

static char *
describe(const WdCulprit *culprit, gboolean seen, gboolean cut, const WdSaid *said, gint64 now_us)
{
  g_autoptr(GString) json = g_string_new("{");
  if (culprit->origin != WD_ORIGIN_NONE) {
    wd_json_append_key(json, "evidence");
    g_string_append_c(json, '{');
    wd_json_append_text(json, "origin", seen ? "seen" : "said");
    if (culprit->query_name != NULL)
      wd_json_append_text(json, "query", "said");
    g_string_append_c(json, '}');
  }
  if (cut) {
    wd_json_append_key(json, "query_cut");
    g_string_append(json, "true");
  }
  append_said(json, said, now_us);
  if (json->len == 1)
    return NULL;
  g_string_append_c(json, '}');
  return g_string_free(g_steal_pointer(&json), FALSE);
}

void
wd_culprit_find(const WdSaid *said, const WdBusiest *busiest, gint64 now_us, WdCulprit *culprit)
{
  const gboolean busy = busiest != NULL && busiest->tid != 0 && busiest->cpu_ms > 0;
  const WdOrigin seen = busy ? wd_culprit_origin_of_thread(busiest->name) : WD_ORIGIN_NONE;
  const WdStatement *schedule = going_on(said, WD_ORIGIN_SCHEDULE);
  const WdStatement *distributed = going_on(said, WD_ORIGIN_DISTRIBUTED);
  const WdStatement *statement = NULL;
  *culprit = (WdCulprit){.origin = seen};
  if (seen != WD_ORIGIN_NONE)
    statement = said_by(said, seen, busiest);
  else if ((schedule != NULL) != (distributed != NULL)) {
    statement = schedule != NULL ? schedule : distributed;
    culprit->origin = schedule != NULL ? WD_ORIGIN_SCHEDULE : WD_ORIGIN_DISTRIBUTED;
  }
  if (statement != NULL) {
    culprit->query_name = g_strdup(statement->name);
    culprit->query = g_strdup(statement->query);
  }
  culprit->thread = busy ? g_strdup(busiest->name) : NULL;
  culprit->details =
      describe(culprit, seen != WD_ORIGIN_NONE, statement != NULL && statement->cut, said, now_us);
}

void
wd_culprit_describe(const WdCulprit *culprit, WdEvent *event)
{
  g_autofree char *details = g_steal_pointer(&event->details);
  event->details = wd_details_join(details, culprit->details);
  if (event->origin == WD_ORIGIN_NONE)
    event->origin = culprit->origin;
  if (event->query_name == NULL && event->query == NULL) {
    event->query_name = g_strdup(culprit->query_name);
    event->query = g_strdup(culprit->query);
  }
  if (event->thread == NULL)
    event->thread = g_strdup(culprit->thread);
}
