#include "tests/stand-in/distributed.h"

#include "tests/stand-in/runner.h"

#include <glib/gstdio.h>
#include <string.h>

#define DENYLISTED "distributed query is denylisted"

struct StandDistributed {
  const char *directory, *database; /* NULL: nothing is marked */
  gint64 denylisted_s;
  gboolean verbose, loginfo;
  StandStatusLog *log;
  StandRunQuery run;
  gpointer user_data;
  StandRunner *runner; /* NULL: there is none */
};

/* --- what is running, or was when the worker died --- */

/* Newly allocated; NULL when nothing is marked. */
static char *
mark_of(const StandDistributed *distributed, const char *sql)
{
  if (distributed->database == NULL)
    return NULL;
  g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, sql, -1);
  return g_build_filename(distributed->database, "distributed_running", hash, NULL);
}

/* Returns: FALSE when it is refused. A mark that is too old stays as it is, as osquery's does. */
static gboolean
check_and_mark(const StandDistributed *distributed, const char *mark)
{
  if (mark == NULL)
    return TRUE;
  const gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autofree char *since = NULL;
  if (g_file_get_contents(mark, &since, NULL, NULL))
    return now_s - g_ascii_strtoll(since, NULL, 10) > distributed->denylisted_s;
  g_autofree char *directory = g_path_get_dirname(mark);
  g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, now_s);
  if (g_mkdir_with_parents(directory, 0700) != 0 || !g_file_set_contents(mark, now, -1, NULL))
    g_warn_if_reached();
  return TRUE;
}

/* --- executing --- */

static void
answer(const StandDistributed *distributed, const char *id, const char *status)
{
  g_autofree char *directory = g_build_filename(distributed->directory, ".answers", NULL);
  g_autofree char *path = g_build_filename(directory, id, NULL);
  if (g_mkdir_with_parents(directory, 0700) != 0 || !g_file_set_contents(path, status, -1, NULL))
    g_warn_if_reached();
}

static void
execute(const StandDistributed *distributed, const char *id, const char *sql)
{
  g_autofree char *mark = mark_of(distributed, sql);
  if (!check_and_mark(distributed, mark)) {
    if (distributed->verbose)
      stand_status_log(distributed->log, STAND_SEVERITY_INFO, "distributed.cpp:162",
                       "Not executing distributed denylisted query: \"%s\"", sql);
    answer(distributed, id, "1 " DENYLISTED);
    return;
  }
  if (distributed->verbose || distributed->loginfo)
    stand_status_log(distributed->log, STAND_SEVERITY_INFO,
                     distributed->verbose ? "distributed.cpp:173" : "distributed.cpp:176",
                     "Executing distributed query: %s: %s", id, sql);
  distributed->run(sql, distributed->user_data);
  if (mark != NULL)
    (void)g_unlink(mark);
  answer(distributed, id, "0");
}

/* Returns: the ID of a query that waits, newly allocated; NULL when there is none. */
static char *
find_query(const StandDistributed *distributed)
{
  g_autoptr(GDir) dir = g_dir_open(distributed->directory, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
    if (name[0] != '.')
      return g_strdup(name);
  return NULL;
}

/* Returns: FALSE when nothing waited. A query is gone once it is taken, whatever becomes of it. */
static gboolean
execute_next(gpointer user_data)
{
  const StandDistributed *distributed = user_data;
  g_autofree char *id = find_query(distributed);
  if (id == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename(distributed->directory, id, NULL);
  g_autofree char *sql = NULL;
  if (!g_file_get_contents(path, &sql, NULL, NULL) || g_unlink(path) != 0)
    return FALSE;
  execute(distributed, id, sql);
  return TRUE;
}

StandDistributed *
stand_distributed_new(const StandFlags *flags, StandStatusLog *log, StandRunQuery run,
                      gpointer user_data)
{
  StandDistributed *distributed = g_new0(StandDistributed, 1);
  distributed->directory = stand_flags_text(flags, "distributed");
  distributed->database =
      stand_flags_is_set(flags, "database_path") ? stand_flags_text(flags, "database_path") : NULL;
  distributed->denylisted_s = stand_flags_number(flags, "distributed_denylist_duration");
  distributed->verbose = stand_flags_bool(flags, "verbose");
  distributed->loginfo = stand_flags_bool(flags, "distributed_loginfo");
  distributed->log = log;
  distributed->run = run;
  distributed->user_data = user_data;
  if (*distributed->directory != '\0') /* as the kernel cuts DistributedRunner */
    distributed->runner = stand_runner_start("DistributedRunn", execute_next, distributed);
  return distributed;
}

gboolean
stand_distributed_stop(StandDistributed *distributed, gint64 deadline_us)
{
  if (!stand_runner_stop(distributed->runner, deadline_us))
    return FALSE;
  distributed->runner = NULL;
  return TRUE;
}

void
stand_distributed_free(StandDistributed *distributed)
{
  g_free(distributed);
}
