/* Asks a program for its --help. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Runs the program file @path as `NAME --help`, and waits for what it prints: at most 5 s, and at
 * most 1 MiB. Then its process group is killed. It has no stdin, and its stderr is dropped. To be
 * called from the main thread only, before it takes signals, because the death signal belongs to
 * the thread and a signal must be able to end us meanwhile.
 * @environment: "NAME=VALUE", NULL-terminated.
 * Returns: newly allocated, up to the first NUL; NULL with a one-line @error. */
char *wd_program_help(const char *path, const char *name, char **environment, GError **error);

G_END_DECLS
