#include "watchdog/core/event/message.h"

/* "osqueryd worker (PID)": osquery's words for the process. @pid: WD_NONE: left out. */
static char *
subject_of(WdRole role, const char *path, gint64 pid)
{
  g_autofree char *who = NULL;
  switch (role) {
  case WD_ROLE_WATCHDOG:
    who = g_strdup("osquery-watchdogd");
    break;
  case WD_ROLE_WORKER:
    who = g_strdup("osqueryd worker");
    break;
  case WD_ROLE_EXTENSION:
    who = g_strdup_printf("osquery extension %s", path);
    break;
  }
  if (pid == WD_NONE)
    return g_steal_pointer(&who);
  return g_strdup_printf("%s (%" G_GINT64_FORMAT ")", who, pid);
}

/* The measured value and its limit, in osquery's words where it has some. */
static char *
breach_of(const WdEvent *event)
{
  if (event->reason == WD_REASON_CPU)
    return g_strdup_printf("Maximum sustainable CPU utilization limit %" G_GINT64_FORMAT
                           "ms exceeded for %" G_GINT64_FORMAT " seconds",
                           event->limit_value, event->sustained_s);
  if (event->reason == WD_REASON_UNRESPONSIVE)
    return g_strdup_printf("No answer for %.1f seconds (limit is %" G_GINT64_FORMAT " seconds)",
                           (double)event->measured / 1000, event->limit_value / 1000);
  return g_strdup_printf("Memory limits exceeded: %" G_GINT64_FORMAT
                         " bytes (limit is %" G_GINT64_FORMAT "MB)",
                         event->measured, event->limit_value / (1024 * 1024));
}

static char *
exit_text(const WdEvent *event)
{
  if (event->exit_signal != WD_NONE)
    return g_strdup_printf("was ended by signal %" G_GINT64_FORMAT, event->exit_signal);
  return g_strdup_printf("exited with status %" G_GINT64_FORMAT, event->exit_code);
}

/* @more: what follows the signals; NULL: nothing. */
static char *
terminated_text(const WdEvent *event, const char *more)
{
  return g_strdup_printf("stopped: %s after %" G_GINT64_FORMAT " ms (%s; sent %s%s%s)",
                         wd_reason_name(event->reason), event->duration_ms,
                         wd_outcome_name(event->outcome), wd_signals_text(event->signals_sent),
                         more != NULL ? "; " : "", more != NULL ? more : "");
}

static char *
limit_reached_message(const WdEvent *event)
{
  if (event->role == WD_ROLE_WORKER)
    return g_strdup("Too many worker restarts");
  return g_strdup_printf("Too many extension restarts: %s", event->path);
}

static char *
stuck_message(const WdEvent *event)
{
  return g_strdup_printf("Watcher cannot stop %s process (%" G_GINT64_FORMAT ").",
                         event->role == WD_ROLE_WORKER ? "worker" : "extension", event->pid);
}

char *
wd_event_message(const WdEvent *event)
{
  g_autofree char *who =
      subject_of(event->role, event->path != NULL ? event->path : event->name, event->pid);
  g_autofree char *breach = breach_of(event);
  g_autofree char *what = NULL;
  switch (event->kind) {
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return limit_reached_message(event);
  case WD_EVENT_TERMINATION_STUCK:
    return stuck_message(event);
  case WD_EVENT_LIMIT_EXCEEDED:
    if (event->role == WD_ROLE_WATCHDOG)
      return g_strconcat("Watcher has become unhealthy: ", breach, NULL);
    what = g_strconcat("stopping: ", breach, NULL);
    break;
  case WD_EVENT_WOULD_TERMINATE:
    what = event->reason == WD_REASON_REGISTRATION
               ? g_strdup("would be stopped: it lives, but is not registered")
               : g_strconcat("would be stopped: ", breach, NULL);
    break;
  case WD_EVENT_PROCESS_EXITED:
    what = exit_text(event);
    break;
  case WD_EVENT_PROCESS_TERMINATED:
    what = terminated_text(event, NULL);
    break;
  case WD_EVENT_WATCHDOG_STARTED:
  case WD_EVENT_PROCESS_STARTED:
    what = g_strdup("started");
    break;
  case WD_EVENT_WATCHDOG_STOPPED:
    what = g_strdup_printf("stopped: %s", wd_reason_name(event->reason));
    break;
  case WD_EVENT_EXTENSION_REGISTERED:
    what = g_strdup("is registered");
    break;
  case WD_EVENT_EXTENSION_UNREGISTERED:
    what = g_strdup_printf("is not registered any more: %s", wd_reason_name(event->reason));
    break;
  case WD_EVENT_UNRESPONSIVE:
    what = g_strdup("does not answer its pings");
    break;
  case WD_EVENT_RESPONSIVE:
    what = g_strdup_printf("answers its pings, after %.1f seconds without an answer",
                           (double)event->duration_ms / 1000);
    break;
  case WD_EVENT_QUERY_DENYLISTED:
    what = g_strdup_printf("denylists the scheduled query %s", event->query_name);
    break;
  case WD_EVENT_WATCHDOG_CRASHED:
  case WD_EVENT_RESPAWN_DELAYED:
  case WD_EVENT_SPAWN_FAILED:
  case WD_EVENT_SETTINGS_CHANGED:
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_HISTORY_RECOVERED:
    /* The code that records these events writes their lines. */
    what = g_strdup(wd_event_kind_name(event->kind));
    break;
  }
  return g_strdup_printf("%s %s", who, what);
}

static char *
observed_end(const WdEvent *event)
{
  if (event->exit_signal != WD_NONE)
    return g_strdup_printf("by signal %" G_GINT64_FORMAT, event->exit_signal);
  if (event->exit_code != WD_NONE)
    return g_strdup_printf("with status %" G_GINT64_FORMAT, event->exit_code);
  return g_strdup("in a way that can't be seen");
}

/* NULL: the line of a supervisor fits. */
static char *
observed_what(const WdEvent *event)
{
  g_autofree char *ended = observed_end(event);
  g_autofree char *breach = breach_of(event);
  switch (event->kind) {
  case WD_EVENT_WATCHDOG_STARTED:
    return g_strdup("is being observed");
  case WD_EVENT_WATCHDOG_STOPPED:
    return event->reason == WD_REASON_REQUEST ? g_strdup("is no longer observed: asked to stop")
                                              : g_strdup_printf("ended %s", ended);
  case WD_EVENT_PROCESS_STARTED:
    return g_strdup("runs");
  case WD_EVENT_PROCESS_EXITED:
    return g_strdup_printf("ended %s", ended);
  case WD_EVENT_LIMIT_EXCEEDED:
    return g_strdup_printf("is over its limit: %s", breach);
  case WD_EVENT_PROCESS_TERMINATED:
    if (event->outcome == WD_OUTCOME_INTERRUPTED)
      return g_strdup("is being ended by osqueryd's watcher, which stops");
    return event->reason == WD_REASON_REQUEST
               ? g_strdup_printf("ended %s, because osqueryd's watcher stops", ended)
               : g_strdup_printf("ended %s, which must have been osqueryd's watcher: %s", ended,
                                 breach);
  case WD_EVENT_RESPAWN_DELAYED:
    return g_strdup_printf("ended too quickly, and must be held back for %" G_GINT64_FORMAT
                           " seconds",
                           event->delay_s);
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return g_strdup("must have had too many restarts");
  case WD_EVENT_WATCHDOG_CRASHED:
  case WD_EVENT_WOULD_TERMINATE:
  case WD_EVENT_TERMINATION_STUCK:
  case WD_EVENT_SPAWN_FAILED:
  case WD_EVENT_EXTENSION_REGISTERED:
  case WD_EVENT_EXTENSION_UNREGISTERED:
  case WD_EVENT_UNRESPONSIVE:
  case WD_EVENT_RESPONSIVE:
  case WD_EVENT_QUERY_DENYLISTED:
  case WD_EVENT_SETTINGS_CHANGED:
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_HISTORY_RECOVERED:
    return NULL;
  }
  g_return_val_if_reached(NULL);
}

char *
wd_observed_message(const WdEvent *event)
{
  g_autofree char *what = observed_what(event);
  if (what == NULL)
    return wd_event_message(event);
  g_autofree char *who =
      event->role == WD_ROLE_WATCHDOG
          ? g_strdup_printf("osqueryd watcher (%" G_GINT64_FORMAT ")", event->pid)
          : subject_of(event->role, event->path != NULL ? event->path : event->name, event->pid);
  return g_strdup_printf("%s %s", who, what);
}

char *
wd_respawn_message(WdRole role, const char *path, guint failures)
{
  if (role == WD_ROLE_WORKER)
    return g_strdup_printf("osqueryd worker respawning too quickly: %u times", failures);
  return g_strdup_printf("Extension respawning too quickly: %s", path);
}

char *
wd_spawn_failed_message(WdRole role, const char *path, const char *error)
{
  if (role == WD_ROLE_WORKER)
    return g_strdup_printf("osqueryd could not create a worker process: %s: %s", path, error);
  return g_strdup_printf("Cannot create extension process: %s: %s", path, error);
}

char *
wd_kill_message(WdRole role, const char *path, gint64 pid)
{
  g_autofree char *who = subject_of(role, path, pid);
  return g_strdup_printf("%s could not be stopped. Sending kill signal.", who);
}

char *
wd_outgrown_message(WdRole role, const char *path, gint64 pid, gint64 bytes)
{
  g_autofree char *who = subject_of(role, path, pid);
  return g_strdup_printf("%s keeps growing while it is being stopped: %" G_GINT64_FORMAT
                         " bytes. Sending kill signal.",
                         who, bytes);
}

char *
wd_cut_short_message(const WdEvent *event, gint64 bytes)
{
  g_autofree char *who = subject_of(event->role, event->path, event->pid);
  g_autofree char *why = g_strdup_printf(
      "its grace time was cut short because it grew to %" G_GINT64_FORMAT " bytes", bytes);
  g_autofree char *what = terminated_text(event, why);
  return g_strdup_printf("%s %s", who, what);
}

char *
wd_events_lost_message(guint64 lost)
{
  return g_strdup_printf("%" G_GUINT64_FORMAT " events were lost: the store had no room for them",
                         lost);
}

char *
wd_broken_command_line_message(const char *path, gint64 code, guint times)
{
  return g_strdup_printf("%s exited with status %" G_GINT64_FORMAT
                         " as soon as it was started, %u times in a row: its command line or its "
                         "flagfile must be wrong",
                         path, code, times);
}

char *
wd_measured_message(gint64 pid, gint64 used_ms, gint64 allowed_ms, gint64 footprint_bytes,
                    gint64 limit_bytes)
{
  const gint64 megabyte = 1024 * 1024;
  return g_strdup_printf("pid: %" G_GINT64_FORMAT ", cpu: %" G_GINT64_FORMAT "ms/%" G_GINT64_FORMAT
                         "ms, memory: %.2fMB/%" G_GINT64_FORMAT "MB",
                         pid, used_ms, allowed_ms, (double)footprint_bytes / (double)megabyte,
                         limit_bytes / megabyte);
}
