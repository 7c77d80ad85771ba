#include "tables/ctl/explain/explain.h"

#include "tables/ctl/explain/chain.h"
#include "tables/ctl/explain/story.h"
#include "tables/ctl/print/event-log.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"
#include "watchdog/store/store-error.h"

/* The columns of a CtlLink. */
#define LINK_SELECT "SELECT eid, cause_eid, pid, run_id, name, event FROM watchdog_events"

/* The newest end that nobody requested and that no other event explains. A dry run has
 * would_terminate instead. */
static const char newest_sql[] =
    "SELECT max(eid) FROM watchdog_events WHERE event IN ('process_terminated', 'process_exited',"
    " 'limit_exceeded', 'would_terminate', 'spawn_failed', 'respawn_limit_reached')"
    " AND coalesce(reason, '') NOT IN ('request', 'settings', 'worker_gone', 'worker_silent')"
    " AND NOT (event = 'process_exited' AND coalesce(reason, '') = 'registration')";

static gboolean
find_newest(const Ctl *ctl, gint64 *eid, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_first_row(ctl, newest_sql, NULL, error);
  if (stmt == NULL)
    return FALSE;
  *eid = ctl_integer(stmt, 0);
  if (*eid != WD_NONE)
    return TRUE;
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING,
                      "the history has no process that ended unexpectedly: there is nothing to "
                      "explain");
  return FALSE;
}

/* The texts are good until the next step. Returns: FALSE for a kind of event that this version
 * doesn't know. */
static gboolean
read_link(sqlite3_stmt *stmt, CtlLink *link)
{
  *link = (CtlLink){
      .eid = ctl_integer(stmt, 0),
      .cause_eid = ctl_integer(stmt, 1),
      .pid = ctl_integer(stmt, 2),
      .run_id = (const char *)sqlite3_column_text(stmt, 3),
      .name = (const char *)sqlite3_column_text(stmt, 4),
  };
  return ctl_word_event((const char *)sqlite3_column_text(stmt, 5), &link->kind);
}

/* Goes back from @eid to what it began with. A cause that is missing or unknown leaves its
 * consequence as the root. */
static CtlChain *
find_root(const Ctl *ctl, gint64 eid, GError **error)
{
  g_autoptr(CtlChain) chain = NULL;
  gboolean known = TRUE; /* the kind of event at @at */
  gint64 at = eid;
  while (at != WD_NONE) {
    g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, LINK_SELECT " WHERE eid = ?1", &at, error);
    int result = ctl_step(ctl, stmt, error);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
      return NULL;
    CtlLink link;
    if (result == SQLITE_DONE || !(known = read_link(stmt, &link)))
      break;
    g_clear_pointer(&chain, ctl_chain_free);
    chain = ctl_chain_new(&link);
    /* A cause comes before its consequence, so the way back has an end. */
    at = link.cause_eid < at ? link.cause_eid : WD_NONE;
  }
  if (chain == NULL)
    g_set_error(
        error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING, "explain %" G_GINT64_FORMAT ": %s", eid,
        known ? "the history has no such event" : "the event is of a newer version than this");
  return g_steal_pointer(&chain);
}

/* Passes all events after the root to the chain. */
static gboolean
follow(const Ctl *ctl, CtlChain *chain, GError **error)
{
  gint64 root = g_array_index(ctl_chain_eids(chain), gint64, 0);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, LINK_SELECT " WHERE eid > ?1", &root, error);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    CtlLink link;
    if (read_link(stmt, &link))
      ctl_chain_take(chain, &link);
  }
  return result == SQLITE_DONE;
}

/* For programs: the rows of the story's events. */
static gboolean
print_rows(const Ctl *ctl, const CtlChain *chain, GError **error)
{
  g_autofree char *sql = ctl_chain_select(chain, "*");
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, NULL, error);
  return stmt != NULL && ctl_print_rows(ctl, stmt, CTL_PART_WHOLE, ctl_print_log, error);
}

gboolean
ctl_explain(const Ctl *ctl, GError **error)
{
  gint64 eid = ctl->options->eid;
  if (!ctl_check_file(ctl, "watchdog_events", error) ||
      (eid == 0 && !find_newest(ctl, &eid, error)))
    return FALSE;
  g_autoptr(CtlChain) chain = find_root(ctl, eid, error);
  if (chain == NULL || !follow(ctl, chain, error))
    return FALSE;
  return ctl->options->format == CTL_FORMAT_PEOPLE ? ctl_story_print(ctl, chain, eid, error)
                                                   : print_rows(ctl, chain, error);
}
