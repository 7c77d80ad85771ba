#include "tests/stand-in/manager.h"

#include <glib/gstdio.h>
#include <string.h>

#include "tests/stand-in/api.h"
#include "tests/stand-in/calls.h"
#include "tests/stand-in/server.h"

/* osquery/extensions/extensions.cpp and impl_thrift.cpp. */
#define INTERVAL_MIN_MS 200
#define TIMEOUT_MIN_MS 200
#define LATENCY_MS 20
#define CHECK_S 10
#define CALL_S 300

struct StandManager {
  StandApi api;
  StandServer *server;
  gint64 interval_us, timeout_us;
  GThread *checker;
  GMutex lock;
  GCond changed;
  gboolean stopping, checker_ended;
};

static void
unlink_stale_sockets(const char *socket)
{
  g_autofree char *directory = g_path_get_dirname(socket);
  g_autofree char *base = g_path_get_basename(socket);
  g_autofree char *prefix = g_strconcat(base, ".", NULL);
  g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (g_str_has_prefix(name, prefix))
      (void)g_unlink(path); /* as osquery: what can't be removed is no concern of the manager */
  }
}

/* TRUE when the manager is to stop, at once or within @us. */
static gboolean
wait_for_stop(StandManager *manager, gint64 us)
{
  gint64 end_us = g_get_monotonic_time() + us;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&manager->lock);
  while (!manager->stopping)
    if (!g_cond_wait_until(&manager->changed, &manager->lock, end_us))
      break;
  return manager->stopping;
}

static gboolean
answers(const char *path, gint64 timeout_s)
{
  WirePeer peer = {path, g_get_monotonic_time() + timeout_s * G_USEC_PER_SEC, NULL, NULL};
  return g_file_test(path, G_FILE_TEST_EXISTS) && stand_ping(&peer, NULL);
}

/* One failed ping and the extension is gone, and nobody is told. Only one that has just registered
 * gets the time to open its socket. */
static gboolean
is_alive(StandManager *manager, const char *path, gboolean first)
{
  gint64 end_us = g_get_monotonic_time() + manager->timeout_us;
  if (first && !g_file_test(path, G_FILE_TEST_EXISTS))
    while (!answers(path, CHECK_S) && g_get_monotonic_time() < end_us)
      if (wait_for_stop(manager, LATENCY_MS * 1000))
        return TRUE;
  return answers(path, CALL_S);
}

static void
check_extensions(StandManager *manager, GHashTable *checked)
{
  g_autoptr(GPtrArray) extensions = stand_registry_extensions(manager->api.core.registry);
  for (guint i = 0; i < extensions->len; i++) {
    const StandExtension *extension = g_ptr_array_index(extensions, i);
    g_autofree char *path = stand_extension_socket(manager->api.core.socket, extension->uuid);
    gboolean first = g_hash_table_add(checked, GINT_TO_POINTER((gint)extension->uuid));
    if (!is_alive(manager, path, first))
      stand_api_remove(&manager->api, extension->uuid);
  }
}

static void
shut_down_extensions(StandManager *manager)
{
  g_autoptr(GPtrArray) extensions = stand_registry_extensions(manager->api.core.registry);
  for (guint i = 0; i < extensions->len; i++) {
    const StandExtension *extension = g_ptr_array_index(extensions, i);
    g_autofree char *path = stand_extension_socket(manager->api.core.socket, extension->uuid);
    WirePeer peer = {path, g_get_monotonic_time() + CALL_S * G_USEC_PER_SEC, NULL, NULL};
    (void)stand_shutdown(&peer, NULL); /* it may be gone already */
  }
}

static gpointer
watch_extensions(gpointer data)
{
  StandManager *manager = data;
  g_autoptr(GHashTable) checked = g_hash_table_new(NULL, NULL);
  do
    check_extensions(manager, checked);
  while (!wait_for_stop(manager, manager->interval_us));
  shut_down_extensions(manager);
  g_mutex_lock(&manager->lock);
  manager->checker_ended = TRUE;
  g_cond_broadcast(&manager->changed);
  g_mutex_unlock(&manager->lock);
  return NULL;
}

static void
manager_free(StandManager *manager)
{
  stand_server_free(manager->server);
  /* They have, unless we never began. */
  (void)stand_schedule_stop(manager->api.core.schedule, G_MAXINT64);
  (void)stand_distributed_stop(manager->api.distributed, G_MAXINT64);
  stand_api_clear(&manager->api);
  g_mutex_clear(&manager->lock);
  g_cond_clear(&manager->changed);
  g_free(manager);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandManager, manager_free)

StandManager *
stand_manager_new(const StandManagerOptions *options, GError **error)
{
  g_autoptr(StandManager) manager = g_new0(StandManager, 1);
  g_mutex_init(&manager->lock);
  g_cond_init(&manager->changed);
  stand_api_init(&manager->api, options->flags, options->log, options->watcher,
                 options->misbehaviour);
  gint64 interval_s = stand_flags_number(options->flags, "extensions_interval");
  gint64 timeout_s = stand_flags_number(options->flags, "extensions_timeout");
  manager->interval_us = MAX(interval_s * G_USEC_PER_SEC, INTERVAL_MIN_MS * 1000);
  manager->timeout_us = MAX(timeout_s * G_USEC_PER_SEC, TIMEOUT_MIN_MS * 1000);
  unlink_stale_sockets(manager->api.core.socket);
  manager->server = stand_server_new(manager->api.core.socket, options->misbehaviour,
                                     stand_api_answer, &manager->api, error);
  if (manager->server == NULL)
    return NULL;
  manager->checker = g_thread_new("checker", watch_extensions, manager);
  return g_steal_pointer(&manager);
}

static gboolean
wait_for_checker(StandManager *manager, gint64 deadline_us)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&manager->lock);
  manager->stopping = TRUE;
  g_cond_broadcast(&manager->changed);
  while (!manager->checker_ended)
    if (!g_cond_wait_until(&manager->changed, &manager->lock, deadline_us))
      return FALSE;
  return TRUE;
}

void
stand_manager_limit_hit(StandManager *manager)
{
  stand_schedule_limit_hit(manager->api.core.schedule);
}

gboolean
stand_manager_stop(StandManager *manager, gint64 deadline_us)
{
  stand_server_stop(manager->server);
  if (!stand_schedule_stop(manager->api.core.schedule, deadline_us) ||
      !stand_distributed_stop(manager->api.distributed, deadline_us) ||
      !wait_for_checker(manager, deadline_us) || !stand_server_wait(manager->server, deadline_us))
    return FALSE;
  g_thread_join(manager->checker);
  unlink_stale_sockets(manager->api.core.socket);
  manager_free(manager);
  return TRUE;
}
