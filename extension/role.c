#include "extension/role.h"

#include <unistd.h>

#include "extension/family.h"
#include "extension/observer.h"
#include "extension/reporter.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"

#define SEARCH_MS 1000

struct ExtRole {
  const ExtOptions *options;
  TableStore *store;
  pid_t parent;          /* the process that started us */
  ExtChannel *channel;   /* NULL: osquery-watchdogd takes no reports */
  ExtObserver *observer; /* NULL: we observe no watcher */
  ExtReporter *reporter; /* NULL: nothing takes reports */
  gint64 searched;       /* the process that is, or may become, the watcher to observe */
  guint search_source;   /* tries again until it can be observed; 0: doesn't */
  gboolean refused;      /* another process writes the store; logged once */
  gboolean watcher_gone; /* the observed one */
  gboolean stuck;        /* its record couldn't be written, so no other watcher is observed */
  ExtCalls *calls;
  guint silence_source; /* ticks until the core answers a call; 0: no call waits */
  ExtRoleOver over;
  gpointer user_data;
};

static ExtSent
on_report(WdReport *report, gpointer user_data)
{
  ExtRole *role = user_data;
  if (role->observer == NULL)
    return role->channel != NULL ? ext_channel_send(role->channel, report) : EXT_SENT_TO_NOBODY;
  return ext_observer_reported(role->observer, report) ? EXT_SENT : EXT_SENT_LATER;
}

static void
begin_to_report(ExtRole *role)
{
  const ExtOptions *options = role->options;
  if (role->reporter == NULL)
    role->reporter =
        ext_reporter_new(options->socket, role->store, options->interval_us, on_report, role);
}

/* --- which watcher to observe --- */

static void
on_watcher_gone(gpointer user_data)
{
  ExtRole *role = user_data;
  role->watcher_gone = TRUE;
  role->over(role->user_data);
}

static gboolean
may_observe(const ExtRole *role)
{
  const ExtOptions *options = role->options;
  return options->observe == EXT_OBSERVE_ALWAYS ||
         (options->observe == EXT_OBSERVE_IF_STOCK && options->starter != EXT_STARTED_BY_WATCHDOG);
}

typedef enum {
  BEGUN,
  NO_WATCHER, /* it may become one */
  REFUSED,    /* another process writes the store; it may end */
  FAILED,
} Begun;

static Begun
begin_to_observe(ExtRole *role)
{
  const ExtOptions *options = role->options;
  const gint64 watcher =
      ext_family_find_watcher(role->searched, options->observe == EXT_OBSERVE_ALWAYS);
  if (watcher == 0)
    return NO_WATCHER;
  g_autoptr(GError) error = NULL;
  role->watcher_gone = FALSE;
  role->observer = ext_observer_new(options, watcher, on_watcher_gone, role, &error);
  if (role->observer != NULL) {
    wd_logf("osquery-watchdog.ext: observes osqueryd's watcher, process %" G_GINT64_FORMAT,
            watcher);
    begin_to_report(role);
    return BEGUN;
  }
  const gboolean refused = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
  if (!refused || !role->refused)
    wd_logf("osquery-watchdog.ext: can't observe osqueryd's watcher%s: %s",
            refused ? " yet, and only reads" : "", error->message);
  role->refused = refused;
  return refused ? REFUSED : FAILED;
}

static gboolean
on_search(gpointer user_data)
{
  ExtRole *role = user_data;
  const Begun begun = begin_to_observe(role);
  if (begun == NO_WATCHER || begun == REFUSED)
    return G_SOURCE_CONTINUE;
  role->search_source = 0;
  return G_SOURCE_REMOVE;
}

static void
search_parent(ExtRole *role)
{
  if (role->options->starter != EXT_STARTED_BY_OSQUERY || !may_observe(role))
    return;
  role->searched = role->parent;
  if (on_search(role) == G_SOURCE_CONTINUE)
    role->search_source = g_timeout_add(SEARCH_MS, on_search, role);
}

/* We are registered with the core that is process @manager_pid. If we were started by hand, its
 * parent is the one to observe. If it is our parent, it has no watcher. */
static void
search_behind(ExtRole *role, gint64 manager_pid)
{
  WdProcStat stat;
  if (manager_pid == role->parent)
    g_clear_handle_id(&role->search_source, g_source_remove);
  if (role->options->starter == EXT_STARTED_BY_OSQUERY || !may_observe(role))
    return;
  if (role->watcher_gone && !ext_observer_free(g_steal_pointer(&role->observer)))
    role->stuck = TRUE;
  if (role->stuck || role->observer != NULL || !wd_procfs_read_stat(manager_pid, &stat))
    return;
  g_clear_handle_id(&role->search_source, g_source_remove);
  role->searched = stat.ppid;
  if (begin_to_observe(role) == REFUSED)
    role->search_source = g_timeout_add(SEARCH_MS, on_search, role);
}

/* --- what calls show --- */

static gboolean
on_silence(gpointer user_data)
{
  ExtRole *role = user_data;
  if (ext_calls_unanswered(role->calls))
    ext_reporter_unanswered(role->reporter, 0);
  return G_SOURCE_CONTINUE;
}

/* A core that has registered us and doesn't answer for half an interval, or one that let a call end
 * without an answer, is reported as unresponsive until it answers. */
static void
watch_silence(ExtRole *role)
{
  if (role->silence_source == 0)
    role->silence_source =
        g_timeout_add((guint)(role->options->interval_us / 2 / 1000), on_silence, role);
}

gboolean
ext_role_calling(ExtRole *role, ExtCall call, ExtCalls *calls)
{
  role->calls = calls;
  if (role->reporter == NULL)
    return FALSE;
  if (call == EXT_CALL_VERIFY)
    watch_silence(role);
  return ext_reporter_wants_info(role->reporter);
}

void
ext_role_called(ExtRole *role, const ExtCallResult *result, gint64 own_uuid, gboolean stopping)
{
  if (result->event != EXT_NO_ANSWER)
    g_clear_handle_id(&role->silence_source, g_source_remove);
  if (result->event == EXT_REGISTERED)
    search_behind(role, result->manager_pid);
  ExtReporter *reporter = role->reporter;
  if (reporter == NULL)
    return;
  const gboolean unanswered = result->event == EXT_NO_ANSWER && !stopping;
  if (unanswered)
    watch_silence(role);
  if (unanswered || result->event == EXT_NO_CORE)
    ext_reporter_unanswered(reporter, result->manager_pid);
  if ((result->event == EXT_REGISTERED || result->entries != NULL) && result->manager_pid > 0)
    ext_reporter_core(reporter, result->manager_pid);
  if (result->info_asked)
    ext_reporter_info(reporter, result->info);
  if (result->entries != NULL)
    ext_reporter_listed(reporter, result->entries, own_uuid);
}

ExtRole *
ext_role_new(const ExtOptions *options, TableStore *store, ExtRoleOver over, gpointer user_data)
{
  ExtRole *role = g_new0(ExtRole, 1);
  role->options = options;
  role->store = store;
  role->parent = getppid();
  role->over = over;
  role->user_data = user_data;
  role->channel = ext_channel_new(options->report_fd);
  if (role->channel != NULL)
    begin_to_report(role);
  search_parent(role);
  return role;
}

void
ext_role_free(ExtRole *role)
{
  if (role == NULL)
    return;
  g_clear_handle_id(&role->search_source, g_source_remove);
  g_clear_handle_id(&role->silence_source, g_source_remove);
  g_clear_pointer(&role->reporter, ext_reporter_free);
  (void)ext_observer_free(role->observer); /* the process ends */
  ext_channel_free(role->channel);
  g_free(role);
}
