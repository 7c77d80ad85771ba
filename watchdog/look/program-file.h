/* A program's file: where it is, whether we may execute it, by osquery's rule
 * (core/settings/permission.h), and why the kernel could not. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The absolute path of the program that a shell would run as @name: a name without a slash is
 * looked up in the environment's PATH, where an empty or relative entry begins at the working
 * directory; any other name is a path. NULL with @error: PATH has no such program. */
char *wd_program_file_find(const char *name, GError **error);

/* Checks @path as it is now. FALSE with @error: one line with the path and the failed check. */
gboolean wd_program_file_check(const char *path, gboolean allow_unsafe, GError **error);

/* Which file @path is, links followed: its device, inode, size and modification time, newly
 * allocated. An upgrade or an edited script is another file. NULL: there is none. */
char *wd_program_file_identity(const char *path);

/* Why execve() of @path failed with @error_number, newly allocated. ENOENT says the same of a file
 * that is missing and of a script whose interpreter is, so this looks which of them it was. */
char *wd_program_file_exec_error(const char *path, int error_number);

G_END_DECLS
