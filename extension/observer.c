#include "extension/observer.h"

#include "extension/family.h"
#include "extension/own-store.h"
#include "extension/watcher-flags.h"
#include "watchdog/base/timer.h"
#include "watchdog/core/kernel/details.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"

#define ASK_AGAIN_US (1 * G_TIME_SPAN_SECOND)

struct ExtObserver {
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
  ExtObserverOver on_over;
  gpointer user_data;
};

/* --- what the machine says --- */

static void
record(ExtObserver *observer, WdAction *action)
{
  WdEvent *event = g_steal_pointer(&action->event);
  const WdHandle *sight = action->details ? ext_family_sight(observer->family, event->pid) : NULL;
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  if (sight != NULL && event->role != WD_ROLE_WATCHDOG) {
    g_autofree char *seen = g_steal_pointer(&event->details);
    g_autofree char *details = wd_handle_details(sight);
    event->details = wd_details_join(seen, details);
  }
  if (observer->verbose)
    wd_log(event->message);
  wd_writer_append(ext_own_store_writer(observer->store), event);
}

static void
publish(const ExtObserver *observer)
{
  const gint64 now_us = g_get_monotonic_time();
  WdWriter *writer = ext_own_store_writer(observer->store);
  wd_writer_publish(writer,
                    wd_observe_status(observer->observe, now_us, g_get_real_time() - now_us));
  wd_writer_wake(writer);
}

/* Recorded with what comes next, a check later at most. */
static void
hear_writer(const ExtObserver *observer)
{
  guint64 stored, lost;
  g_autoptr(WdRecovery) recovery = NULL;
  wd_writer_collect(ext_own_store_writer(observer->store), &stored, &lost, &recovery);
  if (lost > 0)
    wd_observe_lost(observer->observe, lost, g_get_monotonic_time());
  if (recovery != NULL)
    wd_observe_recovered(observer->observe, recovery, g_get_monotonic_time());
}

static void
carry_out(ExtObserver *observer)
{
  gboolean changed = FALSE;
  g_autoptr(GArray) actions = wd_observe_take_actions(observer->observe);
  for (guint i = 0; i < actions->len; i++) {
    WdAction *action = &g_array_index(actions, WdAction, i);
    WdHandle *sight;
    switch (action->kind) {
    case WD_ACTION_RECORD:
      record(observer, action);
      changed = TRUE;
      break;
    case WD_ACTION_PUBLISH:
      changed = TRUE;
      break;
    case WD_ACTION_REMEMBER_THREADS:
      sight =
          ext_family_sight(observer->family, wd_observe_pid(observer->observe, action->process));
      if (sight != NULL)
        wd_handle_remember_threads(sight);
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
  publish(observer);
  hear_writer(observer);
}

static void
schedule(const ExtObserver *observer)
{
  gint64 next_us = wd_observe_deadline(observer->observe);
  next_us = MIN(next_us, ext_family_next_scan_us(observer->family));
  next_us = MIN(next_us, observer->next_ask_us);
  g_source_set_ready_time(observer->timer, observer->over ? -1 : next_us);
}

/* After anything that may have changed something. */
static void
settle(ExtObserver *observer)
{
  carry_out(observer);
  schedule(observer);
  if (observer->over && observer->on_over != NULL) {
    const ExtObserverOver on_over = g_steal_pointer(&observer->on_over);
    on_over(observer->user_data);
  }
}

/* --- what others tell --- */

static void
on_found(const WdFound *child, gpointer user_data)
{
  ExtObserver *observer = user_data;
  wd_observe_appeared(observer->observe, child, g_get_monotonic_time());
  if (child->role == WD_ROLE_WORKER)
    observer->next_ask_us = g_get_monotonic_time();
}

static void
on_gone(gint64 pid, const WdExit *how, gpointer user_data)
{
  ExtObserver *observer = user_data;
  wd_observe_gone(observer->observe, pid, how, g_get_monotonic_time());
  observer->over = observer->over || pid == observer->watcher_pid;
}

static void
on_heard(gpointer user_data)
{
  settle(user_data);
}

static void
on_flags(const WdLimits *limits, gint64 pid, gpointer data)
{
  ExtObserver *observer = data;
  /* From within the callback the thread is still to be joined: the next asking does that. */
  if (limits != NULL && pid != 0 && pid == ext_family_worker(observer->family)) {
    wd_observe_set_limits(observer->observe, limits);
    observer->next_ask_us = G_MAXINT64;
  } else {
    observer->next_ask_us = g_get_monotonic_time() + ASK_AGAIN_US;
  }
  settle(observer);
}

static void
ask_flags(ExtObserver *observer, gint64 now_us)
{
  g_clear_pointer(&observer->asking, ext_watcher_flags_free);
  observer->next_ask_us = now_us + 10 * ASK_AGAIN_US; /* it tells before, or there was no thread */
  if (ext_family_worker(observer->family) != 0)
    observer->asking = ext_watcher_flags_ask(observer->socket, on_flags, observer);
  else
    observer->next_ask_us = G_MAXINT64; /* until there is one */
}

/* Who serves a registration may be a child of the process that the watcher started. */
static void
find_children(const ExtObserver *observer, WdReport *report)
{
  WdProcStat stat;
  for (guint i = 0; i < report->registrations.n_extensions; i++) {
    WdReportedExtension *extension = &report->registrations.extensions[i];
    if (ext_family_sight(observer->family, extension->pid) == NULL &&
        wd_procfs_read_stat(extension->pid, &stat) && stat.ppid != observer->watcher_pid &&
        ext_family_sight(observer->family, stat.ppid) != NULL)
      extension->pid = stat.ppid;
  }
}

gboolean
ext_observer_reported(ExtObserver *observer, WdReport *report)
{
  const gboolean known = ext_family_is_worker(observer->family, report->worker_pid);
  if (report->kind == WD_REPORT_REGISTRATIONS)
    find_children(observer, report);
  wd_observe_reported(observer->observe, report, g_get_monotonic_time());
  settle(observer);
  return known;
}

/* --- time --- */

static void
tick(ExtObserver *observer, gint64 now_us)
{
  const guint count = wd_observe_count(observer->observe);
  g_autofree WdSample *samples = g_new0(WdSample, count);
  g_autofree const WdSample **wanted = g_new0(const WdSample *, count);
  g_autoptr(GArray) missed = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < count; i++) {
    const gint64 pid = wd_observe_pid(observer->observe, i);
    if (!wd_observe_wants_sample(observer->observe, i, now_us))
      continue;
    const WdHandle *sight = ext_family_sight(observer->family, pid);
    if (sight != NULL && wd_handle_sample(sight, FALSE, &samples[i]))
      wanted[i] = &samples[i];
    else
      g_array_append_val(missed, pid);
  }
  wd_observe_tick(observer->observe, wanted, now_us);
  for (guint i = 0; i < missed->len; i++)
    ext_family_missed(observer->family, g_array_index(missed, gint64, i));
}

static gboolean
on_time(gpointer data)
{
  ExtObserver *observer = data;
  const gint64 now_us = g_get_monotonic_time();
  if (wd_observe_deadline(observer->observe) <= now_us)
    tick(observer, now_us);
  if (!observer->over && ext_family_next_scan_us(observer->family) <= now_us)
    ext_family_scan(observer->family, now_us);
  if (!observer->over && observer->next_ask_us <= now_us)
    ask_flags(observer, now_us);
  settle(observer);
  return G_SOURCE_CONTINUE;
}

/* --- begin and end --- */

ExtObserver *
ext_observer_new(const ExtObserverOptions *options, gint64 watcher_pid, ExtObserverOver over,
                 gpointer user_data, GError **error)
{
  static const ExtFamilyNews NEWS = {.found = on_found, .gone = on_gone, .heard = on_heard};
  g_autoptr(ExtObserver) observer = g_new0(ExtObserver, 1);
  WdFound watcher;
  observer->socket = g_strdup(options->socket);
  observer->verbose = options->verbose;
  observer->watcher_pid = watcher_pid;
  observer->next_ask_us = G_MAXINT64;
  observer->on_over = over;
  observer->user_data = user_data;
  observer->store = ext_own_store_new(options->state_dir, options->runtime_dir, watcher_pid, error);
  if (observer->store != NULL)
    observer->family = ext_family_new(watcher_pid, &NEWS, observer, &watcher, error);
  if (observer->family == NULL)
    return NULL;
  observer->observe = wd_observe_new(&watcher, options->report_interval_s, g_get_monotonic_time());
  observer->timer = wd_timer_new(on_time, observer);
  ext_family_scan(observer->family, g_get_monotonic_time());
  settle(observer);
  return g_steal_pointer(&observer);
}

gboolean
ext_observer_free(ExtObserver *observer)
{
  if (observer == NULL)
    return TRUE;
  g_clear_pointer(&observer->asking, ext_watcher_flags_free);
  if (observer->observe != NULL) {
    ext_family_tell_ends(observer->family);
    wd_observe_stop(observer->observe, g_get_monotonic_time());
    carry_out(observer);
    wd_timer_free(observer->timer);
  }
  const gboolean done = ext_own_store_free(observer->store);
  ext_family_free(observer->family);
  wd_observe_free(observer->observe);
  g_free(observer->socket);
  g_free(observer);
  return done;
}
