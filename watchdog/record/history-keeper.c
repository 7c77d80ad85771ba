#include "watchdog/record/history-keeper.h"

#include "watchdog/record/log.h"
#include "watchdog/store/given-up.h"
#include "watchdog/store/recover.h"
#include "watchdog/store/store-error.h"

#define RETRY_LONGEST_US (5 * G_TIME_SPAN_SECOND)
#define PRUNE_MOST WD_HISTORY_BATCH_MAX /* as many as one transaction adds */
#define PRUNE_INTERVAL_US (60 * G_TIME_SPAN_SECOND)

void
wd_history_keeper_clear(WdHistoryKeeper *keeper)
{
  wd_history_free(keeper->history);
  g_clear_pointer(&keeper->given_up, g_ptr_array_unref);
  g_free(keeper->path);
  g_free(keeper->run_id);
  g_free(keeper->boot_id);
  g_free(keeper->unusable);
  g_free(keeper->trouble);
}

static gboolean
is_open(const WdHistoryKeeper *keeper)
{
  return keeper->history != NULL && keeper->unusable == NULL;
}

gboolean
wd_history_keeper_has_history(const WdHistoryKeeper *keeper)
{
  return keeper->history != NULL;
}

/* Only when the run begins, because the supervisor knows what the run itself adds. A failure
 * doesn't make the history unusable: then nothing is remembered. */
static void
read_given_up(WdHistoryKeeper *keeper, WdHistory *history, gint64 now_s)
{
  g_autoptr(GError) error = NULL;
  if (keeper->base != WD_NONE)
    return;
  keeper->given_up = wd_given_up_read(wd_history_connection(history), now_s, &error);
  if (error != NULL)
    wd_log_store_trouble(&keeper->trouble, error);
}

static gboolean
open_history(WdHistoryKeeper *keeper, WdRecovery **recovery, GError **error)
{
  if (is_open(keeper))
    return TRUE;
  if (!wd_private_directory_claim(keeper->directory, error))
    return FALSE;
  const WdHistoryRun run = {
      .run_id = keeper->run_id,
      .boot_id = keeper->boot_id,
      .watchdog_pid = keeper->watchdog_pid,
      .now_s = g_get_real_time() / G_USEC_PER_SEC,
      .floor = keeper->floor,
      .begun = keeper->base != WD_NONE,
      .base = keeper->base,
      .stored = keeper->durable,
  };
  WdHistory *history = keeper->history == NULL
                           ? wd_history_open_or_recover(keeper->path, &run, recovery, error)
                           : wd_history_recover(keeper->path, &run, keeper->history,
                                                keeper->unusable, recovery, error);
  if (history == NULL)
    return FALSE;
  read_given_up(keeper, history, run.now_s);
  wd_history_free(keeper->history);
  g_clear_pointer(&keeper->unusable, g_free);
  keeper->history = history;
  keeper->base = wd_history_base(history);
  return TRUE;
}

/* A locked history stays open. A damaged or moved one does, too, because some of it may be saved.
 * Any other is closed and opened again, because the file may be another by then. */
static void
failed(WdHistoryKeeper *keeper, const GError *error)
{
  wd_log_store_trouble(&keeper->trouble, error);
  keeper->retry_us = CLAMP(keeper->retry_us * 2, WD_HISTORY_RETRY_US, RETRY_LONGEST_US);
  keeper->retry_at_us = g_get_monotonic_time() + keeper->retry_us;
  if (keeper->unusable != NULL)
    return;
  if (g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT) ||
      g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_MOVED)) {
    if (keeper->history != NULL)
      keeper->unusable = g_strdup(error->message);
  } else if (!g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_BUSY)) {
    g_clear_pointer(&keeper->history, wd_history_free);
  }
}

gboolean
wd_history_keeper_append(WdHistoryKeeper *keeper, WdEvent *const *events, gsize n,
                         WdRecovery **recovery)
{
  g_autoptr(GError) error = NULL;
  if (!open_history(keeper, recovery, &error) ||
      !wd_history_append(keeper->history, events, n, &error)) {
    failed(keeper, error);
    return FALSE;
  }
  if (n > 0)
    keeper->durable = events[n - 1]->seq;
  keeper->retry_us = keeper->retry_at_us = 0;
  wd_log_store_mended(&keeper->trouble, keeper->path);
  return TRUE;
}

/* Allows a little more than the maximum, so that not every event costs a second transaction. */
static gboolean
over_the_maximum(const WdHistoryKeeper *keeper)
{
  return wd_history_rows(keeper->history) >
         keeper->max_rows + MIN(keeper->max_rows / 100, PRUNE_MOST);
}

gint64
wd_history_keeper_due_us(const WdHistoryKeeper *keeper)
{
  const gboolean now = !is_open(keeper) || over_the_maximum(keeper);
  return MAX(now ? 0 : keeper->next_prune_us, keeper->retry_at_us);
}

/* Rows over the maximum are removed as fast as they come. Rows that are too old are removed one
 * step each time, so that little is lost until a wrong clock is corrected. */
void
wd_history_keeper_prune(WdHistoryKeeper *keeper)
{
  const gint64 now_us = g_get_monotonic_time();
  const gint64 wall_us = g_get_real_time();
  const gboolean regular = now_us >= keeper->next_prune_us;
  gint64 oldest_s = G_MININT64;
  if (regular) {
    keeper->next_prune_us = now_us + PRUNE_INTERVAL_US;
    if (wd_clock_watch_settled(&keeper->clock, wall_us, now_us))
      oldest_s = wall_us / G_USEC_PER_SEC - keeper->expiry_s;
  }
  guint removed;
  g_autoptr(GError) error = NULL;
  if (is_open(keeper) &&
      !wd_history_prune(keeper->history, keeper->max_rows, oldest_s, PRUNE_MOST, &removed, &error))
    failed(keeper, error);
}
