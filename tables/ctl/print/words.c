#include "tables/ctl/print/words.h"

#include "watchdog/core/event/log-fields.h"

#include <signal.h>
#include <string.h>
#include <syslog.h>

gboolean
ctl_word_event(const char *word, WdEventKind *kind)
{
  for (guint i = 0; i <= WD_EVENT_HISTORY_RECOVERED; i++)
    if (g_strcmp0(word, wd_event_kind_name((WdEventKind)i)) == 0) {
      *kind = (WdEventKind)i;
      return TRUE;
    }
  return FALSE;
}

gboolean
ctl_word_role(const char *word, WdRole *role)
{
  for (guint i = 0; i <= WD_ROLE_EXTENSION; i++)
    if (g_strcmp0(word, wd_role_name((WdRole)i)) == 0) {
      *role = (WdRole)i;
      return TRUE;
    }
  return FALSE;
}

gboolean
ctl_word_reason(const char *word, WdReason *reason)
{
  for (guint i = WD_REASON_NONE + 1; i <= WD_REASON_REBOOT; i++)
    if (g_strcmp0(word, wd_reason_name((WdReason)i)) == 0) {
      *reason = (WdReason)i;
      return TRUE;
    }
  return FALSE;
}

gboolean
ctl_word_origin(const char *word, WdOrigin *origin)
{
  for (guint i = WD_ORIGIN_NONE + 1; i <= WD_ORIGIN_EXTENSION; i++)
    if (g_strcmp0(word, wd_origin_name((WdOrigin)i)) == 0) {
      *origin = (WdOrigin)i;
      return TRUE;
    }
  return FALSE;
}

char *
ctl_words_of_query(WdOrigin origin, const char *name)
{
  switch (origin) {
  case WD_ORIGIN_NONE:
    return name != NULL ? g_strconcat("the query ", name, NULL) : NULL;
  case WD_ORIGIN_SCHEDULE:
    return name != NULL ? g_strconcat("the scheduled query ", name, NULL)
                        : g_strdup("a scheduled query");
  case WD_ORIGIN_DISTRIBUTED:
    return name != NULL ? g_strconcat("the distributed query ", name, NULL)
                        : g_strdup("a distributed query");
  case WD_ORIGIN_EXTENSION:
    return g_strdup("a query through the extension socket");
  }
  g_assert_not_reached();
}

char *
ctl_signal_name(gint64 number)
{
  const char *name = number > 0 && number < NSIG ? sigabbrev_np((int)number) : NULL;
  return name != NULL ? g_strconcat("SIG", name, NULL)
                      : g_strdup_printf("signal %" G_GINT64_FORMAT, number);
}

static char *
exit_words(WdReason reason, gint64 exit_code, gint64 exit_signal)
{
  if (reason == WD_REASON_OOM)
    return g_strdup("killed by the kernel, out of memory");
  if (reason == WD_REASON_WORKER_GONE)
    return g_strdup("ended with its worker");
  if (reason == WD_REASON_WORKER_SILENT)
    return g_strdup("gave up: its worker did not answer");
  if (reason == WD_REASON_REGISTRATION)
    return g_strdup("gave up: its worker refused it");
  if (exit_signal != WD_NONE) {
    g_autofree char *name = ctl_signal_name(exit_signal);
    return g_strdup_printf("killed by %s", name);
  }
  if (exit_code != WD_NONE)
    return g_strdup_printf("exited with status %" G_GINT64_FORMAT, exit_code);
  return g_strdup("ended by itself");
}

/* A process is killed for a limit and stopped at a request. @would: the prefix of a dry run. */
static char *
termination_words(const char *would, WdReason reason)
{
  const char *words = reason == WD_REASON_MEMORY         ? "killed: over its memory limit"
                      : reason == WD_REASON_CPU          ? "killed: over its CPU limit"
                      : reason == WD_REASON_REGISTRATION ? "killed: lost its registration"
                      : reason == WD_REASON_UNRESPONSIVE ? "killed: did not answer"
                      : reason == WD_REASON_REQUEST      ? "stopped as requested"
                      : reason == WD_REASON_SETTINGS     ? "stopped, no longer listed"
                                                         : "ended";
  return g_strconcat(would, words, NULL);
}

char *
ctl_words_of_event(WdEventKind kind, WdReason reason, gint64 exit_code, gint64 exit_signal)
{
  switch (kind) {
  case WD_EVENT_WATCHDOG_STARTED:
  case WD_EVENT_PROCESS_STARTED:
    return g_strdup("started");
  case WD_EVENT_WATCHDOG_STOPPED:
    return g_strdup(reason == WD_REASON_HEALTH ? "stopped, over a limit itself" : "stopped");
  case WD_EVENT_WATCHDOG_CRASHED:
    return g_strdup(reason == WD_REASON_REBOOT ? "went down with the host" : "crashed");
  case WD_EVENT_PROCESS_EXITED:
    return exit_words(reason, exit_code, exit_signal);
  case WD_EVENT_LIMIT_EXCEEDED:
    return g_strdup(reason == WD_REASON_CPU            ? "over its CPU limit"
                    : reason == WD_REASON_UNRESPONSIVE ? "did not answer for too long"
                                                       : "over its memory limit");
  case WD_EVENT_PROCESS_TERMINATED:
    return termination_words("", reason);
  case WD_EVENT_WOULD_TERMINATE:
    return termination_words("would be ", reason);
  case WD_EVENT_TERMINATION_STUCK:
    return g_strdup("can't be killed");
  case WD_EVENT_RESPAWN_DELAYED:
    return g_strdup("next start delayed");
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return g_strdup("given up");
  case WD_EVENT_SPAWN_FAILED:
    return g_strdup("could not be started");
  case WD_EVENT_EXTENSION_REGISTERED:
    return g_strdup("registered");
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return g_strdup("lost its registration");
  case WD_EVENT_UNRESPONSIVE:
    return g_strdup("does not answer");
  case WD_EVENT_RESPONSIVE:
    return g_strdup("answers again");
  case WD_EVENT_QUERY_DENYLISTED:
    return g_strdup("denylisted a query");
  case WD_EVENT_SETTINGS_CHANGED:
    return g_strdup("settings changed");
  case WD_EVENT_EVENTS_LOST:
    return g_strdup("lost events");
  case WD_EVENT_HISTORY_RECOVERED:
    return g_strdup("began a new history");
  }
  g_assert_not_reached();
}

CtlColour
ctl_colour_of_event(WdEventKind kind)
{
  int priority = wd_event_priority(kind); /* the smaller, the graver */
  return priority <= LOG_ERR       ? CTL_COLOUR_RED
         : priority <= LOG_WARNING ? CTL_COLOUR_YELLOW
         : priority <= LOG_NOTICE  ? CTL_COLOUR_BOLD
                                   : CTL_COLOUR_NONE;
}
