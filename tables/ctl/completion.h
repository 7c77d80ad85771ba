/* Completion of a word of SQL over the tables. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The words that the word before @point may become; none within a text or a comment.
 * @sql: the statement so far, maybe with more behind @point (an offset in bytes).
 * @start: set to where that word begins.
 * Returns: newly allocated, in alphabetical order. Each begins with the word, ignoring case.
 * Keywords take the case of the word's first letter. */
char **ctl_complete(const char *sql, gsize point, gsize *start);

/* The longest beginning that all of @words (at least one) share. Newly allocated. */
char *ctl_completion_prefix(char *const *words);

G_END_DECLS
