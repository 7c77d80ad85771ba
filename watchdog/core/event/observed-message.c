#include "watchdog/core/event/observed-message.h"

#include "watchdog/core/event/message.h"

static char *
ended_text(const WdEvent *event)
{
  if (event->exit_signal != WD_NONE)
    return g_strdup_printf("by signal %" G_GINT64_FORMAT, event->exit_signal);
  if (event->exit_code != WD_NONE)
    return g_strdup_printf("with status %" G_GINT64_FORMAT, event->exit_code);
  return g_strdup("in a way that can't be seen");
}

/* NULL: the line of a supervisor fits. */
static char *
what_of(const WdEvent *event)
{
  g_autofree char *ended = ended_text(event);
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
  case WD_EVENT_LIMIT_EXCEEDED: {
    g_autofree char *breach = wd_message_breach(event);
    return g_strdup_printf("is over its limit: %s", breach);
  }
  case WD_EVENT_PROCESS_TERMINATED: {
    g_autofree char *breach = wd_message_breach(event);
    return g_strdup_printf("ended %s, which must have been osqueryd's watcher: %s", ended, breach);
  }
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
  g_autofree char *what = what_of(event);
  if (what == NULL)
    return wd_event_message(event);
  g_autofree char *who =
      event->role == WD_ROLE_WATCHDOG
          ? g_strdup_printf("osqueryd watcher (%" G_GINT64_FORMAT ")", event->pid)
          : wd_message_subject(event->role, event->path != NULL ? event->path : event->name,
                               event->pid);
  return g_strdup_printf("%s %s", who, what);
}
