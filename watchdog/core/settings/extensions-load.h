/* The list of managed extensions, as osquery reads it (osquery/extensions/extensions.cpp,
 * loadExtensions()). Pure: the caller looks at directories and permissions (permission.h). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: the file named by --extensions_autoload, @length bytes, one path a line. Blanks around a
 * path, empty lines, lines that begin with '#' or ';', and what follows a NUL byte in a line don't
 * count.
 * Returns: the paths in the order of the lines, newly allocated. One may appear twice; a directory
 * stands for all files below it. */
char **wd_extensions_load_parse(const char *text, gsize length);

/* Whether a file's name, which must end in ".ext", is one of an extension. */
gboolean wd_extensions_load_accepts(const char *path);

G_END_DECLS
