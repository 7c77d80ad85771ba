#include "watchdog/core/machine/presence.h"

#include <string.h>

#include "watchdog/core/event/json.h"
#include "watchdog/core/machine/checks.h"

/* No worker denylists more queries than this. */
#define DENYLISTED_MAX 1000

void
wd_presence_begin(WdMachine *machine)
{
  machine->heard_us = machine->now_us;
  machine->unattributed = FALSE;
}

static gint64
interval_us(const WdMachine *machine)
{
  return MAX(machine->limits.extensions_interval_s, 1) * G_USEC_PER_SEC;
}

/* Whether the last report still holds. */
static gboolean
reports_come(const WdMachine *machine, gint64 now_us)
{
  return now_us - machine->heard_us <= wd_silence_blind_us(interval_us(machine));
}

/* --- pings --- */

static void
record_silence(WdMachine *machine, WdProcess *process)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_UNRESPONSIVE, WD_REASON_NONE);
  process->silence.limit_recorded = FALSE;
  process->silence.seq = wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}

static void
record_answer(WdMachine *machine, WdProcess *process)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_RESPONSIVE, WD_REASON_NONE);
  event->cause_seq = process->silence.seq;
  event->duration_ms = process->silence.lasted_us / G_TIME_SPAN_MILLISECOND;
  wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}

/* A worker that has not answered yet may still enrol with a server that can't be reached, or open a
 * large database. Ending it would only make it begin anew. */
static void
judge_silence(WdMachine *machine, WdProcess *process)
{
  const WdSilence *silence = &process->silence;
  const WdVerdict breach = {
      .reason = WD_REASON_UNRESPONSIVE,
      .measured = silence->lasted_us / G_TIME_SPAN_MILLISECOND,
      .limit = machine->limits.unresponsive_timeout_s * 1000,
      .unit = WD_UNIT_MS,
  };
  if (breach.limit > 0 && silence->unresponsive && silence->answered &&
      breach.measured > breach.limit && wd_checks_enforcing(machine, machine->now_us))
    machine->policy->over_limit(machine, process, &breach);
}

/* A process that is being ended may stop answering, which isn't worth an event. */
static void
take_ping(WdMachine *machine, WdProcess *process, gboolean answered)
{
  if (process->state != WD_STATE_RUNNING)
    return;
  switch (wd_silence_take(&process->silence, answered, machine->now_us, interval_us(machine))) {
  case WD_SILENCE_BEGINS:
    record_silence(machine, process);
    break;
  case WD_SILENCE_ENDS:
    record_answer(machine, process);
    break;
  case WD_SILENCE_SAME:
    judge_silence(machine, process);
    break;
  }
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
    presence->left_uuid = reason == WD_REASON_REGISTRATION ? WD_NONE : presence->uuid;
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
  machine->unread_ends++;
  /* What is gone loses its registration with its own end. */
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    if (wd_process_alive(extension))
      wd_presence_lost(machine, extension, WD_REASON_WORKER_GONE, gone_seq);
    extension->presence.left_uuid = extension->presence.held_uuid = WD_NONE;
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
  take_ping(machine, extension, entry->responsive);
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
  /* The core has dropped it because it didn't answer, and pings it no more. */
  if (extension->silence.unresponsive)
    take_ping(machine, extension, FALSE);
  /* One that is refused because of the process before waits for its name. */
  if (!fresh || presence->missing_since_us == WD_NONE || presence->held_uuid != WD_NONE)
    presence->missing_since_us = machine->now_us;
  if (machine->policy->unregistered != NULL && timeout_s > 0 && machine->limits.enforce &&
      extension->state == WD_STATE_RUNNING &&
      machine->now_us - presence->missing_since_us > timeout_s * G_USEC_PER_SEC)
    machine->policy->unregistered(machine, extension);
}

static gboolean
lists(const WdReport *report, gint64 uuid)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].uuid == uuid)
      return TRUE;
  return FALSE;
}

static void
release_names(WdPresence *presence, const WdReport *report)
{
  if (!lists(report, presence->left_uuid))
    presence->left_uuid = WD_NONE;
  if (!lists(report, presence->held_uuid))
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
take_worker(WdMachine *machine, WdProcess *worker, const WdReport *report)
{
  worker->presence.responsive = report->registrations.responsive;
  if (report->registrations.version[0] != '\0')
    g_strlcpy(worker->presence.version, report->registrations.version,
              sizeof worker->presence.version);
  take_ping(machine, worker, report->registrations.responsive);
}

static void
take_extension(WdMachine *machine, WdProcess *extension, const WdReport *report, gboolean fresh)
{
  if (!report->registrations.listed)
    return;
  release_names(&extension->presence, report);
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
  if (report->registrations.schedule_read)
    machine->unread_ends = 0;
  machine->unattributed = report->registrations.listed && report->registrations.unattributed;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    WdProcess *process = wd_machine_at(machine, i);
    const WdPresence before = process->presence;
    if (process->role == WD_ROLE_WORKER)
      take_worker(machine, process, report);
    else
      take_extension(machine, process, report, fresh);
    changed = changed || memcmp(&before, &process->presence, sizeof before) != 0;
  }
  if (changed)
    wd_machine_publish(machine);
}

/* --- denylisted queries --- */

/* If several workers ended in a row before their schedules were read, any of these ends may have
 * led to it. */
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
  event->cause_seq = machine->unread_ends == 1 ? worker->gone_seq : 0;
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
  return machine->now_us - at_us <= wd_silence_blind_us(interval_us(machine));
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
