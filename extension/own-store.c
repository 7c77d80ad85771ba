#include "extension/own-store.h"

#include "watchdog/core/settings/defaults.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"
#include "watchdog/record/private-directory.h"

#define FINISH_WAIT_US (2 * G_TIME_SPAN_SECOND)

struct ExtOwnStore {
  WdPrivateDirectory *state_dir;
  WdPrivateDirectory *runtime_dir;
  WdWriter *writer;
};

static WdWriter *
start_writer(const ExtOwnStore *store, gint64 watcher_pid, GError **error)
{
  g_autofree char *run_id = g_uuid_string_random();
  g_autofree char *boot_id = wd_procfs_boot_id();
  const WdWriterOptions options = {
      .state_dir = store->state_dir,
      .runtime_dir = store->runtime_dir,
      .run_id = run_id,
      .boot_id = boot_id,
      .watchdog_pid = watcher_pid,
      .history_max = WD_DEFAULT_HISTORY_MAX,
      .history_expiry_s = WD_DEFAULT_HISTORY_EXPIRY_S,
  };
  return wd_writer_start(&options, error);
}

ExtOwnStore *
ext_own_store_new(const char *state_dir, const char *runtime_dir, gint64 watcher_pid,
                  GError **error)
{
  g_autoptr(ExtOwnStore) store = g_new0(ExtOwnStore, 1);
  store->state_dir = wd_private_directory_new(state_dir);
  store->runtime_dir = wd_private_directory_new(runtime_dir);
  if (!wd_private_directory_claim(store->state_dir, error) ||
      !wd_private_directory_claim(store->runtime_dir, error))
    return NULL;
  store->writer = start_writer(store, watcher_pid, error);
  return store->writer != NULL ? g_steal_pointer(&store) : NULL;
}

WdWriter *
ext_own_store_writer(const ExtOwnStore *store)
{
  return store->writer;
}

gboolean
ext_own_store_free(ExtOwnStore *store)
{
  if (store == NULL)
    return TRUE;
  gboolean hangs = FALSE;
  const gboolean done =
      store->writer == NULL || wd_writer_finish(store->writer, FINISH_WAIT_US, &hangs);
  if (!done)
    wd_log("osquery-watchdog.ext: the last events could not be written");
  if (!hangs) { /* otherwise a thread may still write, so they stay locked until we are gone */
    wd_private_directory_free(store->state_dir);
    wd_private_directory_free(store->runtime_dir);
  }
  g_free(store);
  return done;
}
