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

/* The newest end that nobody requested and no other event explains. A dry run has would_terminate
 * instead. */
static const char newest_sql[] =
    "SELECT max(eid) FROM watchdog_events WHERE event IN ('process_terminated', 'process_exited',"
    " 'limit_exceeded', 'would_terminate', 'spawn_failed', 'respawn_limit_reached')"
    " AND coalesce(reason, '') NOT IN ('request', 'settings', 'worker_gone')";

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

typedef enum {
  LOOKUP_ROOT,   /* no cause, or none that is there any more */
  LOOKUP_CAUSED, /* go on with @cause */
  LOOKUP_MISSING,
  LOOKUP_UNKNOWN, /* of a kind that this version doesn't know */
  LOOKUP_FAILED,  /* with @error */
} Lookup;

/* @chain: set to the beginning of a story, for LOOKUP_ROOT and LOOKUP_CAUSED. */
static Lookup
look_up(const Ctl *ctl, gint64 eid, gint64 *cause, CtlChain **chain, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare_with(ctl, LINK_SELECT " WHERE eid = ?1", &eid, error);
  if (stmt == NULL)
    return LOOKUP_FAILED;
  int result = sqlite3_step(stmt);
  CtlLink link;
  if (result == SQLITE_DONE)
    return LOOKUP_MISSING;
  if (result != SQLITE_ROW) {
    ctl_set_error(ctl, error);
    return LOOKUP_FAILED;
  }
  if (!read_link(stmt, &link))
    return LOOKUP_UNKNOWN;
  g_clear_pointer(chain, ctl_chain_free);
  *chain = ctl_chain_new(&link);
  *cause = link.cause_eid;
  /* A cause comes before its consequence, so the way back has an end. */
  return link.cause_eid != WD_NONE && link.cause_eid < eid ? LOOKUP_CAUSED : LOOKUP_ROOT;
}

/* Goes back from @eid to what it began with. */
static CtlChain *
find_root(const Ctl *ctl, gint64 eid, GError **error)
{
  g_autoptr(CtlChain) chain = NULL;
  gint64 at = eid;
  Lookup found;
  while ((found = look_up(ctl, at, &at, &chain, error)) == LOOKUP_CAUSED)
    ;
  if (found == LOOKUP_FAILED)
    return NULL;
  if (chain == NULL) /* a cause that is missing or unknown leaves its consequence as the root */
    g_set_error(error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING, "explain %" G_GINT64_FORMAT ": %s",
                eid,
                found == LOOKUP_UNKNOWN ? "the event is of a newer version than this"
                                        : "the history has no such event");
  return g_steal_pointer(&chain);
}

/* Shows the chain all events after the root. */
static gboolean
follow(const Ctl *ctl, CtlChain *chain, GError **error)
{
  gint64 root = g_array_index(ctl_chain_eids(chain), gint64, 0);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare_with(ctl, LINK_SELECT " WHERE eid > ?1", &root, error);
  if (stmt == NULL)
    return FALSE;
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
    CtlLink link;
    if (read_link(stmt, &link))
      ctl_chain_take(chain, &link);
  }
  return ctl_check_end(ctl, result, error);
}

/* For programs: the rows of the story's events. */
static gboolean
print_rows(const Ctl *ctl, const CtlChain *chain, GError **error)
{
  g_autofree char *sql = ctl_chain_select(chain, "*");
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, error);
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
