#include "tables/ctl/explain/chain.h"

/* Which event the story waits for. */
typedef enum {
  STAGE_END,          /* the end of the process, which lives */
  STAGE_START,        /* the next start of its name, after its end */
  STAGE_REGISTRATION, /* the registration of what started, unless it ends before */
  STAGE_OVER,         /* none: only consequences belong to it */
} Stage;

struct CtlChain {
  char *run_id; /* of the process, as the next two */
  char *name;
  gint64 pid;
  Stage stage;
  gint64 main_eid;
  gint64 breach_eid;
  GArray *eids;
};

static gboolean
is_end(WdEventKind kind)
{
  return kind == WD_EVENT_PROCESS_TERMINATED || kind == WD_EVENT_PROCESS_EXITED;
}

static gboolean
is_failed_start(WdEventKind kind)
{
  return kind == WD_EVENT_SPAWN_FAILED || kind == WD_EVENT_RESPAWN_DELAYED ||
         kind == WD_EVENT_RESPAWN_LIMIT_REACHED;
}

static Stage
first_stage(WdEventKind kind)
{
  if (kind == WD_EVENT_PROCESS_STARTED || kind == WD_EVENT_EXTENSION_REGISTERED ||
      kind == WD_EVENT_LIMIT_EXCEEDED || kind == WD_EVENT_TERMINATION_STUCK)
    return STAGE_END;
  if (is_end(kind) || is_failed_start(kind))
    return STAGE_START;
  if (kind == WD_EVENT_EXTENSION_UNREGISTERED)
    return STAGE_REGISTRATION;
  /* A would_terminate among them: the process's end, some day, has nothing to do with it. */
  return STAGE_OVER;
}

CtlChain *
ctl_chain_new(const CtlLink *root)
{
  CtlChain *chain = g_new0(CtlChain, 1);
  chain->run_id = g_strdup(root->run_id);
  chain->name = g_strdup(root->name);
  chain->pid = root->pid;
  chain->stage = first_stage(root->kind);
  chain->main_eid = root->eid;
  gboolean breach = root->kind == WD_EVENT_LIMIT_EXCEEDED || root->kind == WD_EVENT_WOULD_TERMINATE;
  chain->breach_eid = breach ? root->eid : WD_NONE;
  chain->eids = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_array_append_val(chain->eids, root->eid);
  return chain;
}

void
ctl_chain_free(CtlChain *chain)
{
  if (chain == NULL)
    return;
  g_free(chain->run_id);
  g_free(chain->name);
  g_array_unref(chain->eids);
  g_free(chain);
}

static gint
compare_eids(gconstpointer a, gconstpointer b)
{
  gint64 eid_a = *(const gint64 *)a;
  gint64 eid_b = *(const gint64 *)b;
  return (eid_a > eid_b) - (eid_a < eid_b);
}

static gboolean
is_caused(const CtlChain *chain, const CtlLink *link)
{
  return link->cause_eid != WD_NONE &&
         g_array_binary_search(chain->eids, &link->cause_eid, compare_eids, NULL);
}

/* Whether the story waits for @link, an event of a process of that name. */
static gboolean
is_awaited(const CtlChain *chain, const CtlLink *link)
{
  gboolean same_process = link->pid != WD_NONE && link->pid == chain->pid;
  switch (chain->stage) {
  case STAGE_END:
    return same_process && (is_end(link->kind) || link->kind == WD_EVENT_LIMIT_EXCEEDED ||
                            link->kind == WD_EVENT_TERMINATION_STUCK);
  case STAGE_START:
    return link->kind == WD_EVENT_PROCESS_STARTED || is_failed_start(link->kind);
  case STAGE_REGISTRATION:
    return link->kind == WD_EVENT_EXTENSION_REGISTERED;
  case STAGE_OVER:
    return FALSE;
  }
  g_assert_not_reached();
}

/* Goes on after an event of that name, which is part of the story or not. */
static void
advance(CtlChain *chain, const CtlLink *link, gboolean member)
{
  gboolean same_process = link->pid != WD_NONE && link->pid == chain->pid;
  if (member && same_process && is_end(link->kind)) {
    chain->main_eid = link->eid;
    chain->stage = STAGE_START;
  } else if (member && same_process && link->kind == WD_EVENT_LIMIT_EXCEEDED)
    chain->breach_eid = link->eid;
  else if (chain->stage == STAGE_START && link->kind == WD_EVENT_PROCESS_STARTED)
    chain->stage = STAGE_REGISTRATION;
  else if (chain->stage == STAGE_REGISTRATION &&
           (is_end(link->kind) || link->kind == WD_EVENT_EXTENSION_REGISTERED))
    chain->stage = STAGE_OVER;
}

void
ctl_chain_take(CtlChain *chain, const CtlLink *link)
{
  gboolean same_name =
      g_strcmp0(link->run_id, chain->run_id) == 0 && g_strcmp0(link->name, chain->name) == 0;
  gboolean member = is_caused(chain, link) || (same_name && is_awaited(chain, link));
  if (member && chain->eids->len < CTL_CHAIN_MAX)
    g_array_append_val(chain->eids, link->eid);
  if (same_name)
    advance(chain, link, member);
}

const GArray *
ctl_chain_eids(const CtlChain *chain)
{
  return chain->eids;
}

char *
ctl_chain_select(const CtlChain *chain, const char *columns)
{
  GString *sql = g_string_new(NULL);
  g_string_printf(sql, "SELECT %s FROM watchdog_events WHERE eid IN (", columns);
  for (guint i = 0; i < chain->eids->len; i++)
    g_string_append_printf(sql, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                           g_array_index(chain->eids, gint64, i));
  g_string_append(sql, ") ORDER BY eid");
  return g_string_free(sql, FALSE);
}

gint64
ctl_chain_main(const CtlChain *chain)
{
  return chain->main_eid;
}

gint64
ctl_chain_breach(const CtlChain *chain)
{
  return chain->breach_eid;
}
