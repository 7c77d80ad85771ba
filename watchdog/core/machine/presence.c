#include "watchdog/core/machine/presence.h"

#include <string.h>

#include "watchdog/core/event/json.h"

/* A report comes every interval. After this many without one, reports stay away. */
#define REPORTS_MISSED 3
#define REPORT_SLACK_US (2 * G_TIME_SPAN_SECOND)
/* No worker denylists more queries than this. */
#define DENYLISTED_MAX 1000

void
wd_presence_begin(WdMachine *machine)
{
  machine->heard_us = machine->now_us;
  machine->unattributed = FALSE;
}

static gint64
patience_us(const WdMachine *machine)
{
  const gint64 interval_us = MAX(machine->limits.extensions_interval_s, 1) * G_USEC_PER_SEC;
  return REPORTS_MISSED * interval_us + REPORT_SLACK_US;
}

/* Whether the last report still holds. */
static gboolean
reports_come(const WdMachine *machine, gint64 now_us)
{
  return now_us - machine->heard_us <= patience_us(machine);
}

/* --- registrations --- */

/* A registration that is missing from a report was seen to be gone. One whose process is gone is
 * inferred to be. */
void
wd_presence_lost(WdMachine *machine, WdProcess *extension, WdReason reason, guint64 cause_seq)
{
  WdPresence *presence = &extension->presence;
  if (presence->registered == TRUE) {
    WdEvent *event = wd_process_event(extension, WD_EVENT_EXTENSION_UNREGISTERED, reason);
    event->cause_seq = cause_seq;
    event->details = wd_json_number("uuid", presence->uuid);
    presence->held_uuid = reason == WD_REASON_REGISTRATION ? WD_NONE : presence->uuid;
    presence->missing_seq =
        wd_machine_record(machine, extension, event,
                          reason == WD_REASON_REGISTRATION ? WD_RECORD_PLAIN : WD_RECORD_INFERRED);
  }
  if (presence->registered != WD_NONE)
    presence->registered = FALSE;
  presence->uuid = WD_NONE;
  presence->responsive = WD_NONE;
  presence->missing_since_us = WD_NONE;
}

void
wd_presence_end(WdMachine *machine)
{
  const guint64 gone_seq = wd_machine_worker(machine)->gone_seq;
  g_hash_table_remove_all(machine->denylisted);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    wd_presence_lost(machine, extension, WD_REASON_WORKER_GONE, gone_seq);
    extension->presence.held_uuid = WD_NONE;
  }
}

static void
registered(WdMachine *machine, WdProcess *extension, const WdReportedExtension *entry)
{
  WdPresence *presence = &extension->presence;
  if (presence->registered == TRUE && presence->uuid != entry->uuid)
    wd_presence_lost(machine, extension, WD_REASON_REGISTRATION, 0);
  const gboolean news = presence->registered != TRUE;
  presence->registered = TRUE;
  presence->uuid = entry->uuid;
  presence->held_uuid = WD_NONE;
  presence->responsive = entry->responsive;
  presence->missing_since_us = WD_NONE;
  presence->missing_seq = 0;
  presence->missing_recorded = FALSE;
  g_strlcpy(presence->version, entry->version, sizeof presence->version);
  if (news) {
    WdEvent *event = wd_process_event(extension, WD_EVENT_EXTENSION_REGISTERED, WD_REASON_NONE);
    event->details = wd_json_number("uuid", entry->uuid);
    wd_machine_record(machine, extension, event, WD_RECORD_PLAIN);
  }
}

/* The extension lives, but isn't registered. @fresh: the report before this one is recent. */
static void
missing(WdMachine *machine, WdProcess *extension, gboolean fresh)
{
  WdPresence *presence = &extension->presence;
  const gint64 timeout_s = machine->limits.extension_registration_timeout_s;
  if (presence->registered == TRUE)
    wd_presence_lost(machine, extension, WD_REASON_REGISTRATION, 0);
  presence->registered = FALSE;
  if (!fresh || presence->missing_since_us == WD_NONE)
    presence->missing_since_us = machine->now_us;
  if (machine->policy->unregistered != NULL && timeout_s > 0 && machine->limits.enforce &&
      extension->state == WD_STATE_RUNNING &&
      machine->now_us - presence->missing_since_us > timeout_s * G_USEC_PER_SEC)
    machine->policy->unregistered(machine, extension);
}

static void
release_name(WdPresence *presence, const WdReport *report)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].uuid == presence->held_uuid)
      return;
  presence->held_uuid = WD_NONE;
}

static const WdReportedExtension *
find_entry(const WdReport *report, gint64 pid)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].pid == pid)
      return &report->registrations.extensions[i];
  return NULL;
}

static void
take_worker(WdProcess *worker, const WdReport *report)
{
  worker->presence.responsive = report->registrations.responsive;
  if (report->registrations.version[0] != '\0')
    g_strlcpy(worker->presence.version, report->registrations.version,
              sizeof worker->presence.version);
}

static void
take_extension(WdMachine *machine, WdProcess *extension, const WdReport *report, gboolean fresh)
{
  if (!report->registrations.listed)
    return;
  release_name(&extension->presence, report);
  if (!wd_process_alive(extension))
    return;
  const WdReportedExtension *entry = find_entry(report, extension->pid);
  if (entry != NULL)
    registered(machine, extension, entry);
  else
    missing(machine, extension, fresh);
}

static void
take_registrations(WdMachine *machine, const WdReport *report)
{
  const gboolean fresh = reports_come(machine, machine->now_us);
  gboolean changed = !fresh;
  machine->heard_us = machine->now_us;
  machine->unattributed = report->registrations.listed && report->registrations.unattributed;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    WdProcess *process = wd_machine_at(machine, i);
    const WdPresence before = process->presence;
    if (process->role == WD_ROLE_WORKER)
      take_worker(process, report);
    else
      take_extension(machine, process, report, fresh);
    changed = changed || memcmp(&before, &process->presence, sizeof before) != 0;
  }
  if (changed)
    wd_machine_publish(machine);
}

/* --- denylisted queries --- */

static void
take_denylisted(WdMachine *machine, const WdReport *report)
{
  WdProcess *worker = wd_machine_worker(machine);
  const char *name = report->denylisted.name;
  if (g_hash_table_size(machine->denylisted) >= DENYLISTED_MAX ||
      !g_hash_table_add(machine->denylisted, g_strdup(name)))
    return;
  WdEvent *event = wd_process_event(worker, WD_EVENT_QUERY_DENYLISTED, WD_REASON_NONE);
  event->query_name = g_strdup(name);
  event->query = g_strdup(report->denylisted.query);
  event->cause_seq = worker->gone_seq;
  event->lifetime_ms = (machine->now_us - worker->started_us) / G_TIME_SPAN_MILLISECOND;
  wd_machine_record(machine, worker, event, WD_RECORD_PLAIN);
}

/* A report on the worker before may still have been on its way: it is ignored. */
void
wd_presence_take(WdMachine *machine, const WdReport *report)
{
  if (report->worker_pid != wd_machine_worker(machine)->pid)
    return;
  switch (report->kind) {
  case WD_REPORT_REGISTRATIONS:
    take_registrations(machine, report);
    break;
  case WD_REPORT_DENYLISTED:
    take_denylisted(machine, report);
    break;
  }
}

/* --- asked --- */

gboolean
wd_presence_is_recent(const WdMachine *machine, gint64 at_us)
{
  return machine->now_us - at_us <= patience_us(machine);
}

gboolean
wd_presence_worker_answers(const WdMachine *machine)
{
  return wd_machine_worker(machine)->presence.responsive == TRUE &&
         reports_come(machine, machine->now_us);
}

/* --- shown --- */

void
wd_presence_show(const WdMachine *machine, const WdProcess *process, gint64 now_us,
                 WdProcessStatus *status)
{
  const WdPresence *presence = &process->presence;
  if (!wd_process_alive(process))
    return;
  if (presence->version[0] != '\0')
    status->version = g_strdup(presence->version);
  /* Without a worker nothing is registered. */
  if (wd_process_alive(wd_machine_worker(machine)) && !reports_come(machine, now_us))
    return;
  status->registered = presence->registered;
  status->uuid = presence->uuid;
  status->responsive = presence->responsive;
}
