#include "watchdog/core/settings/nearest-flag.h"

#include <string.h>

#define EDITS_MAX 2
#define LETTERS_PER_EDIT 4

/* How many characters must be added, removed or replaced to make @to of @from (Levenshtein's
 * distance). */
static guint
count_edits(const char *from, const char *to)
{
  const gsize width = strlen(to) + 1;
  /* [i]: the edits that make the first i characters of @to of what @from has so far. */
  g_autofree guint *edits = g_new(guint, width);

  for (gsize i = 0; i < width; i++)
    edits[i] = (guint)i;
  for (; *from != '\0'; from++) {
    guint diagonal = edits[0]++;
    for (gsize i = 1; i < width; i++) {
      const guint replaced = diagonal + (to[i - 1] == *from ? 0 : 1);
      diagonal = edits[i];
      edits[i] = MIN(replaced, MIN(edits[i], edits[i - 1]) + 1);
    }
  }
  return edits[width - 1];
}

/* @edits: how far the nearest is so far; lowered if @spec is nearer. */
static gboolean
is_nearer(const WdFlagSpec *spec, const char *name, guint *edits)
{
  const gsize length = strlen(spec->name);
  const guint most = (guint)MIN(length / LETTERS_PER_EDIT, EDITS_MAX);

  /* A name may be as long as a flagfile. */
  if (strlen(name) > length + EDITS_MAX)
    return FALSE;
  const guint found = count_edits(name, spec->name);
  if (found > most || found >= *edits)
    return FALSE;
  *edits = found;
  return TRUE;
}

const WdFlagSpec *
wd_flag_nearest(const WdFlagSpec *specs, gsize n_specs, const char *name)
{
  const WdFlagSpec *nearest = NULL;
  guint edits = EDITS_MAX + 1;
  g_autofree char *lower = g_strdelimit(g_ascii_strdown(name, -1), "-", '_');
  const char *positive = g_str_has_prefix(lower, "no") ? lower + strlen("no") : NULL;

  for (gsize i = 0; i < n_specs; i++) {
    if (is_nearer(&specs[i], lower, &edits))
      nearest = &specs[i];
    if (positive != NULL && specs[i].type == WD_FLAG_BOOL && is_nearer(&specs[i], positive, &edits))
      nearest = &specs[i];
  }
  return nearest;
}
