#include "extension/own-store.h"

#include <unistd.h>

#include "watchdog/core/settings/defaults.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"
#include "watchdog/record/private-directory.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

#define FINISH_WAIT_US (2 * G_TIME_SPAN_SECOND)

struct ExtOwnStore {
  int locks[2]; /* of the directories; -1: not locked */
  WdWriter *writer;
};

static WdWriter *
start_writer(const char *state_dir, const char *runtime_dir, gint64 watcher_pid, GError **error)
{
  g_autofree char *history = g_build_filename(state_dir, WD_HISTORY_FILE, NULL);
  g_autofree char *status = g_build_filename(runtime_dir, WD_STATUS_FILE, NULL);
  g_autofree char *run_id = g_uuid_string_random();
  g_autofree char *boot_id = wd_procfs_boot_id();
  const WdWriterOptions options = {
      .history_path = history,
      .status_path = status,
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
  g_autofree char *state = wd_private_directory_prepare(state_dir, error);
  g_autofree char *runtime =
      state != NULL ? wd_private_directory_prepare(runtime_dir, error) : NULL;
  if (runtime == NULL)
    return NULL;
  g_autoptr(ExtOwnStore) store = g_new0(ExtOwnStore, 1);
  store->locks[1] = -1;
  store->locks[0] = wd_private_directory_lock(state, error);
  if (store->locks[0] >= 0)
    store->locks[1] = wd_private_directory_lock(runtime, error);
  if (store->locks[1] < 0)
    return NULL;
  store->writer = start_writer(state, runtime, watcher_pid, error);
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
  const gboolean done = store->writer == NULL || wd_writer_finish(store->writer, FINISH_WAIT_US);
  if (!done)
    wd_log("osquery-watchdog.ext: the last events could not be written");
  for (guint i = 0; done && i < G_N_ELEMENTS(store->locks); i++)
    if (store->locks[i] >= 0)
      close(store->locks[i]);
  g_free(store);
  return done;
}
