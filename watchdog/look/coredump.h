/* Where the core dump of a process is, on this host. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @pid: of the process that has dumped core, as we see it.
 * Returns: a JSON object with the key `coredump` (docs/tables.md), newly allocated; NULL: how to
 * find the dump isn't known. */
char *wd_coredump_details(gint64 pid);

G_END_DECLS
