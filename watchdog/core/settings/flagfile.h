/* Splits a flagfile's text as gflags does (src/gflags.cc, ProcessOptionsFromStringLocked). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The reading position; its members are private. */
typedef struct {
  const char *at;
  const char *last_cr; /* NULL: none */
  guint number;
} WdFlagfile;

typedef struct {
  char *text;      /* newly allocated, not empty; leading blanks are gone, trailing ones stay */
  guint number;    /* of the line, from 1 */
  gboolean joined; /* lines that end in LF were read as one, because a CR follows below */
} WdFlagfileLine;

/* @text: the whole file, NUL-terminated; must outlive the result. */
WdFlagfile wd_flagfile_begin(const char *text);

/* The next line that isn't empty. Returns: FALSE at the end; @line is then untouched. */
gboolean wd_flagfile_next(WdFlagfile *file, WdFlagfileLine *line);

/* Whether @line, which has no dash, names @program (argv[0]). It lists patterns of fnmatch(),
 * separated by blanks, for the whole path or for the part after its last slash. */
gboolean wd_flagfile_names_program(const char *line, const char *program);

G_END_DECLS
