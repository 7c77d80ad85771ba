/* The last lines that a process wrote: at most WD_LAST_LINES_MAX whole lines, together at most
 * WD_LAST_LINES_BYTES. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_LAST_LINES_MAX 20
#define WD_LAST_LINES_BYTES 4096

typedef struct WdLastLines WdLastLines;

WdLastLines *wd_last_lines_new(void);
void wd_last_lines_free(WdLastLines *lines); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdLastLines, wd_last_lines_free)

/* Takes the next line, without its line break, which includes a carriage return before it. Of a
 * line that is too long by itself, the beginning is kept, with an ellipsis at its end. */
void wd_last_lines_take(WdLastLines *lines, const char *line, gsize length);

/* All of them as a text, each with its line break: valid UTF-8, in which control characters and
 * invalid bytes are visible (\x1b). Newly allocated; NULL: there is none. */
char *wd_last_lines_text(const WdLastLines *lines);

G_END_DECLS
