/* What osqueryd prints on --help: its flags, in the form of osquery's Flag::printFlags. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* TRUE when @argv (NULL-terminated, the program first) asks for it. osqueryd looks before it parses
 * anything. */
gboolean stand_help_is_asked(const char *const *argv);

/* Newly allocated. */
char *stand_help(void);

G_END_DECLS
