#include "watchdog/core/settings/runs-once.h"

#include <string.h>

/* Those from help on are gflags' own. */
static const char *const ONCE[] = {
    "config_check",
    "config_dump",
    "database_dump",
    "install",
    "uninstall",
    "help",
    "helpfull",
    "helpshort",
    "helppackage",
    "helpxml",
    "helpon",
    "helpmatch",
    "version",
    "tab_completion_word",
    NULL,
};

gboolean
wd_runs_once_flag(const char *name)
{
  return g_strv_contains(ONCE, name);
}

char *
wd_runs_once_by_words(char *const *osqueryd_argv)
{
  static const char *const help[] = {"--help", "-help", "--h", "-h", NULL};
  static const char *const shell[] = {"-S", "--S", NULL};
  static const char *const daemon[] = {"-D", "--D", NULL};
  g_autofree char *program = g_path_get_basename(osqueryd_argv[0]);
  const char *made_shell = strstr(program, "osqueryd") == NULL ? osqueryd_argv[0] : NULL;

  for (gsize i = 1; osqueryd_argv[i] != NULL; i++) {
    const char *word = osqueryd_argv[i];
    if (g_strv_contains(help, word))
      return g_strdup_printf("argv: %s", word);
    if (g_strv_contains(shell, word))
      made_shell = word;
    else if (g_strv_contains(daemon, word))
      made_shell = NULL;
  }
  if (made_shell == NULL)
    return NULL;
  if (made_shell == osqueryd_argv[0])
    return g_strdup_printf(
        "argv: %s: a program without \"osqueryd\" in its name is a shell, unless -D is given",
        made_shell);
  return g_strdup_printf("argv: %s: osqueryd is a shell", made_shell);
}

char *
wd_runs_once_by_flags(const WdFlags *flags)
{
  for (gsize i = 0; i < flags->n_flags; i++) {
    const WdFlag *flag = &flags->flags[i];
    const gboolean set = flag->spec->type == WD_FLAG_BOOL ? flag->number != 0 : *flag->text != '\0';
    if (set && wd_runs_once_flag(flag->spec->name))
      return g_strdup_printf("%s: --%s", flag->source, flag->spec->name);
  }
  return NULL;
}
