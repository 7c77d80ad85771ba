/* The list of managed extensions, as osquery reads it (osquery/extensions/extensions.cpp,
 * loadExtensions()). Pure: looking into directories and at permissions (permission.h) is the
 * caller's. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: the file named by --extensions_autoload: one path a line; blanks around it, empty lines
 * and lines that begin with '#' or ';' don't count. A path may stand there twice. Returns: the
 * paths in the order of the lines, newly allocated; a directory stands for all files below it. */
char **wd_extensions_load_parse(const char *text);

/* Whether a file may be an extension by its name, which ends in ".ext". */
gboolean wd_extensions_load_accepts(const char *path);

G_END_DECLS
