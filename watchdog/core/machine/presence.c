#include "watchdog/core/machine/presence.h"

#include "watchdog/core/event/message.h"

void
wd_presence_reset(WdProcess *process)
{
  process->presence = (WdPresence){
      .registered = WD_NONE, .uuid = WD_NONE, .responsive = WD_NONE, .missing_since_us = WD_NONE};
}

void
wd_presence_worker(WdProcess *worker, const WdReport *report)
{
  worker->presence.responsive = report->registrations.responsive;
  if (report->registrations.version[0] != '\0')
    g_strlcpy(worker->presence.version, report->registrations.version,
              sizeof worker->presence.version);
}

static const WdReportedExtension *
find(const WdReport *report, gint64 pid)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].pid == pid)
      return &report->registrations.extensions[i];
  return NULL;
}

void
wd_presence_lost(WdStep *step, WdProcess *extension, WdReason reason, guint64 cause_seq)
{
  WdPresence *presence = &extension->presence;
  if (presence->registered == TRUE) {
    WdEvent *event = wd_process_event(extension, WD_EVENT_EXTENSION_UNREGISTERED, reason);
    event->cause_seq = cause_seq;
    event->details = wd_registration_details(presence->uuid);
    presence->missing_seq = wd_process_record(step, extension, event, FALSE);
  }
  if (presence->registered != WD_NONE)
    presence->registered = FALSE;
  presence->uuid = WD_NONE;
  presence->responsive = WD_NONE;
  presence->missing_since_us = WD_NONE;
}

static void
found(WdStep *step, WdProcess *extension, const WdReportedExtension *entry)
{
  WdPresence *presence = &extension->presence;
  if (presence->registered == TRUE && presence->uuid != entry->uuid)
    wd_presence_lost(step, extension, WD_REASON_REGISTRATION, 0);
  const gboolean news = presence->registered != TRUE;
  presence->registered = TRUE;
  presence->uuid = entry->uuid;
  presence->responsive = entry->responsive;
  presence->missing_since_us = WD_NONE;
  presence->missing_seq = 0;
  presence->missing_recorded = FALSE;
  g_strlcpy(presence->version, entry->version, sizeof presence->version);
  if (news) {
    WdEvent *event = wd_process_event(extension, WD_EVENT_EXTENSION_REGISTERED, WD_REASON_NONE);
    event->details = wd_registration_details(entry->uuid);
    wd_process_record(step, extension, event, FALSE);
  }
}

/* Lives, but osquery has nothing of it. */
static void
missing(WdStep *step, WdProcess *extension, gboolean fresh)
{
  WdPresence *presence = &extension->presence;
  const gint64 timeout_s = step->limits->extension_registration_timeout_s;
  if (presence->registered == TRUE)
    wd_presence_lost(step, extension, WD_REASON_REGISTRATION, 0);
  presence->registered = FALSE;
  if (!fresh || presence->missing_since_us == WD_NONE)
    presence->missing_since_us = step->now_us;
  if (timeout_s == 0 || !step->limits->enforce || extension->state != WD_STATE_RUNNING ||
      step->now_us - presence->missing_since_us <= timeout_s * G_USEC_PER_SEC)
    return;
  if (!step->limits->dry_run) {
    wd_process_end(step, extension, WD_REASON_REGISTRATION,
                   step->limits->forced_shutdown_delay_s * G_USEC_PER_SEC);
    extension->ending.cause_seq = presence->missing_seq;
  } else if (!presence->missing_recorded) {
    presence->missing_recorded = TRUE;
    WdEvent *event = wd_process_event(extension, WD_EVENT_WOULD_TERMINATE, WD_REASON_REGISTRATION);
    event->cause_seq = presence->missing_seq;
    wd_process_record(step, extension, event, FALSE);
  }
}

void
wd_presence_extension(WdStep *step, WdProcess *extension, const WdReport *report, gboolean fresh)
{
  const WdReportedExtension *entry = find(report, extension->pid);
  if (entry != NULL)
    found(step, extension, entry);
  else
    missing(step, extension, fresh);
}

void
wd_presence_show(const WdProcess *process, gboolean known, WdProcessStatus *status)
{
  const WdPresence *presence = &process->presence;
  if (!wd_process_alive(process))
    return;
  if (presence->version[0] != '\0')
    status->version = g_strdup(presence->version);
  if (!known)
    return;
  status->registered = presence->registered;
  status->uuid = presence->uuid;
  status->responsive = presence->responsive;
}
