#include "extension/witness.h"

#include <glib-unix.h>
#include <unistd.h>

#include "extension/watcher-flags.h"
#include "watchdog/kin.h"
#include "watchdog/log.h"
#include "watchdog/private-directory.h"
#include "watchdog/proc-events.h"
#include "watchdog/procfs.h"
#include "watchdog/sight.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"
#include "watchdog/writer.h"

#define SCAN_US (1 * G_TIME_SPAN_SECOND)
/* A child that was just forked still looks like its parent. */
#define FORKED_US (100 * G_TIME_SPAN_MILLISECOND)
#define PUBLISH_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)
#define ASK_AGAIN_US (1 * G_TIME_SPAN_SECOND)
#define FINISH_WAIT_US (2 * G_TIME_SPAN_SECOND)
/* As osquery-watchdogd's defaults. */
#define HISTORY_MAX 10000
#define HISTORY_EXPIRY_S 2592000

struct ExtWitness {
  char *socket;
  gboolean verbose;
  gint64 watcher_pid;
  char watcher_name[WD_PROC_NAME_SIZE];
  gint64 worker_pid; /* 0: none runs, as far as we know */
  WdObserve *observe;
  GHashTable *sights; /* pid to WdSight; of all that the machine knows */
  int proc_events;    /* -1: not to be had */
  guint proc_events_source;
  GSource *timer;
  gint64 next_scan_us;
  gint64 next_publish_us;
  ExtWatcherFlags *asking; /* NULL: nobody is being asked */
  gint64 next_ask_us;      /* G_MAXINT64: the present worker has told */
  int locks[2];            /* of the directories; -1 */
  WdWriter *writer;
  gboolean over; /* the watcher is gone */
  ExtWitnessOver on_over;
  gpointer user_data;
};

gint64
ext_witness_find_watcher(gint64 pid, gboolean any_name)
{
  WdProcStat stat, child;
  if (!wd_kin_stat(pid, &stat) || (!any_name && !wd_kin_is_osqueryd(&stat)))
    return 0;
  g_autoptr(GArray) children = wd_kin_children(pid);
  for (guint i = 0; i < children->len; i++)
    if (wd_kin_stat(g_array_index(children, gint64, i), &child) &&
        g_str_equal(child.name, stat.name))
      return pid;
  return 0;
}

/* --- what the machine says --- */

static void
publish(ExtWitness *witness)
{
  const gint64 now_us = g_get_monotonic_time();
  const gint64 offset_us = g_get_real_time() - now_us;
  wd_writer_publish(witness->writer, wd_observe_status(witness->observe, now_us, offset_us));
  wd_writer_wake(witness->writer);
  witness->next_publish_us = now_us + PUBLISH_US;
}

/* Hands on all events there are. */
static void
flush(ExtWitness *witness)
{
  guint n = 0;
  guint64 stored, lost;
  g_autoptr(WdRecovery) recovery = NULL;
  wd_writer_collect(witness->writer, &stored, &lost, &recovery);
  if (lost > 0)
    wd_observe_lost(witness->observe, lost);
  if (recovery != NULL)
    wd_observe_recovered(witness->observe, recovery);
  for (WdEvent *event; (event = wd_observe_take_event(witness->observe)) != NULL; n++) {
    event->time_s = g_get_real_time() / G_USEC_PER_SEC;
    if (witness->verbose)
      wd_log(event->message);
    wd_writer_append(witness->writer, event);
  }
  if (n > 0)
    publish(witness);
}

/* --- ends --- */

static void
tell_gone(ExtWitness *witness, gint64 pid, const WdExit *how)
{
  if (!wd_observe_knows(witness->observe, pid))
    return;
  wd_observe_gone(witness->observe, pid, how, g_get_monotonic_time());
  g_hash_table_remove(witness->sights, &pid);
  if (pid == witness->worker_pid)
    witness->worker_pid = 0;
  witness->over = witness->over || pid == witness->watcher_pid;
}

static gboolean appeared(ExtWitness *witness, gint64 pid, gboolean ended);

/* Before anything is concluded from a process's not being there: how it went may be known. */
static void
hear_proc_events(ExtWitness *witness)
{
  gint64 pid;
  WdExit how;
  while (witness->proc_events >= 0 && wd_proc_events_next(witness->proc_events, &pid, &how)) {
    if (!wd_observe_knows(witness->observe, pid))
      appeared(witness, pid, TRUE);
    tell_gone(witness, pid, &how);
  }
}

static void
gone(ExtWitness *witness, gint64 pid)
{
  hear_proc_events(witness);
  tell_gone(witness, pid, NULL);
}

/* --- beginnings --- */

static void on_sight_gone(gint64 pid, gpointer data);

static gboolean
is_worker(const ExtWitness *witness, const WdProcStat *stat)
{
  return witness->worker_pid == 0 && g_str_equal(stat->name, witness->watcher_name);
}

static void
add_child(ExtWitness *witness, gint64 pid, const WdProcStat *stat, gboolean worker)
{
  g_autofree char *program = wd_kin_program(pid, stat->name);
  g_autofree char *file = program != NULL ? g_path_get_basename(program) : NULL;
  const WdFound found = {
      .role = worker ? WD_ROLE_WORKER : WD_ROLE_EXTENSION,
      .name = worker         ? "worker"
              : file != NULL ? file
                             : stat->name,
      .path = program,
      .pid = pid,
      .start_ticks = stat->start_ticks,
      .started_us = wd_kin_started_us(stat),
  };
  wd_observe_appeared(witness->observe, &found, g_get_monotonic_time());
  if (!worker)
    return;
  witness->worker_pid = pid;
  witness->next_ask_us = g_get_monotonic_time();
}

/* @ended: it is on its way out, and this is the last moment to see who it was.
 * Returns: FALSE when it is too early to tell. */
static gboolean
appeared(ExtWitness *witness, gint64 pid, gboolean ended)
{
  WdProcStat stat;
  if (!wd_kin_stat(pid, &stat) || stat.ppid != witness->watcher_pid ||
      wd_observe_has_seen(witness->observe, pid, stat.start_ticks))
    return TRUE;
  if (!ended && g_get_monotonic_time() - wd_kin_started_us(&stat) < FORKED_US)
    return FALSE;
  const gboolean worker = is_worker(witness, &stat);
  /* A second one like the watcher itself: an extension that could not be started. */
  if (!worker && g_str_equal(stat.name, witness->watcher_name))
    return TRUE;
  g_autoptr(WdSight) sight = wd_sight_new(pid, stat.start_ticks, on_sight_gone, witness);
  if (sight == NULL && !ended)
    return TRUE;
  add_child(witness, pid, &stat, worker);
  if (sight != NULL)
    g_hash_table_insert(witness->sights, g_memdup2(&pid, sizeof pid), g_steal_pointer(&sight));
  return TRUE;
}

static void
scan(ExtWitness *witness, gint64 now_us)
{
  g_autoptr(GArray) children = wd_kin_children(witness->watcher_pid);
  gboolean all = TRUE;
  for (guint i = 0; i < children->len; i++) {
    const gint64 pid = g_array_index(children, gint64, i);
    if (!wd_observe_knows(witness->observe, pid))
      all = appeared(witness, pid, FALSE) && all;
  }
  witness->next_scan_us = now_us + (all ? SCAN_US : FORKED_US);
}

/* --- the worker's flags --- */

static void schedule(ExtWitness *witness);

static void
on_flags(const WdLimits *limits, gint64 pid, gpointer data)
{
  ExtWitness *witness = data;
  /* From within the callback the thread is still to be joined: the next asking does that. */
  if (limits != NULL && pid != 0 && pid == witness->worker_pid) {
    wd_observe_set_limits(witness->observe, limits);
    witness->next_ask_us = G_MAXINT64;
    publish(witness);
  } else {
    witness->next_ask_us = g_get_monotonic_time() + ASK_AGAIN_US;
  }
  schedule(witness);
}

static void
ask_flags(ExtWitness *witness, gint64 now_us)
{
  g_clear_pointer(&witness->asking, ext_watcher_flags_free);
  witness->next_ask_us = now_us + 10 * ASK_AGAIN_US; /* it tells before, or there was no thread */
  if (witness->worker_pid != 0)
    witness->asking = ext_watcher_flags_ask(witness->socket, on_flags, witness);
  else
    witness->next_ask_us = G_MAXINT64; /* until there is one */
}

/* --- time --- */

static void
look(ExtWitness *witness, gint64 pid, gint64 now_us)
{
  WdSample sample;
  const WdSight *sight = g_hash_table_lookup(witness->sights, &pid);
  if (sight != NULL && wd_sight_sample(sight, &sample))
    wd_observe_looked(witness->observe, pid, &sample, now_us);
  else
    gone(witness, pid);
}

static void
schedule(ExtWitness *witness)
{
  gint64 pid;
  gint64 next_us = wd_observe_next_look(witness->observe, &pid);
  next_us = MIN(next_us, witness->next_scan_us);
  next_us = MIN(next_us, witness->next_publish_us);
  next_us = MIN(next_us, witness->next_ask_us);
  g_source_set_ready_time(witness->timer, witness->over ? -1 : next_us);
}

/* After anything that may have changed something. */
static void
settle(ExtWitness *witness)
{
  flush(witness);
  schedule(witness);
  if (witness->over && witness->on_over != NULL) {
    const ExtWitnessOver on_over = g_steal_pointer(&witness->on_over);
    on_over(witness->user_data);
  }
}

static gboolean
on_time(gpointer data)
{
  ExtWitness *witness = data;
  const gint64 now_us = g_get_monotonic_time();
  gint64 pid;
  while (!witness->over && wd_observe_next_look(witness->observe, &pid) <= now_us)
    look(witness, pid, now_us);
  if (!witness->over && witness->next_scan_us <= now_us)
    scan(witness, now_us);
  if (!witness->over && witness->next_ask_us <= now_us)
    ask_flags(witness, now_us);
  if (witness->next_publish_us <= now_us)
    publish(witness);
  settle(witness);
  return G_SOURCE_CONTINUE;
}

static void
on_sight_gone(gint64 pid, gpointer data)
{
  ExtWitness *witness = data;
  gone(witness, pid);
  settle(witness);
}

static gboolean
on_proc_events(gint fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  ExtWitness *witness = data;
  hear_proc_events(witness);
  settle(witness);
  return G_SOURCE_CONTINUE;
}

/* --- begin and end --- */

static gboolean
open_store(ExtWitness *witness, const ExtWitnessOptions *options, GError **error)
{
  g_autofree char *state_dir = wd_private_directory_prepare(options->state_dir, error);
  g_autofree char *runtime_dir =
      state_dir != NULL ? wd_private_directory_prepare(options->runtime_dir, error) : NULL;
  if (runtime_dir == NULL)
    return FALSE;
  witness->locks[0] = wd_private_directory_lock(state_dir, error);
  if (witness->locks[0] >= 0)
    witness->locks[1] = wd_private_directory_lock(runtime_dir, error);
  if (witness->locks[1] < 0)
    return FALSE;
  g_autofree char *history = g_build_filename(state_dir, WD_HISTORY_FILE, NULL);
  g_autofree char *status = g_build_filename(runtime_dir, WD_STATUS_FILE, NULL);
  g_autofree char *run_id = g_uuid_string_random();
  g_autofree char *boot_id = wd_procfs_boot_id();
  const WdWriterOptions writer = {
      .history_path = history,
      .status_path = status,
      .run_id = run_id,
      .boot_id = boot_id,
      .watchdog_pid = witness->watcher_pid,
      .history_max = HISTORY_MAX,
      .history_expiry_s = HISTORY_EXPIRY_S,
  };
  witness->writer = wd_writer_start(&writer, error);
  return witness->writer != NULL;
}

static gboolean
on_timer(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

/* A timer without a callback's fixed interval: due when its ready time says so. */
static GSourceFuncs timer_functions = {.dispatch = on_timer};

static gboolean
begin(ExtWitness *witness, GError **error)
{
  WdProcStat stat;
  WdSight *sight = NULL;
  if (wd_kin_stat(witness->watcher_pid, &stat))
    sight = wd_sight_new(witness->watcher_pid, stat.start_ticks, on_sight_gone, witness);
  if (sight == NULL) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "process %" G_GINT64_FORMAT " is gone",
                witness->watcher_pid);
    return FALSE;
  }
  g_hash_table_insert(witness->sights, g_memdup2(&witness->watcher_pid, sizeof(gint64)), sight);
  g_strlcpy(witness->watcher_name, stat.name, sizeof witness->watcher_name);
  g_autofree char *program = wd_kin_program(witness->watcher_pid, stat.name);
  const WdFound found = {
      .role = WD_ROLE_WATCHDOG,
      .name = "watchdog",
      .path = program,
      .pid = witness->watcher_pid,
      .start_ticks = stat.start_ticks,
      .started_us = wd_kin_started_us(&stat),
  };
  witness->observe = wd_observe_new(&found, g_get_monotonic_time());
  g_autoptr(GError) refused = NULL;
  witness->proc_events = wd_proc_events_open(witness->watcher_pid, &refused);
  if (witness->proc_events >= 0)
    witness->proc_events_source =
        g_unix_fd_add(witness->proc_events, G_IO_IN, on_proc_events, witness);
  else
    wd_logf("osquery-watchdog.ext: how processes end can't be seen: %s", refused->message);
  if (!wd_sight_has_pidfd(sight))
    wd_log("osquery-watchdog.ext: this kernel has no pidfds: ends are seen up to a second late");
  return TRUE;
}

ExtWitness *
ext_witness_new(const ExtWitnessOptions *options, gint64 watcher_pid, ExtWitnessOver over,
                gpointer user_data, GError **error)
{
  g_autoptr(ExtWitness) witness = g_new0(ExtWitness, 1);
  witness->socket = g_strdup(options->socket);
  witness->verbose = options->verbose;
  witness->watcher_pid = watcher_pid;
  witness->proc_events = witness->locks[0] = witness->locks[1] = -1;
  witness->next_ask_us = G_MAXINT64;
  witness->on_over = over;
  witness->user_data = user_data;
  witness->sights =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)wd_sight_free);
  if (!open_store(witness, options, error) || !begin(witness, error))
    return NULL;
  witness->timer = g_source_new(&timer_functions, sizeof(GSource));
  g_source_set_callback(witness->timer, on_time, witness, NULL);
  g_source_attach(witness->timer, NULL);
  scan(witness, g_get_monotonic_time());
  settle(witness);
  return g_steal_pointer(&witness);
}

void
ext_witness_free(ExtWitness *witness)
{
  if (witness == NULL)
    return;
  g_clear_pointer(&witness->asking, ext_watcher_flags_free);
  if (witness->observe != NULL) {
    hear_proc_events(witness);
    wd_observe_stop(witness->observe);
    flush(witness);
  }
  if (witness->writer != NULL && !wd_writer_finish(witness->writer, FINISH_WAIT_US))
    wd_log("osquery-watchdog.ext: the last events could not be written");
  if (witness->timer != NULL) {
    g_source_destroy(witness->timer);
    g_source_unref(witness->timer);
  }
  g_clear_handle_id(&witness->proc_events_source, g_source_remove);
  if (witness->proc_events >= 0)
    close(witness->proc_events);
  g_hash_table_unref(witness->sights);
  wd_observe_free(witness->observe);
  for (guint i = 0; i < G_N_ELEMENTS(witness->locks); i++)
    if (witness->locks[i] >= 0)
      close(witness->locks[i]);
  g_free(witness->socket);
  g_free(witness);
}
