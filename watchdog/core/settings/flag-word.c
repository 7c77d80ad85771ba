#include "watchdog/core/settings/flag-word.h"

#include <string.h>

const WdFlagSpec *
wd_flag_spec_find(const WdFlagSpec *specs, gsize n_specs, const char *name)
{
  g_autofree char *underscored = g_strdelimit(g_strdup(name), "-", '_');

  for (gsize i = 0; i < n_specs; i++) {
    if (g_str_equal(specs[i].name, underscored))
      return &specs[i];
  }
  return NULL;
}

/* The boolean that @name, "noNAME", switches off; NULL: none. */
static const WdFlagSpec *
find_negated(const WdFlagSpec *specs, gsize n_specs, const char *name)
{
  if (!g_str_has_prefix(name, "no"))
    return NULL;
  const WdFlagSpec *spec = wd_flag_spec_find(specs, n_specs, name + strlen("no"));
  return spec != NULL && spec->type == WD_FLAG_BOOL ? spec : NULL;
}

WdFlagWord
wd_flag_word_take(const WdFlagSpec *specs, gsize n_specs, const char *const *argv, gsize *i)
{
  const char *begin = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
  const char *end = strchrnul(begin, '=');
  WdFlagWord flag = {
      .name = g_strndup(begin, (gsize)(end - begin)),
      .value = *end == '=' ? end + 1 : NULL,
  };

  flag.spec = wd_flag_spec_find(specs, n_specs, flag.name);
  if (flag.spec == NULL) {
    flag.spec = find_negated(specs, n_specs, flag.name);
    if (flag.spec != NULL)
      flag.value = "false";
  } else if (flag.value == NULL && flag.spec->type == WD_FLAG_BOOL) {
    flag.value = "true";
  } else if (flag.value == NULL && argv[*i + 1] != NULL) {
    flag.value = argv[++*i];
  }
  return flag;
}

void
wd_flag_word_clear(WdFlagWord *word)
{
  g_clear_pointer(&word->name, g_free);
}
