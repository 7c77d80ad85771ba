#include "watchdog/core/settings/flagfile.h"

#include <fnmatch.h>
#include <string.h>

WdFlagfile
wd_flagfile_begin(const char *text)
{
  /* Searched for once: a search at each line would cost the square of the file's size. */
  return (WdFlagfile){text, strrchr(text, '\r'), 1};
}

static guint
count_newlines(const char *from, const char *to)
{
  guint count = 0;

  for (; from < to; from++)
    count += *from == '\n';
  return count;
}

gboolean
wd_flagfile_next(WdFlagfile *file, WdFlagfileLine *line)
{
  const char *begin = file->at + strspn(file->at, " \t\n\v\f\r");
  if (*begin == '\0')
    return FALSE;

  gboolean cr = file->last_cr != NULL && begin < file->last_cr;
  const char *end = strchrnul(begin, cr ? '\r' : '\n');
  guint number = file->number + count_newlines(file->at, begin);
  guint inside = count_newlines(begin, end);

  file->at = end;
  file->number = number + inside;
  *line = (WdFlagfileLine){g_strndup(begin, (gsize)(end - begin)), number, inside > 0};
  return TRUE;
}

gboolean
wd_flagfile_names_program(const char *line, const char *program)
{
  g_auto(GStrv) patterns = g_strsplit(line, " ", -1);
  const char *slash = strrchr(program, '/');
  const char *base = slash != NULL ? slash + 1 : program;

  for (gsize i = 0; patterns[i] != NULL; i++) {
    if (fnmatch(patterns[i], program, FNM_PATHNAME) == 0 ||
        fnmatch(patterns[i], base, FNM_PATHNAME) == 0)
      return TRUE;
  }
  return FALSE;
}
