/* Which processes are supervised: the machine's entries, and how each of them is started. */
#pragma once

#include "watchdog/core/machine/supervise.h"
#include "watchdog/core/settings/settings.h"
#include "watchdog/look/managed-extensions.h"
#include "watchdog/run/child.h"

G_BEGIN_DECLS

typedef struct {
  WdMachine *machine;
  GPtrArray *children; /* of WdChild, in the machine's order, from WD_PROCESS_WORKER on */

  /* how extensions are started, now and after a reload */
  WdChildTraits traits;
  char *socket;
  gint64 timeout_s;
  gint64 interval_s;
  gboolean verbose;
  char **tables_variables; /* where our own extension finds the store: "NAME=VALUE" */
} WdRoster;

/* @extensions: of WdManagedExtension. @mark: the run's, which children inherit.
 * @oom_score_adj: what children go back to, NULL: nothing. */
WdRoster *wd_roster_new(const WdSettings *settings, const char *worker_path,
                        const GPtrArray *extensions, const char *state_dir, const char *runtime_dir,
                        const char *mark, const char *oom_score_adj, GError **error);
void wd_roster_free(WdRoster *roster);

/* Compares the list with @extensions, the one to go on with.
 * @added, @removed: set to the paths that are new, or no longer there; GPtrArrays of char *. */
void wd_roster_compare(const WdRoster *roster, const GPtrArray *extensions, GPtrArray **added,
                       GPtrArray **removed);

/* Makes sure that there are entries for all of @extensions; new ones are wanted from the start. */
void wd_roster_extend(WdRoster *roster, const GPtrArray *extensions);

G_END_DECLS
