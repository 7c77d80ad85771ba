/* The interpreter that a script names in its first line, as the kernel reads it (execve(2)). Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The kernel reads no more of a file to find the interpreter. */
#define WD_INTERPRETER_HEAD_SIZE 256

/* @head: the file's first bytes, at most WD_INTERPRETER_HEAD_SIZE of them.
 * Returns: the interpreter's path, newly allocated; NULL: the file is no script. A carriage return
 * at the end of the line is part of the path if no argument stands before it. */
char *wd_interpreter_parse(const char *head, gsize length);

G_END_DECLS
