#include "watchdog/core/machine/observe-entry.h"

#include <string.h>

#include "watchdog/core/kernel/proc-stat.h"

/* Those that @found may be. */
typedef struct {
  guint known;         /* how many have its name */
  guint gone;          /* how many of these don't run */
  WdProcess *one;      /* one that doesn't run */
  WdProcess *nameless; /* one that doesn't run, and whose path isn't known */
  WdProcess *same;     /* the one that doesn't run and has its path */
} Candidates;

/* The kernel cuts names, and a name is all that is left of a dead process. */
static gboolean
is_same_name(const char *one, const char *other)
{
  return strncmp(one, other, WD_PROC_NAME_SIZE - 1) == 0;
}

static gboolean
shares_name(const WdProcess *process, const WdFound *found)
{
  g_autofree char *file = process->path != NULL ? g_path_get_basename(process->path) : NULL;
  if (file != NULL)
    return is_same_name(file, found->name);
  const gsize length = strlen(found->name);
  return is_same_name(process->name, found->name) ||
         (strncmp(process->name, found->name, length) == 0 &&
          g_str_has_prefix(process->name + length, " (")); /* the number of add_entry() */
}

static Candidates
find_candidates(const WdMachine *machine, const WdFound *found)
{
  Candidates all = {0};
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *process = wd_machine_at(machine, i);
    if (!shares_name(process, found))
      continue;
    all.known++;
    if (wd_process_alive(process))
      continue;
    all.gone++;
    if (all.one == NULL)
      all.one = process;
    if (process->path == NULL && all.nameless == NULL)
      all.nameless = process;
    if (g_strcmp0(process->path, found->path) == 0 && all.same == NULL)
      all.same = process;
  }
  return all;
}

static gboolean
is_taken(const WdMachine *machine, const char *name)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++)
    if (g_str_equal(wd_machine_at(machine, i)->name, name))
      return TRUE;
  return FALSE;
}

/* Its name; if another has that, its path, or its name and a number. */
static WdProcess *
add_entry(WdMachine *machine, const WdFound *found)
{
  g_autofree char *name = g_strdup(found->name);
  for (guint n = 1; is_taken(machine, name); n++) {
    g_free(name);
    name = n == 1 && found->path != NULL ? g_strdup(found->path)
                                         : g_strdup_printf("%s (%u)", found->name, n);
  }
  return wd_machine_add(machine, WD_ROLE_EXTENSION, name, found->path);
}

WdProcess *
wd_observe_entry(WdMachine *machine, const WdFound *found)
{
  const Candidates all = find_candidates(machine, found);
  WdProcess *process = NULL;
  if (found->ended) {
    /* A watcher runs one process for each path. So it was the only one that doesn't run. */
    if (all.known > 0 && all.gone != 1)
      return NULL;
    process = all.one;
  } else if (all.same != NULL) {
    process = all.same;
  } else if (found->path != NULL) {
    process = all.nameless;
  } else if (all.known == 1) {
    process = all.one;
  }
  if (process == NULL)
    return add_entry(machine, found);
  if (process->path == NULL)
    process->path = g_strdup(found->path);
  return process;
}
