/* The supervisor: a machine (machine.h) that starts the worker and the managed extensions, keeps
 * them alive and within their limits, and gives up when that can't be done. */
#pragma once

#include "watchdog/core/machine/machine.h"

G_BEGIN_DECLS

/* @limits: copied. @watchdog: ourselves. */
WdMachine *wd_supervise_new(const WdLimits *limits, const WdFound *watchdog,
                            const char *worker_path);

/* Adds an extension, at any time. It is started when the worker's manager accepts connections.
 * @indispensable: it is never given up; for our own tables extension. Returns: its index. */
guint wd_supervise_add_extension(WdMachine *supervisor, const char *name, const char *path,
                                 gboolean indispensable);

/* The index of the extension with @path; 0: there is none. */
guint wd_supervise_find_extension(const WdMachine *supervisor, const char *path);

/* Whether the extension is on the list now. */
gboolean wd_supervise_wants(const WdMachine *supervisor, guint index);

G_END_DECLS
