#include "extension/observer.h"

#include "extension/family.h"
#include "extension/own-store.h"
#include "extension/watcher-flags.h"
#include "watchdog/core/kernel/details.h"
#include "watchdog/look/kin.h"
#include "watchdog/record/log.h"
#include "watchdog/base/timer.h"

#define ASK_AGAIN_US (1 * G_TIME_SPAN_SECOND)

struct ExtWitness {
  char *socket;
  gboolean verbose;
  gint64 watcher_pid;
  ExtFamily *family;
  WdObserve *observe;
  GSource *timer;
  ExtWatcherFlags *asking; /* NULL: nobody is being asked */
  gint64 next_ask_us;      /* G_MAXINT64: the present worker has told */
  ExtOwnStore *store;
  gboolean over; /* the watcher is gone */
  ExtWitnessOver on_over;
  gpointer user_data;
};

/* --- what the machine says --- */

static void
record(ExtWitness *witness, WdAction *action)
{
  WdEvent *event = g_steal_pointer(&action->event);
  const WdSight *sight = action->details ? ext_family_sight(witness->family, event->pid) : NULL;
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  if (sight != NULL && event->role != WD_ROLE_WATCHDOG) {
    g_autofree char *seen = g_steal_pointer(&event->details);
    g_autofree char *details = wd_sight_details(sight);
    event->details = wd_details_join(seen, details);
  }
  if (witness->verbose)
    wd_log(event->message);
  wd_writer_append(ext_own_store_writer(witness->store), event);
}

static void
publish(const ExtWitness *witness)
{
  const gint64 now_us = g_get_monotonic_time();
  WdWriter *writer = ext_own_store_writer(witness->store);
  wd_writer_publish(writer,
                    wd_observe_status(witness->observe, now_us, g_get_real_time() - now_us));
  wd_writer_wake(writer);
}

/* Recorded with what comes next, a check later at most. */
static void
hear_writer(const ExtWitness *witness)
{
  guint64 stored, lost;
  g_autoptr(WdRecovery) recovery = NULL;
  wd_writer_collect(ext_own_store_writer(witness->store), &stored, &lost, &recovery);
  if (lost > 0)
    wd_observe_lost(witness->observe, lost, g_get_monotonic_time());
  if (recovery != NULL)
    wd_observe_recovered(witness->observe, recovery, g_get_monotonic_time());
}

static void
carry_out(ExtWitness *witness)
{
  gboolean changed = FALSE;
  g_autoptr(GArray) actions = wd_observe_take_actions(witness->observe);
  for (guint i = 0; i < actions->len; i++) {
    WdAction *action = &g_array_index(actions, WdAction, i);
    WdSight *sight;
    switch (action->kind) {
    case WD_ACTION_RECORD:
      record(witness, action);
      changed = TRUE;
      break;
    case WD_ACTION_PUBLISH:
      changed = TRUE;
      break;
    case WD_ACTION_REMEMBER_THREADS:
      sight = ext_family_sight(witness->family, wd_observe_pid(witness->observe, action->process));
      if (sight != NULL)
        wd_sight_remember_threads(sight);
      break;
    case WD_ACTION_SPAWN:
    case WD_ACTION_SIGNAL:
    case WD_ACTION_LOG:
    case WD_ACTION_PROBE_MANAGER:
    case WD_ACTION_EXIT:
      break; /* no business of an observer */
    }
  }
  if (!changed)
    return;
  publish(witness);
  hear_writer(witness);
}

static void
schedule(const ExtWitness *witness)
{
  gint64 next_us = wd_observe_deadline(witness->observe);
  next_us = MIN(next_us, ext_family_next_scan_us(witness->family));
  next_us = MIN(next_us, witness->next_ask_us);
  g_source_set_ready_time(witness->timer, witness->over ? -1 : next_us);
}

/* After anything that may have changed something. */
static void
settle(ExtWitness *witness)
{
  carry_out(witness);
  schedule(witness);
  if (witness->over && witness->on_over != NULL) {
    const ExtWitnessOver on_over = g_steal_pointer(&witness->on_over);
    on_over(witness->user_data);
  }
}

/* --- what others tell --- */

static void
on_found(const WdFound *child, gpointer user_data)
{
  ExtWitness *witness = user_data;
  wd_observe_appeared(witness->observe, child, g_get_monotonic_time());
  if (child->role == WD_ROLE_WORKER)
    witness->next_ask_us = g_get_monotonic_time();
}

static void
on_gone(gint64 pid, const WdExit *how, gpointer user_data)
{
  ExtWitness *witness = user_data;
  wd_observe_gone(witness->observe, pid, how, g_get_monotonic_time());
  witness->over = witness->over || pid == witness->watcher_pid;
}

static void
on_heard(gpointer user_data)
{
  settle(user_data);
}

static void
on_flags(const WdLimits *limits, gint64 pid, gpointer data)
{
  ExtWitness *witness = data;
  /* From within the callback the thread is still to be joined: the next asking does that. */
  if (limits != NULL && pid != 0 && pid == ext_family_worker(witness->family)) {
    wd_observe_set_limits(witness->observe, limits);
    witness->next_ask_us = G_MAXINT64;
  } else {
    witness->next_ask_us = g_get_monotonic_time() + ASK_AGAIN_US;
  }
  settle(witness);
}

static void
ask_flags(ExtWitness *witness, gint64 now_us)
{
  g_clear_pointer(&witness->asking, ext_watcher_flags_free);
  witness->next_ask_us = now_us + 10 * ASK_AGAIN_US; /* it tells before, or there was no thread */
  if (ext_family_worker(witness->family) != 0)
    witness->asking = ext_watcher_flags_ask(witness->socket, on_flags, witness);
  else
    witness->next_ask_us = G_MAXINT64; /* until there is one */
}

/* Who serves a registration may be a child of the process that the watcher started. */
static void
find_children(const ExtWitness *witness, WdObservation *report)
{
  WdProcStat stat;
  for (guint i = 0; i < report->report.n_extensions; i++) {
    WdObservedExtension *extension = &report->report.extensions[i];
    if (ext_family_sight(witness->family, extension->pid) == NULL &&
        wd_kin_stat(extension->pid, &stat) && stat.ppid != witness->watcher_pid &&
        ext_family_sight(witness->family, stat.ppid) != NULL)
      extension->pid = stat.ppid;
  }
}

gboolean
ext_witness_observed(ExtWitness *witness, WdObservation *observation)
{
  const gboolean known = ext_family_is_worker(witness->family, observation->worker_pid);
  if (observation->kind == WD_OBSERVATION_REPORT)
    find_children(witness, observation);
  wd_observe_observed(witness->observe, observation, g_get_monotonic_time());
  settle(witness);
  return known;
}

/* --- time --- */

static void
tick(ExtWitness *witness, gint64 now_us)
{
  const guint count = wd_observe_count(witness->observe);
  g_autofree WdSample *samples = g_new0(WdSample, count);
  g_autofree const WdSample **wanted = g_new0(const WdSample *, count);
  g_autoptr(GArray) missed = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < count; i++) {
    const gint64 pid = wd_observe_pid(witness->observe, i);
    if (!wd_observe_wants_sample(witness->observe, i, now_us))
      continue;
    const WdSight *sight = ext_family_sight(witness->family, pid);
    if (sight != NULL && wd_sight_sample(sight, &samples[i]))
      wanted[i] = &samples[i];
    else
      g_array_append_val(missed, pid);
  }
  wd_observe_tick(witness->observe, wanted, now_us);
  for (guint i = 0; i < missed->len; i++)
    ext_family_missed(witness->family, g_array_index(missed, gint64, i));
}

static gboolean
on_time(gpointer data)
{
  ExtWitness *witness = data;
  const gint64 now_us = g_get_monotonic_time();
  if (wd_observe_deadline(witness->observe) <= now_us)
    tick(witness, now_us);
  if (!witness->over && ext_family_next_scan_us(witness->family) <= now_us)
    ext_family_scan(witness->family, now_us);
  if (!witness->over && witness->next_ask_us <= now_us)
    ask_flags(witness, now_us);
  settle(witness);
  return G_SOURCE_CONTINUE;
}

/* --- begin and end --- */

ExtWitness *
ext_witness_new(const ExtWitnessOptions *options, gint64 watcher_pid, ExtWitnessOver over,
                gpointer user_data, GError **error)
{
  static const ExtFamilyNews NEWS = {.found = on_found, .gone = on_gone, .heard = on_heard};
  g_autoptr(ExtWitness) witness = g_new0(ExtWitness, 1);
  WdFound watcher;
  witness->socket = g_strdup(options->socket);
  witness->verbose = options->verbose;
  witness->watcher_pid = watcher_pid;
  witness->next_ask_us = G_MAXINT64;
  witness->on_over = over;
  witness->user_data = user_data;
  witness->store = ext_own_store_new(options->state_dir, options->runtime_dir, watcher_pid, error);
  if (witness->store != NULL)
    witness->family = ext_family_new(watcher_pid, &NEWS, witness, &watcher, error);
  if (witness->family == NULL)
    return NULL;
  witness->observe = wd_observe_new(&watcher, options->report_interval_s, g_get_monotonic_time());
  witness->timer = wd_timer_new(on_time, witness);
  ext_family_scan(witness->family, g_get_monotonic_time());
  settle(witness);
  return g_steal_pointer(&witness);
}

gboolean
ext_witness_free(ExtWitness *witness)
{
  if (witness == NULL)
    return TRUE;
  g_clear_pointer(&witness->asking, ext_watcher_flags_free);
  if (witness->observe != NULL) {
    ext_family_tell_ends(witness->family);
    wd_observe_stop(witness->observe, g_get_monotonic_time());
    carry_out(witness);
    wd_timer_free(witness->timer);
  }
  const gboolean done = ext_own_store_free(witness->store);
  ext_family_free(witness->family);
  wd_observe_free(witness->observe);
  g_free(witness->socket);
  g_free(witness);
  return done;
}
