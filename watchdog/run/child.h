/* One process that we start: how, and, while it lives, what we hold of it. */
#pragma once

#include "watchdog/look/handle.h"
#include "watchdog/run/channel.h"
#include "watchdog/run/leftovers.h"
#include "watchdog/run/spawn.h"

G_BEGIN_DECLS

/* What all children have in common. */
typedef struct {
  int niceness;
  gboolean allow_unsafe; /* start programs that osquery's permission rule refuses */
  char *oom_score_adj;   /* what they set theirs to; NULL: as ours */
  char *run_mark;        /* in their environment, "NAME=VALUE" (run-mark.h) */
} WdChildTraits;

typedef struct {
  WdProgram program;           /* its path, argv and environment are the child's */
  const WdChildTraits *traits; /* borrowed */

  gboolean alive; /* forked and not reaped; then the next are valid */
  WdSpawn spawn;  /* control_fd: -1 once it is known how the exec went */
  WdHandle *handle;
  char *exec_error; /* why the exec failed; NULL: it didn't, or isn't known yet */
  WdChannel channel;
  guint exec_source; /* the main loop's, that waits for the exec; 0: none */
} WdChild;

/* The worker: osqueryd with its own command line, unchanged. @managed_extensions: it has some to
 * wait for. */
WdChild *wd_child_new_worker(const char *path, char *const *argv, gboolean managed_extensions,
                             const WdChildTraits *traits);

/* A managed extension, with osquery's contract for extensions. @variables: "NAME=VALUE" to add,
 * NULL-terminated: it is our own, which also gets the channel; or NULL. */
WdChild *wd_child_new_extension(const char *path, const char *socket, gint64 timeout_s,
                                gint64 interval_s, gboolean verbose, const char *const *variables,
                                const WdChildTraits *traits);

void wd_child_free(WdChild *child);

/* Checks the program file, forks, writes the process down in @record as @index, and lets it go.
 * Then `spawn.control_fd` tells when the exec is done: see wd_child_poll_exec(). */
gboolean wd_child_start(WdChild *child, const WdRunRecord *record, guint index, GError **error);

/* Takes note of whether the exec has succeeded or failed. Returns: FALSE while it is neither. */
gboolean wd_child_poll_exec(WdChild *child);

/* The process was reaped: lets go of everything held of it. */
void wd_child_reaped(WdChild *child);

G_END_DECLS
