#include "tests/stand-in/schedule.h"

#include "tests/stand-in/runner.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define DENYLISTED_S 86400

typedef struct {
  char *name;
  char *query;
  double interval_s;
  gint64 next_us;
  gint64 last_executed_s;
  gint64 executions;
} Entry;

struct StandSchedule {
  char *path;
  struct stat read; /* the file that was read last; zero: none yet */
  char *mark;       /* NULL: nothing is marked */
  char *denylist;   /* likewise */
  gboolean verbose, lognames;
  StandStatusLog *log;
  StandRunQuery run;
  gpointer user_data;
  StandRunner *runner; /* NULL: there is none */
  GMutex lock;         /* for the next two */
  GPtrArray *entries;  /* of Entry */
  gboolean limit_hit;
};

static void
entry_free(gpointer data)
{
  Entry *entry = data;
  g_free(entry->name);
  g_free(entry->query);
  g_free(entry);
}

/* --- the file --- */

/* Reads the file, if it is another one than the last, or has changed. */
static void
read_entries(StandSchedule *schedule)
{
  struct stat now;
  g_autofree char *text = NULL;
  if (stat(schedule->path, &now) != 0 ||
      (now.st_ino == schedule->read.st_ino && now.st_size == schedule->read.st_size &&
       memcmp(&now.st_mtim, &schedule->read.st_mtim, sizeof now.st_mtim) == 0) ||
      !g_file_get_contents(schedule->path, &text, NULL, NULL))
    return;
  schedule->read = now;
  g_ptr_array_set_size(schedule->entries, 0);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto(GStrv) words = g_strsplit(*line, " ", 3);
    if (g_strv_length(words) < 3 || words[0][0] == '#')
      continue;
    Entry *entry = g_new0(Entry, 1);
    entry->name = g_strdup(words[0]);
    entry->interval_s = g_ascii_strtod(words[1], NULL);
    entry->query = g_strdup(words[2]);
    entry->next_us = g_get_monotonic_time() + (gint64)(entry->interval_s * G_USEC_PER_SEC);
    g_ptr_array_add(schedule->entries, entry);
  }
}

/* --- what is denylisted: name to until when, in seconds --- */

static GHashTable *
read_denylist(const StandSchedule *schedule)
{
  GHashTable *denylist = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  if (schedule->denylist == NULL || !g_file_get_contents(schedule->denylist, &text, NULL, NULL))
    return denylist;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto(GStrv) words = g_strsplit(*line, " ", 2);
    if (g_strv_length(words) == 2)
      g_hash_table_insert(denylist, g_strdup(words[0]), g_strdup(words[1]));
  }
  return denylist;
}

static gboolean
is_denylisted(GHashTable *denylist, const char *name)
{
  const char *until = g_hash_table_lookup(denylist, name);
  return until != NULL && g_get_real_time() / G_USEC_PER_SEC <= g_ascii_strtoll(until, NULL, 10);
}

/* What a worker before was executing when it died. */
static void
denylist_marked(StandSchedule *schedule, gboolean denylists)
{
  g_autofree char *name = NULL;
  if (schedule->mark == NULL || !g_file_get_contents(schedule->mark, &name, NULL, NULL))
    return;
  (void)g_unlink(schedule->mark);
  stand_status_log(schedule->log, STAND_SEVERITY_WARNING, "config.cpp:363",
                   "Scheduled query may have failed: %s", name);
  if (!denylists)
    return;
  g_autoptr(GHashTable) denylist = read_denylist(schedule);
  g_hash_table_insert(
      denylist, g_strdup(name),
      g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / G_USEC_PER_SEC + DENYLISTED_S));
  g_autoptr(GString) text = g_string_new(NULL);
  GHashTableIter iter;
  gpointer key, until;
  g_hash_table_iter_init(&iter, denylist);
  while (g_hash_table_iter_next(&iter, &key, &until))
    g_string_append_printf(text, "%s %s\n", (const char *)key, (const char *)until);
  if (!g_file_set_contents(schedule->denylist, text->str, -1, NULL))
    g_warn_if_reached();
}

/* --- executing --- */

/* Without the lock; entries stay while one is executing. */
static void
execute(StandSchedule *schedule, const Entry *entry)
{
  if (schedule->verbose)
    stand_status_log(schedule->log, STAND_SEVERITY_INFO, "scheduler.cpp:120",
                     "Executing scheduled query %s: %s", entry->name, entry->query);
  else if (schedule->lognames)
    stand_status_log(schedule->log, STAND_SEVERITY_INFO, "scheduler.cpp:122",
                     "Executing scheduled query %s", entry->name);
  if (schedule->mark != NULL && !g_file_set_contents(schedule->mark, entry->name, -1, NULL))
    g_warn_if_reached();
  schedule->run(entry->query, schedule->user_data);
}

/* With the lock. Returns: NULL when nothing is due. */
static Entry *
find_due(StandSchedule *schedule, gint64 now_us)
{
  g_autoptr(GHashTable) denylist = NULL;
  for (guint i = 0; i < schedule->entries->len; i++) {
    Entry *entry = g_ptr_array_index(schedule->entries, i);
    if (entry->next_us > now_us)
      continue;
    entry->next_us = now_us + (gint64)(entry->interval_s * G_USEC_PER_SEC);
    if (denylist == NULL)
      denylist = read_denylist(schedule);
    if (!is_denylisted(denylist, entry->name))
      return entry;
  }
  return NULL;
}

static gboolean
execute_next(gpointer user_data)
{
  StandSchedule *schedule = user_data;
  g_mutex_lock(&schedule->lock);
  read_entries(schedule);
  Entry *due = find_due(schedule, g_get_monotonic_time());
  if (due != NULL) {
    due->last_executed_s = g_get_real_time() / G_USEC_PER_SEC;
    g_mutex_unlock(&schedule->lock);
    execute(schedule, due);
    g_mutex_lock(&schedule->lock);
    due->executions++;
    if (schedule->mark != NULL && !schedule->limit_hit)
      (void)g_unlink(schedule->mark);
  }
  g_mutex_unlock(&schedule->lock);
  return due != NULL;
}

StandSchedule *
stand_schedule_new(const StandFlags *flags, StandStatusLog *log, StandRunQuery run,
                   gpointer user_data)
{
  StandSchedule *schedule = g_new0(StandSchedule, 1);
  schedule->path = g_strdup(stand_flags_text(flags, "schedule"));
  schedule->verbose = stand_flags_bool(flags, "verbose");
  schedule->lognames = stand_flags_bool(flags, "schedule_lognames");
  schedule->log = log;
  if (stand_flags_is_set(flags, "database_path")) {
    const char *database = stand_flags_text(flags, "database_path");
    schedule->mark = g_build_filename(database, "executing", NULL);
    schedule->denylist = g_build_filename(database, "denylist", NULL);
  }
  schedule->run = run;
  schedule->user_data = user_data;
  schedule->entries = g_ptr_array_new_with_free_func(entry_free);
  g_mutex_init(&schedule->lock);
  denylist_marked(schedule, !stand_flags_bool(flags, "disable_watchdog"));
  read_entries(schedule); /* before anyone can ask */
  if (*schedule->path != '\0')
    schedule->runner = stand_runner_start("SchedulerRunner", execute_next, schedule);
  return schedule;
}

void
stand_schedule_limit_hit(StandSchedule *schedule)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&schedule->lock);
  schedule->limit_hit = TRUE;
}

gboolean
stand_schedule_stop(StandSchedule *schedule, gint64 deadline_us)
{
  if (!stand_runner_stop(schedule->runner, deadline_us))
    return FALSE;
  schedule->runner = NULL;
  return TRUE;
}

void
stand_schedule_free(StandSchedule *schedule)
{
  if (schedule == NULL)
    return;
  g_ptr_array_unref(schedule->entries);
  g_mutex_clear(&schedule->lock);
  g_free(schedule->path);
  g_free(schedule->mark);
  g_free(schedule->denylist);
  g_free(schedule);
}

/* --- showing --- */

static void
set_number(GHashTable *row, const char *column, gint64 value)
{
  g_hash_table_insert(row, g_strdup(column), g_strdup_printf("%" G_GINT64_FORMAT, value));
}

void
stand_schedule_rows(StandSchedule *schedule, GPtrArray *rows)
{
  static const char *const ZEROS[] = {
      "output_size", "wall_time",      "wall_time_ms",     "last_wall_time_ms", "user_time",
      "system_time", "last_user_time", "last_system_time", "average_memory",    "last_memory"};
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&schedule->lock);
  g_autoptr(GHashTable) denylist = read_denylist(schedule);
  for (guint i = 0; i < schedule->entries->len; i++) {
    const Entry *entry = g_ptr_array_index(schedule->entries, i);
    GHashTable *row = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(row, g_strdup("name"), g_strdup(entry->name));
    g_hash_table_insert(row, g_strdup("query"), g_strdup(entry->query));
    set_number(row, "interval", (gint64)entry->interval_s);
    set_number(row, "executions", entry->executions);
    set_number(row, "last_executed", entry->last_executed_s);
    set_number(row, "denylisted", is_denylisted(denylist, entry->name));
    for (guint j = 0; j < G_N_ELEMENTS(ZEROS); j++)
      set_number(row, ZEROS[j], 0);
    g_ptr_array_add(rows, row);
  }
}
