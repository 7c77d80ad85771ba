/* The supervisor: a machine (machine.h) that starts the worker and the managed extensions, keeps
 * them alive and within their limits, and gives up when that can't be done. */
#pragma once

#include "watchdog/core/machine/machine.h"

G_BEGIN_DECLS

/* @limits: copied. @watchdog: ourselves. */
WdMachine *wd_supervise_new(const WdLimits *limits, const WdFound *watchdog,
                            const char *worker_path);

/* At any time; it is started when the worker's manager accepts. @indispensable: our own tables
 * extension, which is never given up. Returns: the process's index. */
guint wd_supervise_add_extension(WdMachine *supervisor, const char *name, const char *path,
                                 gboolean indispensable);

/* The extension's index; 0: there is none with this path. */
guint wd_supervise_find_extension(const WdMachine *supervisor, const char *path);

/* Whether the extension is on the list. */
gboolean wd_supervise_wants(const WdMachine *supervisor, guint index);

G_END_DECLS
