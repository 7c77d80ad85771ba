#include "extension/reporter.h"

#include <unistd.h>

#include "extension/denylist.h"
#include "extension/job.h"
#include "thrift/client.h"
#include "thrift/ping.h"
#include "watchdog/core/event/safe-text.h"

/* An empty schedule is asked for again after one interval, two, four, … but at most after this
 * time, and at most so often, which takes an hour and a half. */
#define ASK_LONGEST_US (5 * G_TIME_SPAN_MINUTE)
#define ASKS_MAX 25
/* At most so many denylisted queries wait to be sent. */
#define UNSENT_MAX 1000

/* One round of pings. */
typedef struct {
  ExtJob *job;        /* NULL: none is under way */
  GArray *pinged;     /* a WirePinged for each of @entries; the job's until it is done */
  GPtrArray *entries; /* of WireExtensionEntry */
} Round;

struct ExtReporter {
  ExtReporterSend send;
  gpointer user_data;
  gboolean unread; /* nothing reads the reports any more */
  const char *socket;
  TableStore *store;
  gint64 interval_us;

  gint64 manager_pid; /* of the core; 0: none yet */
  char *version;
  gint64 own_uuid;
  GHashTable *pids; /* uuid → pid of the last round, both gint64 * */
  Round round;

  gboolean info_done;     /* this core is not asked again */
  gboolean schedule_read; /* its schedule is known */
  guint asks;
  gint64 next_ask_us;
  GQueue unsent; /* of ExtDenylisted */
};

/* --- sending --- */

/* Returns: FALSE when it has to be sent again. */
static gboolean
send_report(ExtReporter *reporter, WdReport *report)
{
  const ExtSent sent = reporter->send(report, reporter->user_data);
  reporter->unread = sent == EXT_SENT_TO_NOBODY;
  return sent != EXT_SENT_LATER;
}

static WdReport *
report_of_kind(const ExtReporter *reporter, WdReportKind kind)
{
  WdReport *report = g_new0(WdReport, 1);
  report->kind = kind;
  report->worker_pid = reporter->manager_pid;
  return report;
}

static void
send_denylisted(ExtReporter *reporter)
{
  gboolean sent = TRUE;
  while (sent && !g_queue_is_empty(&reporter->unsent)) {
    const ExtDenylisted *next = g_queue_peek_head(&reporter->unsent);
    g_autofree WdReport *report = report_of_kind(reporter, WD_REPORT_DENYLISTED);
    wd_text_copy_safe(report->denylisted.name, sizeof report->denylisted.name, next->name, FALSE);
    wd_text_copy_safe(report->denylisted.query, sizeof report->denylisted.query, next->query, TRUE);
    sent = send_report(reporter, report);
    if (sent)
      ext_denylisted_free(g_queue_pop_head(&reporter->unsent));
  }
}

static WdReport *
registrations_new(const ExtReporter *reporter, gboolean responsive)
{
  WdReport *report = report_of_kind(reporter, WD_REPORT_REGISTRATIONS);
  report->registrations.responsive = responsive;
  report->registrations.schedule_read = reporter->schedule_read && reporter->unsent.length == 0;
  wd_text_copy_safe(report->registrations.version, sizeof report->registrations.version,
                    reporter->version, FALSE);
  return report;
}

static void
send_list(ExtReporter *reporter, WdReport *report)
{
  if (reporter->manager_pid > 0)
    (void)send_report(reporter, report);
}

/* --- a round of pings --- */

static void
ping_all(gpointer data, gint64 deadline_us, GCancellable *cancellable)
{
  ExtReporter *reporter = data;
  wire_ping_all(reporter->round.pinged, deadline_us, cancellable);
}

static void
round_clear(Round *round)
{
  g_clear_pointer(&round->job, ext_job_free);
  g_clear_pointer(&round->pinged, g_array_unref);
  g_clear_pointer(&round->entries, g_ptr_array_unref);
}

/* If @pid is unknown, takes the last round's, because a registration keeps its process: a socket
 * with a full backlog doesn't show it. */
static gint64
pid_of(ExtReporter *reporter, GHashTable *seen, const WireExtensionEntry *entry, gint64 pid)
{
  const gint64 *before = g_hash_table_lookup(reporter->pids, &entry->uuid);
  gint64 *known = g_new(gint64, 1);
  *known = pid != 0 ? pid : before != NULL ? *before : 0;
  g_hash_table_insert(seen, g_memdup2(&entry->uuid, sizeof entry->uuid), known);
  return *known;
}

static void
add_to_report(WdReport *report, const WireExtensionEntry *entry, gint64 pid, gboolean responsive)
{
  if (pid <= 0 || entry->uuid <= 0 || entry->uuid > G_MAXUINT16 ||
      report->registrations.n_extensions == WD_REPORTED_EXTENSIONS_MAX) {
    report->registrations.unattributed = TRUE;
    return;
  }
  WdReportedExtension *extension =
      &report->registrations.extensions[report->registrations.n_extensions++];
  extension->pid = pid;
  extension->uuid = entry->uuid;
  extension->responsive = responsive;
  wd_text_copy_safe(extension->version, sizeof extension->version, entry->version, FALSE);
}

static void
report_round(ExtReporter *reporter)
{
  const Round *round = &reporter->round;
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  g_autofree WdReport *report = registrations_new(reporter, TRUE);
  report->registrations.listed = TRUE;
  for (guint i = 0; i < round->entries->len; i++) {
    const WireExtensionEntry *entry = g_ptr_array_index(round->entries, i);
    const WirePinged *pinged = &g_array_index(round->pinged, WirePinged, i);
    const gboolean own = entry->uuid == reporter->own_uuid;
    const gint64 pid = own ? getpid() : pid_of(reporter, seen, entry, pinged->pid);
    add_to_report(report, entry, pid, own || pinged->responded);
  }
  g_clear_pointer(&reporter->pids, g_hash_table_unref);
  reporter->pids = g_steal_pointer(&seen);
  send_list(reporter, report);
}

static void
on_round_done(gpointer data, const GError *error)
{
  ExtReporter *reporter = data;
  if (error == NULL)
    report_round(reporter);
  round_clear(&reporter->round);
}

void
ext_reporter_listed(ExtReporter *reporter, GPtrArray *entries, gint64 own_uuid)
{
  Round *round = &reporter->round;
  send_denylisted(reporter);
  if (round->job != NULL)
    return; /* the last round still runs, and its report is enough */
  reporter->own_uuid = own_uuid;
  round->entries = g_ptr_array_ref(entries);
  round->pinged = g_array_new(FALSE, TRUE, sizeof(WirePinged));
  g_array_set_clear_func(round->pinged, (GDestroyNotify)wire_pinged_clear);
  for (guint i = 0; i < entries->len; i++) {
    const WireExtensionEntry *entry = g_ptr_array_index(entries, i);
    WirePinged pinged = {.path = NULL}; /* ourselves we know */
    if (entry->uuid != own_uuid)
      pinged.path = g_strdup_printf("%s.%" G_GINT64_FORMAT, reporter->socket, entry->uuid);
    g_array_append_val(round->pinged, pinged);
  }
  round->job = ext_job_new("pings", reporter->interval_us / 2, ping_all, on_round_done, reporter);
}

/* --- the core --- */

void
ext_reporter_core(ExtReporter *reporter, gint64 manager_pid)
{
  if (manager_pid == reporter->manager_pid)
    return;
  reporter->manager_pid = manager_pid;
  g_clear_pointer(&reporter->version, g_free);
  g_hash_table_remove_all(reporter->pids);
  reporter->info_done = reporter->schedule_read = FALSE;
  reporter->asks = 0;
  reporter->next_ask_us = 0;
  g_queue_clear_full(&reporter->unsent, (GDestroyNotify)ext_denylisted_free);
}

gboolean
ext_reporter_wants_info(const ExtReporter *reporter)
{
  return !reporter->unread && !reporter->info_done &&
         g_get_monotonic_time() >= reporter->next_ask_us;
}

/* Returns: FALSE when the history can't be read. */
static gboolean
find_news(ExtReporter *reporter, const ExtCoreInfo *info)
{
  if (info->denylisted->len == 0)
    return TRUE;
  const gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  const gint64 start_s = info->start_time_s > 0 ? info->start_time_s : now_s;
  g_autoptr(GHashTable) recorded = ext_denylist_read(reporter->store, now_s, NULL);
  if (recorded == NULL)
    return FALSE;
  for (guint i = 0; i < info->denylisted->len && reporter->unsent.length < UNSENT_MAX; i++) {
    const ExtDenylisted *denylisted = g_ptr_array_index(info->denylisted, i);
    char name[WD_REPORTED_QUERY_NAME_MAX + 1]; /* as it was sent */
    wd_text_copy_safe(name, sizeof name, denylisted->name, FALSE);
    const gint64 *recorded_s = g_hash_table_lookup(recorded, name);
    if (name[0] == '\0' || !ext_denylist_is_news(recorded_s != NULL ? *recorded_s : 0, start_s))
      continue;
    ExtDenylisted *copy = g_new(ExtDenylisted, 1);
    *copy = (ExtDenylisted){g_strdup(denylisted->name), g_strdup(denylisted->query)};
    g_queue_push_tail(&reporter->unsent, copy);
  }
  return TRUE;
}

void
ext_reporter_info(ExtReporter *reporter, const ExtCoreInfo *info)
{
  const guint doublings = MIN(reporter->asks, 16);
  reporter->next_ask_us =
      g_get_monotonic_time() + MIN(reporter->interval_us << doublings, ASK_LONGEST_US);
  reporter->asks++;
  reporter->info_done = reporter->asks >= ASKS_MAX;
  if (info == NULL)
    return;
  if (info->version != NULL) {
    g_free(reporter->version);
    reporter->version = g_strdup(info->version);
  }
  if (info->scheduled && find_news(reporter, info))
    reporter->info_done = reporter->schedule_read = TRUE;
}

void
ext_reporter_unanswered(ExtReporter *reporter, gint64 manager_pid)
{
  if (manager_pid > 0)
    ext_reporter_core(reporter, manager_pid);
  g_autofree WdReport *report = registrations_new(reporter, FALSE);
  send_list(reporter, report);
}

ExtReporter *
ext_reporter_new(const char *socket, TableStore *store, gint64 interval_us, ExtReporterSend sending,
                 gpointer user_data)
{
  ExtReporter *reporter = g_new0(ExtReporter, 1);
  reporter->send = sending;
  reporter->user_data = user_data;
  reporter->socket = socket;
  reporter->store = store;
  reporter->interval_us = interval_us;
  reporter->pids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  return reporter;
}

void
ext_reporter_free(ExtReporter *reporter)
{
  if (reporter == NULL)
    return;
  round_clear(&reporter->round);
  g_queue_clear_full(&reporter->unsent, (GDestroyNotify)ext_denylisted_free);
  g_hash_table_unref(reporter->pids);
  g_free(reporter->version);
  g_free(reporter);
}
