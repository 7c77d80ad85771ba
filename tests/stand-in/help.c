#include "tests/stand-in/help.h"

#include <string.h>

#include "tests/stand-in/core-tables.h"

/* osquery leaves room for its longest flag, and pads with less than 80 blanks. */
#define NAME_WIDTH 45

gboolean
stand_help_is_asked(const char *const *argv)
{
  static const char *const WORDS[] = {"--help", "-help", "--h", "-h", NULL};
  for (guint i = 1; argv[i] != NULL; i++)
    if (g_strv_contains(WORDS, argv[i]))
      return TRUE;
  return FALSE;
}

static void
add_flags(GString *text, StandFlagPlace place)
{
  guint n;
  const StandFlag *flags = stand_flags_known(&n);
  for (guint i = 0; i < n; i++) {
    if (flags[i].place != place)
      continue;
    g_autofree char *name =
        g_strconcat(flags[i].name, flags[i].type == STAND_FLAG_BOOL ? "" : " VALUE", NULL);
    g_string_append_printf(text, "    --%-*s  \n", NAME_WIDTH, name);
  }
}

char *
stand_help(void)
{
  GString *text =
      g_string_new("osquery " STAND_VERSION ", your OS as a high-performance relational "
                   "database\nUsage: osqueryd [OPTION]... \n\n"
                   "osquery command line flags:\n\n");
  g_string_append_printf(text, "    --%-*s  Line-delimited file of additional flags\n", NAME_WIDTH,
                         "flagfile PATH");
  add_flags(text, STAND_FLAG_CLI);
  g_string_append(text, "\nosquery configuration options (set by config or CLI flags):\n\n");
  add_flags(text, STAND_FLAG_CONFIG);
  g_string_append(text, "\nthe stand-in's own:\n\n");
  add_flags(text, STAND_FLAG_OWN);
  g_string_append(text, "\nosquery project page <https://osquery.io>.\n");
  return g_string_free(text, FALSE);
}
