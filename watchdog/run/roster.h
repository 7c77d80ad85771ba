/* Which processes are supervised: the machine's entries, and how each of them is started. */
#pragma once

#include "watchdog/core/machine/machine.h"
#include "watchdog/core/settings/settings.h"
#include "watchdog/run/child.h"

G_BEGIN_DECLS

typedef struct {
  WdMachine *machine;
  GPtrArray *children; /* of WdChild, in the machine's order, from WD_PROCESS_WORKER on */

  /* how extensions are started, also after a reload */
  WdChildTraits traits;
  char *socket;
  gint64 timeout_s;
  gint64 interval_s;
  gboolean verbose;
  char **tables_variables; /* where our own extension finds the store: "NAME=VALUE" */
} WdRoster;

/* @extensions: of WdManagedExtension. @mark: the run's mark (run-mark.h). @oom_score_adj: what
 * children set theirs to; NULL: as ours. */
WdRoster *wd_roster_new(const WdSettings *settings, const char *worker_path,
                        const GPtrArray *extensions, const char *state_dir, const char *runtime_dir,
                        const char *mark, const char *oom_score_adj, GError **error);
void wd_roster_free(WdRoster *roster);

/* Compares the list with @extensions, which is to replace it.
 * @added, @removed: set to the paths that are new, or no longer there; GPtrArrays of char *. */
void wd_roster_compare(const WdRoster *roster, const GPtrArray *extensions, GPtrArray **added,
                       GPtrArray **removed);

/* Adds entries for those of @extensions that have none; these are wanted from the start. */
void wd_roster_extend(WdRoster *roster, const GPtrArray *extensions);

G_END_DECLS
