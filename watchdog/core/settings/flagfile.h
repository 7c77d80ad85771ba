/* Takes a flagfile's text apart as gflags does (src/gflags.cc, ProcessOptionsFromStringLocked). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where the reading stands; its members are its own business. */
typedef struct {
  const char *at;
  const char *last_cr; /* NULL: none */
  guint number;
} WdFlagfile;

typedef struct {
  char *text;      /* newly allocated: without blanks before it, with those behind it; not empty */
  guint number;    /* of the line, from 1 */
  gboolean joined; /* lines that end in LF were read as one, because a CR follows somewhere below */
} WdFlagfileLine;

/* @text: the whole file, NUL-terminated; must outlive the result. */
WdFlagfile wd_flagfile_begin(const char *text);

/* The next line that isn't empty. Returns: FALSE at the end; @line is then untouched.
 */
gboolean wd_flagfile_next(WdFlagfile *file, WdFlagfileLine *line);

/* Whether @line, one without a dash, names @program (argv[0]): patterns, as fnmatch() has them,
 * separated by blanks, for the whole of it or what stands behind its last slash. */
gboolean wd_flagfile_names_program(const char *line, const char *program);

G_END_DECLS
