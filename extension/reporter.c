#include "extension/reporter.h"

#include <unistd.h>

#include "extension/denylist.h"

/* An empty schedule is asked for again after one interval, two, four, … at most this long, and so
 * often at most: an hour and a half. */
#define ASK_LONGEST_US (5 * G_TIME_SPAN_MINUTE)
#define ASKS_MAX 25
/* What waits to be told. */
#define UNTOLD_MAX 1000

/* One round of pings; its thread has it to itself until it attaches @done. */
typedef struct {
  GThread *thread; /* NULL: none is under way */
  GSource *done;
  GArray *pinged;     /* of WirePinged, as @entries */
  GPtrArray *entries; /* of WireExtensionEntry */
  gint64 deadline_us;
  GCancellable *cancellable;
} Round;

struct ExtObserver {
  ExtObserverTell tell;
  gpointer user_data;
  gboolean deaf; /* nobody listens any more */
  const char *socket;
  TableStore *store;
  gint64 interval_us;

  gint64 manager_pid; /* 0: none yet */
  char *version;
  gint64 own_uuid;
  GHashTable *pids; /* uuid → pid, as seen in the round before: both gint64 * */
  Round round;

  gboolean info_done; /* nothing more is asked of this core */
  guint asks;
  gint64 next_ask_us;
  GQueue untold; /* of ExtDenylisted */
};

/* --- telling --- */

/* Returns: FALSE when it has to be told again. */
static gboolean
tell(ExtObserver *observer, WdObservation *observation)
{
  const ExtTold told = observer->tell(observation, observer->user_data);
  observer->deaf = told == EXT_TOLD_NOBODY;
  return told != EXT_TOLD_LATER;
}

static WdObservation *
observation_new(const ExtObserver *observer, WdObservationKind kind)
{
  WdObservation *observation = g_new0(WdObservation, 1);
  observation->kind = kind;
  observation->worker_pid = observer->manager_pid;
  return observation;
}

static void
tell_denylisted(ExtObserver *observer)
{
  gboolean told = TRUE;
  while (told && !g_queue_is_empty(&observer->untold)) {
    const ExtDenylisted *next = g_queue_peek_head(&observer->untold);
    g_autofree WdObservation *observation = observation_new(observer, WD_OBSERVATION_DENYLISTED);
    wd_observation_set_text(observation->denylisted.name, sizeof observation->denylisted.name,
                            next->name, FALSE);
    wd_observation_set_text(observation->denylisted.query, sizeof observation->denylisted.query,
                            next->query, TRUE);
    told = tell(observer, observation);
    if (told)
      ext_denylisted_free(g_queue_pop_head(&observer->untold));
  }
}

static WdObservation *
report_new(const ExtObserver *observer, gboolean responsive)
{
  WdObservation *report = observation_new(observer, WD_OBSERVATION_REPORT);
  report->report.responsive = responsive;
  wd_observation_set_text(report->report.version, sizeof report->report.version, observer->version,
                          FALSE);
  return report;
}

/* One that is lost is followed by the next. */
static void
tell_report(ExtObserver *observer, WdObservation *report)
{
  if (observer->manager_pid > 0)
    (void)tell(observer, report);
}

/* --- a round of pings --- */

static void
clear_pinged(gpointer pinged)
{
  wire_pinged_clear(pinged);
}

static gpointer
ping_all(gpointer data)
{
  Round *round = data;
  wire_ping_all(round->pinged, round->deadline_us, round->cancellable);
  g_source_attach(round->done, NULL);
  return NULL;
}

static void
round_clear(Round *round)
{
  g_clear_pointer(&round->thread, g_thread_join);
  if (round->done != NULL)
    g_source_destroy(round->done);
  g_clear_pointer(&round->done, g_source_unref);
  g_clear_pointer(&round->pinged, g_array_unref);
  g_clear_pointer(&round->entries, g_ptr_array_unref);
  g_clear_object(&round->cancellable);
}

/* A registration keeps its process; one whose backlog is full tells it no more. */
static gint64
pid_of(ExtObserver *observer, GHashTable *seen, const WireExtensionEntry *entry, gint64 pid)
{
  const gint64 *before = g_hash_table_lookup(observer->pids, &entry->uuid);
  gint64 *known = g_new(gint64, 1);
  *known = pid != 0 ? pid : before != NULL ? *before : 0;
  g_hash_table_insert(seen, g_memdup2(&entry->uuid, sizeof entry->uuid), known);
  return *known;
}

static void
add_to_report(WdObservation *report, const WireExtensionEntry *entry, gint64 pid,
              gboolean responsive)
{
  if (pid <= 0 || entry->uuid <= 0 || entry->uuid > G_MAXUINT16 ||
      report->report.n_extensions == WD_OBSERVED_EXTENSIONS_MAX)
    return;
  WdObservedExtension *extension = &report->report.extensions[report->report.n_extensions++];
  extension->pid = pid;
  extension->uuid = entry->uuid;
  extension->responsive = responsive;
  wd_observation_set_text(extension->version, sizeof extension->version, entry->version, FALSE);
}

static gboolean
on_round_done(gpointer data)
{
  ExtObserver *observer = data;
  Round *round = &observer->round;
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  g_autofree WdObservation *report = report_new(observer, TRUE);
  report->report.listed = TRUE;
  for (guint i = 0; i < round->entries->len; i++) {
    const WireExtensionEntry *entry = g_ptr_array_index(round->entries, i);
    const WirePinged *pinged = &g_array_index(round->pinged, WirePinged, i);
    const gboolean own = entry->uuid == observer->own_uuid;
    const gint64 pid = own ? getpid() : pid_of(observer, seen, entry, pinged->pid);
    add_to_report(report, entry, pid, own || pinged->responded);
  }
  g_clear_pointer(&observer->pids, g_hash_table_unref);
  observer->pids = g_steal_pointer(&seen);
  tell_report(observer, report);
  round_clear(round);
  return G_SOURCE_REMOVE;
}

void
ext_observer_listed(ExtObserver *observer, GPtrArray *entries, gint64 own_uuid)
{
  Round *round = &observer->round;
  tell_denylisted(observer);
  if (round->done != NULL)
    return; /* the one before still goes on: its report will do */
  observer->own_uuid = own_uuid;
  round->entries = g_ptr_array_ref(entries);
  round->pinged = g_array_new(FALSE, TRUE, sizeof(WirePinged));
  g_array_set_clear_func(round->pinged, clear_pinged);
  for (guint i = 0; i < entries->len; i++) {
    const WireExtensionEntry *entry = g_ptr_array_index(entries, i);
    WirePinged pinged = {.path = NULL}; /* ourselves we know */
    if (entry->uuid != own_uuid)
      pinged.path = g_strdup_printf("%s.%" G_GINT64_FORMAT, observer->socket, entry->uuid);
    g_array_append_val(round->pinged, pinged);
  }
  round->deadline_us = g_get_monotonic_time() + observer->interval_us / 2;
  round->cancellable = g_cancellable_new();
  round->done = g_idle_source_new();
  g_source_set_priority(round->done, G_PRIORITY_DEFAULT);
  g_source_set_callback(round->done, on_round_done, observer, NULL);
  round->thread = g_thread_try_new("pings", ping_all, round, NULL);
  if (round->thread == NULL)
    round_clear(round);
}

/* --- the core --- */

static void
forget_untold(ExtObserver *observer)
{
  ExtDenylisted *denylisted;
  while ((denylisted = g_queue_pop_head(&observer->untold)) != NULL)
    ext_denylisted_free(denylisted);
}

void
ext_observer_core(ExtObserver *observer, gint64 manager_pid)
{
  if (manager_pid == observer->manager_pid)
    return;
  observer->manager_pid = manager_pid;
  g_clear_pointer(&observer->version, g_free);
  g_hash_table_remove_all(observer->pids);
  observer->info_done = FALSE;
  observer->asks = 0;
  observer->next_ask_us = 0;
  forget_untold(observer);
}

gboolean
ext_observer_wants_info(const ExtObserver *observer)
{
  return !observer->deaf && !observer->info_done && g_get_monotonic_time() >= observer->next_ask_us;
}

/* Returns: FALSE when the history can't be read. */
static gboolean
find_news(ExtObserver *observer, const ExtCoreInfo *info)
{
  if (info->denylisted->len == 0)
    return TRUE;
  const gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  const gint64 start_s = info->start_time_s > 0 ? info->start_time_s : now_s;
  g_autoptr(GHashTable) recorded = ext_denylist_read(observer->store, now_s, NULL);
  if (recorded == NULL)
    return FALSE;
  for (guint i = 0; i < info->denylisted->len && observer->untold.length < UNTOLD_MAX; i++) {
    const ExtDenylisted *denylisted = g_ptr_array_index(info->denylisted, i);
    char name[WD_OBSERVED_QUERY_NAME_MAX + 1]; /* as it was told */
    wd_observation_set_text(name, sizeof name, denylisted->name, FALSE);
    const gint64 *recorded_s = g_hash_table_lookup(recorded, name);
    if (name[0] == '\0' || !ext_denylist_is_news(recorded_s != NULL ? *recorded_s : 0, start_s))
      continue;
    ExtDenylisted *copy = g_new(ExtDenylisted, 1);
    *copy = (ExtDenylisted){g_strdup(denylisted->name), g_strdup(denylisted->query)};
    g_queue_push_tail(&observer->untold, copy);
  }
  return TRUE;
}

void
ext_observer_info(ExtObserver *observer, const ExtCoreInfo *info)
{
  const guint doublings = MIN(observer->asks, 16);
  observer->next_ask_us =
      g_get_monotonic_time() + MIN(observer->interval_us << doublings, ASK_LONGEST_US);
  observer->asks++;
  observer->info_done = observer->asks >= ASKS_MAX;
  if (info == NULL)
    return;
  if (info->version != NULL) {
    g_free(observer->version);
    observer->version = g_strdup(info->version);
  }
  if (info->scheduled && find_news(observer, info))
    observer->info_done = TRUE;
}

void
ext_observer_unanswered(ExtObserver *observer, gint64 manager_pid)
{
  if (manager_pid > 0)
    ext_observer_core(observer, manager_pid);
  g_autofree WdObservation *report = report_new(observer, FALSE);
  tell_report(observer, report);
}

ExtObserver *
ext_observer_new(const char *socket, TableStore *store, gint64 interval_us, ExtObserverTell telling,
                 gpointer user_data)
{
  ExtObserver *observer = g_new0(ExtObserver, 1);
  observer->tell = telling;
  observer->user_data = user_data;
  observer->socket = socket;
  observer->store = store;
  observer->interval_us = interval_us;
  observer->pids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  g_queue_init(&observer->untold);
  return observer;
}

void
ext_observer_free(ExtObserver *observer)
{
  if (observer == NULL)
    return;
  if (observer->round.cancellable != NULL)
    g_cancellable_cancel(observer->round.cancellable);
  round_clear(&observer->round);
  forget_untold(observer);
  g_hash_table_unref(observer->pids);
  g_free(observer->version);
  g_free(observer);
}
