#include "extension/observer.h"

#include <unistd.h>

#include "extension/family.h"
#include "extension/own-store.h"
#include "extension/status-log.h"
#include "extension/watcher-flags.h"
#include "watchdog/base/source.h"
#include "watchdog/core/machine/observe.h"
#include "watchdog/drive/driver.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"

#define ASK_AGAIN_US (1 * G_TIME_SPAN_SECOND)
/* Shorter than the time for which an end is held, and than any watcher's grace time. */
#define STOP_US (1500 * G_TIME_SPAN_MILLISECOND)

struct ExtObserver {
  const ExtOptions *options;
  gint64 watcher_pid;
  ExtFamily *family;
  WdMachine *machine;
  WdDriver *driver;
  GSource *timer;          /* for what the machine doesn't ask for: scans, and asking for flags */
  ExtWatcherFlags *asking; /* the last question; NULL: none yet */
  gint64 next_ask_us;      /* G_MAXINT64: there is no worker, or it has answered */
  ExtOwnStore *store;
  ExtStatusLog *log; /* the workers' */
  gint64 worker_pid; /* the present one; 0: none */
  gint64 worker_started_us;
  gboolean over; /* the watcher is gone */
  ExtObserverOver on_over;
  gpointer user_data;
};

/* --- for the driver --- */

static WdHandle *
handle_of(guint process, gpointer user_data)
{
  const ExtObserver *observer = user_data;
  return ext_family_handle(observer->family, wd_machine_pid(observer->machine, process));
}

static void
look_at_log(ExtObserver *observer)
{
  ext_status_log_look(observer->log, observer->worker_pid, observer->worker_started_us);
}

/* Of a worker that lives, what it said by the last regular look may be over by now. */
static void
hear(guint process, const WdEvent *event, WdWords *words, gpointer user_data)
{
  ExtObserver *observer = user_data;
  (void)process; /* an end may be recorded when the next worker has the entry */
  if (event->role != WD_ROLE_WORKER)
    return;
  if (event->pid == observer->worker_pid)
    look_at_log(observer);
  words->said = ext_status_log_said(observer->log, event->pid);
}

static void
act(const WdAction *action, gpointer user_data)
{
  const ExtObserver *observer = user_data;
  if (action->kind == WD_ACTION_RECORD && observer->options->verbose)
    wd_log(action->event->message);
}

/* To be called after anything that may have changed something. */
static void
settle(gpointer user_data)
{
  ExtObserver *observer = user_data;
  gint64 next_us = MIN(ext_family_next_scan_us(observer->family), observer->next_ask_us);
  if (observer->worker_pid != 0)
    next_us = MIN(next_us, ext_status_log_next_look_us(observer->log));
  g_source_set_ready_time(observer->timer, observer->over ? -1 : next_us);
  if (observer->over && observer->on_over != NULL) {
    const ExtObserverOver on_over = g_steal_pointer(&observer->on_over);
    on_over(observer->user_data);
  }
}

/* The scan comes first: after a stall both are due, and the machine must not conclude that a worker
 * stays away when it is back. A process that can't be sampled is gone. */
static void
tick(gpointer user_data)
{
  ExtObserver *observer = user_data;
  g_autoptr(GArray) missed = g_array_new(FALSE, FALSE, sizeof(guint));
  ext_family_scan(observer->family);
  wd_driver_tick(observer->driver, missed);
  for (guint i = 0; i < missed->len; i++) {
    const gint64 pid = wd_machine_pid(observer->machine, g_array_index(missed, guint, i));
    if (pid != WD_NONE)
      ext_family_missed(observer->family, pid);
  }
  settle(observer);
}

/* --- what others report --- */

static void
on_found(const WdFound *child, gpointer user_data)
{
  ExtObserver *observer = user_data;
  if (child->role == WD_ROLE_WORKER) {
    observer->next_ask_us = g_get_monotonic_time();
    observer->worker_pid = child->pid;
    observer->worker_started_us = child->started_us;
  }
  wd_driver_feed(observer->driver, &(WdInput){.kind = WD_INPUT_FOUND, .found = *child});
}

static void
on_gone(gint64 pid, const WdExit *how, gpointer user_data)
{
  ExtObserver *observer = user_data;
  WdInput input = {.kind = WD_INPUT_EXITED, .exited = *how};
  if (pid == observer->worker_pid) {
    look_at_log(observer);
    observer->worker_pid = 0;
  }
  if (wd_observe_find(observer->machine, pid, &input.process))
    wd_driver_feed(observer->driver, &input);
  observer->over = observer->over || pid == observer->watcher_pid;
}

static void
on_flags(const WdLimits *limits, const char *log_directory, gint64 pid, gpointer data)
{
  ExtObserver *observer = data;
  /* The next ask_flags() frees @asking, because its thread can't be joined from this callback. */
  if (limits != NULL && pid != 0 && pid == ext_family_worker(observer->family)) {
    wd_driver_feed(observer->driver, &(WdInput){.kind = WD_INPUT_LIMITS, .limits = limits});
    observer->next_ask_us = G_MAXINT64;
    ext_status_log_set_directory(observer->log, log_directory);
    look_at_log(observer);
  } else {
    observer->next_ask_us = g_get_monotonic_time() + ASK_AGAIN_US;
  }
  settle(observer);
}

static void
ask_flags(ExtObserver *observer, gint64 now_us)
{
  g_clear_pointer(&observer->asking, ext_watcher_flags_free);
  observer->next_ask_us = now_us + 10 * ASK_AGAIN_US; /* if there is no thread to ask */
  if (ext_family_worker(observer->family) != 0)
    observer->asking = ext_watcher_flags_ask(observer->options->socket, on_flags, observer);
  else
    observer->next_ask_us = G_MAXINT64; /* until there is one */
}

/* A registration may be served by a child of the process that the watcher started: names the latter
 * instead. */
static void
find_children(const ExtObserver *observer, WdReport *report)
{
  WdProcStat stat;
  for (guint i = 0; i < report->registrations.n_extensions; i++) {
    WdReportedExtension *extension = &report->registrations.extensions[i];
    if (ext_family_handle(observer->family, extension->pid) == NULL &&
        wd_procfs_read_stat(extension->pid, &stat) && stat.ppid != observer->watcher_pid &&
        ext_family_handle(observer->family, stat.ppid) != NULL)
      extension->pid = stat.ppid;
  }
}

gboolean
ext_observer_reported(ExtObserver *observer, WdReport *report)
{
  const gboolean known = ext_family_is_worker(observer->family, report->worker_pid);
  if (report->kind == WD_REPORT_REGISTRATIONS)
    find_children(observer, report);
  wd_driver_feed(observer->driver, &(WdInput){.kind = WD_INPUT_REPORT, .report = report});
  settle(observer);
  return known;
}

static gboolean
on_time(gpointer data)
{
  ExtObserver *observer = data;
  const gint64 now_us = g_get_monotonic_time();
  if (observer->over)
    return G_SOURCE_CONTINUE;
  ext_family_scan(observer->family);
  if (!observer->over && observer->next_ask_us <= now_us)
    ask_flags(observer, now_us);
  if (observer->worker_pid != 0 && ext_status_log_next_look_us(observer->log) <= now_us)
    look_at_log(observer);
  settle(observer);
  return G_SOURCE_CONTINUE;
}

/* --- begin and end --- */

ExtObserver *
ext_observer_new(const ExtOptions *options, gint64 watcher_pid, ExtObserverOver over,
                 gpointer user_data, GError **error)
{
  static const ExtFamilyNews NEWS = {.found = on_found, .gone = on_gone, .done = settle};
  g_autoptr(ExtObserver) observer = g_new0(ExtObserver, 1);
  WdFound watcher;
  observer->options = options;
  observer->watcher_pid = watcher_pid;
  observer->next_ask_us = G_MAXINT64;
  observer->on_over = over;
  observer->user_data = user_data;
  observer->store = ext_own_store_new(options->state_dir, options->runtime_dir, watcher_pid, error);
  if (observer->store != NULL)
    observer->family = ext_family_new(watcher_pid, &NEWS, observer, &watcher, error);
  if (observer->family == NULL)
    return NULL;
  observer->log = ext_status_log_new();
  observer->machine =
      wd_observe_new(&watcher, options->interval_us / G_TIME_SPAN_SECOND, g_get_monotonic_time());
  observer->driver = wd_driver_new(&(WdDriverParts){.machine = observer->machine,
                                                    .writer = ext_own_store_writer(observer->store),
                                                    .handle = handle_of,
                                                    .hear = hear,
                                                    .act = act,
                                                    .tick = tick,
                                                    .user_data = observer});
  observer->timer = wd_timer_new(on_time, observer);
  ext_family_scan(observer->family);
  settle(observer);
  return g_steal_pointer(&observer);
}

/* A watcher that stops asks all its children at once, us among them, and waits for all of them.
 * Only the ends of the others show that we aren't asked alone. */
static gint64
await_until_us(const ExtObserver *observer)
{
  const gboolean child = ext_family_handle(observer->family, getpid()) != NULL;
  return child && !observer->over ? g_get_monotonic_time() + STOP_US : 0;
}

gboolean
ext_observer_free(ExtObserver *observer)
{
  if (observer == NULL)
    return TRUE;
  g_clear_pointer(&observer->asking, ext_watcher_flags_free);
  if (observer->driver != NULL) {
    ext_family_await_ends(observer->family, await_until_us(observer));
    wd_driver_feed(observer->driver, &(WdInput){.kind = WD_INPUT_STOP});
    wd_driver_free(observer->driver);
    wd_timer_free(observer->timer);
  }
  ext_status_log_free(observer->log);
  const gboolean done = ext_own_store_free(observer->store);
  ext_family_free(observer->family);
  wd_machine_free(observer->machine);
  g_free(observer);
  return done;
}
