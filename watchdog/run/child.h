/* One process that we start: how we start it, and what we hold of it while it lives. */
#pragma once

#include "watchdog/look/fault-counter.h"
#include "watchdog/look/handle.h"
#include "watchdog/run/channel.h"
#include "watchdog/run/leftovers.h"
#include "watchdog/run/listener.h"
#include "watchdog/run/spawn.h"

G_BEGIN_DECLS

/* What all children have in common. */
typedef struct {
  int niceness;
  gboolean allow_unsafe; /* start programs that osquery's permission rule refuses */
  char *oom_score_adj;   /* see WdProgram */
  char *run_mark;        /* in their environment, "NAME=VALUE" (run-mark.h) */
  WdListener *listener;  /* borrowed: reads their stderr; NULL: they have ours */
} WdChildTraits;

typedef struct {
  WdProgram program; /* its path, argv and environment are the child's */
  WdRole role;
  char *name;                  /* as in the tables */
  const WdChildTraits *traits; /* borrowed */

  gboolean alive; /* forked and not reaped; then the next are valid */
  WdSpawn spawn;  /* control_fd: -1 once it is known how the exec went */
  WdHandle *handle;
  char *exec_error; /* why the exec failed; NULL: it didn't, or isn't known yet */
  WdChannel channel;
  WdFaultCounter faults; /* of it, if they can be counted */
  char *file;            /* which program file was there at the last start; NULL: none */
  guint exec_source;     /* the main loop's, that waits for the exec; 0: none */
  WdOutput *output;      /* NULL: its stderr is ours */

  /* what the last process wrote that has ended, until the next one is started */
  WdSaid *said;
  char *last_output;
} WdChild;

/* Our environment without what is for us alone, with what is added, newly allocated. @mark: the
 * run's, "NAME=VALUE". @extensions: there are managed extensions. @variables: more of them,
 * NULL-terminated; NULL: none. */
char **wd_child_environment(const char *mark, gboolean extensions, const char *const *variables);

/* The worker: osqueryd with its own command line, unchanged. @managed_extensions: there are
 * extensions for which it has to wait. */
WdChild *wd_child_new_worker(const char *path, char *const *argv, gboolean managed_extensions,
                             const WdChildTraits *traits);

/* A managed extension, @name in the tables, with the command line that osquery gives extensions.
 * @variables: for our own extension, which also gets the channel: "NAME=VALUE" to add to its
 * environment, NULL-terminated. NULL for any other extension. */
WdChild *wd_child_new_extension(const char *name, const char *path, const char *socket,
                                gint64 timeout_s, gint64 interval_s, gboolean verbose,
                                const char *const *variables, const WdChildTraits *traits);

void wd_child_free(WdChild *child);

/* Checks the program file, forks, writes the process to @record as @index, and lets it exec. Then
 * `spawn.control_fd` is readable once the exec has succeeded or failed: see wd_child_poll_exec().
 */
gboolean wd_child_start(WdChild *child, WdRunRecord *record, guint index, GError **error);

/* Notes whether the exec has succeeded or failed. Returns: FALSE: that isn't known yet. */
gboolean wd_child_poll_exec(WdChild *child);

/* What the present process has written, else the one before, unless a start has been tried since.
 * @said, @last_output: set, newly allocated; NULL: nothing, or not known. @last_output is that of a
 * process that has ended. */
void wd_child_recall(const WdChild *child, WdSaid **said, char **last_output);

/* The process was reaped: frees everything that is held of it, but for what it wrote. */
void wd_child_reaped(WdChild *child);

G_END_DECLS
