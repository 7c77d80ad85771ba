#include "watchdog/store/recover.h"

#include "watchdog/store/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASIDE ".aside"
#define KEPT 5

static gboolean
exists(const char *path)
{
  struct stat info;
  return lstat(path, &info) == 0;
}

static gboolean
set_io_error(GError **error, const char *path, const char *what)
{
  return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: cannot be %s: %s", path, what,
                       g_strerror(errno));
}

/* A missing @from is no failure; what is at @to is kept. */
static gboolean
move_file(const char *from, const char *to, GError **error)
{
  if (!exists(from))
    return TRUE;
  if (exists(to)) {
    errno = EEXIST;
    return set_io_error(error, to, "moved to");
  }
  return rename(from, to) == 0 || set_io_error(error, from, "moved aside");
}

static gboolean
remove_file(const char *path, GError **error)
{
  return unlink(path) == 0 || errno == ENOENT || set_io_error(error, path, "removed");
}

static gboolean
remove_database(const char *path, GError **error)
{
  g_autofree char *wal = g_strconcat(path, "-wal", NULL);
  g_autofree char *shm = g_strconcat(path, "-shm", NULL);
  return remove_file(wal, error) && remove_file(shm, error) && remove_file(path, error);
}

/* The log first, because a database whose log is elsewhere shows that this was interrupted. */
static gboolean
move_database(const char *from, const char *to, GError **error)
{
  if (!exists(from))
    return remove_database(from, error);
  g_autofree char *from_wal = g_strconcat(from, "-wal", NULL);
  g_autofree char *from_shm = g_strconcat(from, "-shm", NULL);
  g_autofree char *to_wal = g_strconcat(to, "-wal", NULL);
  return (exists(to_wal) || move_file(from_wal, to_wal, error)) && move_file(from, to, error) &&
         remove_file(from_wal, error) && remove_file(from_shm, error);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
forget_oldest(const char *path)
{
  g_autofree char *directory = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  g_autofree char *prefix = g_strconcat(name, ASIDE "-", NULL);
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
  if (entries == NULL)
    return;
  for (const char *entry = g_dir_read_name(entries); entry != NULL;
       entry = g_dir_read_name(entries))
    if (g_str_has_prefix(entry, prefix) && !g_str_has_suffix(entry, "-wal"))
      g_ptr_array_add(found, g_build_filename(directory, entry, NULL));
  g_ptr_array_sort(found, compare_names);
  for (guint i = 0; i + KEPT < found->len; i++) {
    const char *oldest = g_ptr_array_index(found, i);
    g_autofree char *wal = g_strconcat(oldest, "-wal", NULL);
    (void)unlink(wal); /* it may have none */
    (void)unlink(oldest);
  }
}

/* Gives the file at @from its name with the date. @moved_to: that name; NULL when the file was
 * missing or empty. */
static gboolean
keep(const char *from, const char *path, char **moved_to, GError **error)
{
  struct stat info;
  *moved_to = NULL;
  if (lstat(from, &info) < 0 || (info.st_size == 0 && S_ISREG(info.st_mode)))
    return remove_database(from, error);
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *date = g_date_time_format(now, "%Y%m%dT%H%M%S");
  g_autofree char *to = g_strconcat(path, ASIDE "-", date, NULL);
  if (!move_database(from, to, error))
    return FALSE;
  *moved_to = g_steal_pointer(&to);
  forget_oldest(path);
  return TRUE;
}

/* Reading changes nothing: the log isn't moved into the database. */
static gboolean
leave_as_it_is(sqlite3 *db)
{
  int keep_wal = 1;
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK &&
         sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_wal) == SQLITE_OK &&
         wd_database_exec(
             db, "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON",
             NULL);
}

static sqlite3 *
open_aside(const char *aside)
{
  g_autoptr(sqlite3) db = NULL;
  struct stat info;
  if (lstat(aside, &info) < 0 || !S_ISREG(info.st_mode) ||
      sqlite3_open_v2(aside, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
      !leave_as_it_is(db))
    return NULL;
  return g_steal_pointer(&db);
}

static WdHistory *
begin_anew(const char *path, const WdHistoryRun *run, sqlite3 *source, gint64 *saved,
           GError **error)
{
  WdHistoryRun begun = *run;
  begun.floor = MAX(run->floor, CLAMP(run->now_s * 1000, 0, WD_GREATEST_EID / 2));
  g_autoptr(GError) failure = NULL;
  WdHistory *history = wd_history_begin_anew(path, &begun, source, saved, &failure);
  /* This one can't be used either; the next attempt finds none. */
  g_autofree char *moved_to = NULL;
  if (g_error_matches(failure, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT) &&
      !keep(path, path, &moved_to, error))
    return NULL;
  if (failure != NULL)
    g_propagate_error(error, g_steal_pointer(&failure));
  return history;
}

WdHistory *
wd_history_recover(const char *path, const WdHistoryRun *run, WdHistory *previous,
                   const char *problem, WdRecovery **recovery, GError **error)
{
  g_autofree char *aside = g_strconcat(path, ASIDE, NULL);
  g_autoptr(WdRecovery) done = g_new0(WdRecovery, 1);
  done->problem = g_strdup(problem);
  if (!exists(aside) && !move_database(path, aside, error))
    return NULL;
  g_autoptr(sqlite3) opened = previous == NULL ? open_aside(aside) : NULL;
  sqlite3 *source = opened;
  if (previous != NULL && leave_as_it_is(wd_history_connection(previous)))
    source = wd_history_connection(previous);
  g_autoptr(WdHistory) history = begin_anew(path, run, source, &done->saved, error);
  g_clear_pointer(&opened, sqlite3_close_v2);
  if (history == NULL || !keep(aside, path, &done->moved_to, error))
    return NULL;
  *recovery = g_steal_pointer(&done);
  return g_steal_pointer(&history);
}

WdHistory *
wd_history_open_or_recover(const char *path, const WdHistoryRun *run, WdRecovery **recovery,
                           GError **error)
{
  g_autofree char *aside = g_strconcat(path, ASIDE, NULL);
  g_autofree char *aside_wal = g_strconcat(aside, "-wal", NULL);
  g_autoptr(GError) problem = NULL;
  if (exists(aside) || exists(aside_wal)) {
    g_autofree char *interrupted = g_strdup_printf("%s: its recovery was interrupted", path);
    return wd_history_recover(path, run, NULL, interrupted, recovery, error);
  }
  WdHistory *history = wd_history_open(path, run, &problem);
  if (history != NULL)
    return history;
  if (g_error_matches(problem, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT))
    return wd_history_recover(path, run, NULL, problem->message, recovery, error);
  g_propagate_error(error, g_steal_pointer(&problem));
  return NULL;
}
