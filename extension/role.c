#include "extension/role.h"

#include <unistd.h>

#include "extension/family.h"
#include "extension/reporter.h"
#include "extension/observer.h"
#include "watchdog/look/kin.h"
#include "watchdog/record/log.h"

#define SEARCH_MS 1000

struct ExtObserving {
  const ExtOptions *options;
  TableStore *store;
  pid_t parent;          /* who started us */
  ExtChannel *channel;   /* NULL: osquery-watchdogd doesn't hear us */
  ExtWitness *witness;   /* NULL: we observe no watcher */
  ExtObserver *observer; /* NULL: there is nobody to see for */
  gint64 searched;       /* who is, or may become, the watcher to observe */
  guint search_source;   /* ticks until it can be observed; 0: nobody is waited for */
  gboolean refused;      /* by somebody else who writes the store; said once */
  gboolean watcher_gone; /* that was observed */
  gboolean stuck;        /* what was seen of it can't be written: nobody else is observed */
  ExtCalls *calls;
  guint silence_source; /* ticks until the core has answered; 0: it is not waited for */
  ExtObservingOver over;
  gpointer user_data;
};

static ExtTold
on_observation(WdObservation *observation, gpointer user_data)
{
  ExtObserving *observing = user_data;
  if (observing->witness == NULL)
    return observing->channel != NULL ? ext_channel_tell(observing->channel, observation)
                                      : EXT_TOLD_NOBODY;
  return ext_witness_observed(observing->witness, observation) ? EXT_TOLD : EXT_TOLD_LATER;
}

static void
begin_to_see(ExtObserving *observing)
{
  const ExtOptions *options = observing->options;
  if (observing->observer == NULL)
    observing->observer = ext_observer_new(options->socket, observing->store, options->interval_us,
                                           on_observation, observing);
}

/* --- whom to observe --- */

static void
on_watcher_gone(gpointer user_data)
{
  ExtObserving *observing = user_data;
  observing->watcher_gone = TRUE;
  observing->over(observing->user_data);
}

static gboolean
may_observe(const ExtObserving *observing)
{
  const ExtOptions *options = observing->options;
  return options->observe == EXT_OBSERVE_ALWAYS ||
         (options->observe == EXT_OBSERVE_IF_STOCK && options->starter != EXT_STARTED_BY_WATCHDOG);
}

typedef enum {
  BEGUN,
  NO_WATCHER, /* which may change */
  REFUSED,    /* somebody else writes the store; they may end */
  FAILED,
} Begun;

static Begun
begin_to_observe(ExtObserving *observing)
{
  const ExtOptions *options = observing->options;
  const gint64 watcher =
      ext_family_find_watcher(observing->searched, options->observe == EXT_OBSERVE_ALWAYS);
  if (watcher == 0)
    return NO_WATCHER;
  const ExtWitnessOptions witness = {
      .socket = options->socket,
      .state_dir = options->state_dir,
      .runtime_dir = options->runtime_dir,
      .report_interval_s = options->interval_us / G_TIME_SPAN_SECOND,
      .verbose = options->verbose,
  };
  g_autoptr(GError) error = NULL;
  observing->watcher_gone = FALSE;
  observing->witness = ext_witness_new(&witness, watcher, on_watcher_gone, observing, &error);
  if (observing->witness != NULL) {
    wd_logf("osquery-watchdog.ext: observes osqueryd's watcher, process %" G_GINT64_FORMAT,
            watcher);
    begin_to_see(observing);
    return BEGUN;
  }
  const gboolean refused = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
  if (!refused || !observing->refused)
    wd_logf("osquery-watchdog.ext: can't observe osqueryd's watcher%s: %s",
            refused ? " yet, and only reads" : "", error->message);
  observing->refused = refused;
  return refused ? REFUSED : FAILED;
}

static gboolean
on_search(gpointer user_data)
{
  ExtObserving *observing = user_data;
  const Begun begun = begin_to_observe(observing);
  if (begun == NO_WATCHER || begun == REFUSED)
    return G_SOURCE_CONTINUE;
  observing->search_source = 0;
  return G_SOURCE_REMOVE;
}

static void
search_parent(ExtObserving *observing)
{
  if (observing->options->starter != EXT_STARTED_BY_OSQUERY || !may_observe(observing))
    return;
  observing->searched = observing->parent;
  const Begun begun = begin_to_observe(observing);
  if (begun == NO_WATCHER || begun == REFUSED)
    observing->search_source = g_timeout_add(SEARCH_MS, on_search, observing);
}

/* We are registered with the core that is process @manager_pid: by hand, that tells whom to
 * observe; one that started us itself has no watcher. */
static void
search_behind(ExtObserving *observing, gint64 manager_pid)
{
  WdProcStat stat;
  if (manager_pid == observing->parent)
    g_clear_handle_id(&observing->search_source, g_source_remove);
  if (observing->options->starter == EXT_STARTED_BY_OSQUERY || !may_observe(observing))
    return;
  if (observing->watcher_gone && !ext_witness_free(g_steal_pointer(&observing->witness)))
    observing->stuck = TRUE;
  if (observing->stuck || observing->witness != NULL || !wd_kin_stat(manager_pid, &stat))
    return;
  g_clear_handle_id(&observing->search_source, g_source_remove);
  observing->searched = stat.ppid;
  if (begin_to_observe(observing) == REFUSED)
    observing->search_source = g_timeout_add(SEARCH_MS, on_search, observing);
}

/* --- what is seen --- */

static gboolean
on_silence(gpointer user_data)
{
  ExtObserving *observing = user_data;
  if (ext_calls_unanswered(observing->calls))
    ext_observer_unanswered(observing->observer, 0);
  return G_SOURCE_CONTINUE;
}

/* A core that has registered us and doesn't answer for half an interval is told of, from then on
 * until it answers. */
gboolean
ext_observing_calling(ExtObserving *observing, ExtCall call, ExtCalls *calls)
{
  observing->calls = calls;
  if (observing->observer == NULL)
    return FALSE;
  if (call == EXT_CALL_VERIFY && observing->silence_source == 0)
    observing->silence_source =
        g_timeout_add((guint)(observing->options->interval_us / 2 / 1000), on_silence, observing);
  return ext_observer_wants_info(observing->observer);
}

void
ext_observing_called(ExtObserving *observing, const ExtCallResult *result, gint64 own_uuid,
                     gboolean stopping)
{
  if (result->event != EXT_NO_ANSWER)
    g_clear_handle_id(&observing->silence_source, g_source_remove);
  if (result->event == EXT_REGISTERED)
    search_behind(observing, result->manager_pid);
  ExtObserver *observer = observing->observer;
  if (observer == NULL)
    return;
  if ((result->event == EXT_NO_ANSWER && !stopping) || result->event == EXT_NO_CORE)
    ext_observer_unanswered(observer, result->manager_pid);
  if ((result->event == EXT_REGISTERED || result->entries != NULL) && result->manager_pid > 0)
    ext_observer_core(observer, result->manager_pid);
  if (result->info_asked)
    ext_observer_info(observer, result->info);
  if (result->entries != NULL)
    ext_observer_listed(observer, result->entries, own_uuid);
}

ExtObserving *
ext_observing_new(const ExtOptions *options, TableStore *store, ExtObservingOver over,
                  gpointer user_data)
{
  ExtObserving *observing = g_new0(ExtObserving, 1);
  observing->options = options;
  observing->store = store;
  observing->parent = getppid();
  observing->over = over;
  observing->user_data = user_data;
  observing->channel = ext_channel_new(options->observation_fd);
  if (observing->channel != NULL)
    begin_to_see(observing);
  search_parent(observing);
  return observing;
}

void
ext_observing_free(ExtObserving *observing)
{
  if (observing == NULL)
    return;
  g_clear_handle_id(&observing->search_source, g_source_remove);
  g_clear_handle_id(&observing->silence_source, g_source_remove);
  g_clear_pointer(&observing->observer, ext_observer_free);
  (void)ext_witness_free(observing->witness); /* the process ends */
  ext_channel_free(observing->channel);
  g_free(observing);
}
