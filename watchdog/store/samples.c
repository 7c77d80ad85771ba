/* A sample's key is the number of its check, then its place among the rows: the order in which they
 * were made, whatever the clock said. */
#include "watchdog/store/samples.h"

#include "watchdog/store/row.h"

#define PLACES_BITS 16
#define PLACES (1 << PLACES_BITS)
/* No watchdog makes so many checks. */
#define GREATEST_CHECK (G_GINT64_CONSTANT(1) << 46)

G_STATIC_ASSERT(WD_SAMPLES_ALL % WD_SAMPLES_EVERY == 0 && WD_SAMPLES_SPAN % WD_SAMPLES_EVERY == 0);

gboolean
wd_samples_open(WdSamples *samples, sqlite3 *db, GError **error)
{
  gint64 newest;
  *samples = (WdSamples){0};
  if (!wd_database_integer(db, "SELECT coalesce(max(id), -1) FROM samples", &newest, error))
    return FALSE;
  samples->check = newest < 0 ? 0 : (newest >> PLACES_BITS) + 1;
  if (samples->check > GREATEST_CHECK)
    return wd_store_fail(error, WD_STORE_ERROR_CORRUPT,
                         "%s: no watchdog made a sample %" G_GINT64_FORMAT,
                         sqlite3_db_filename(db, "main"), newest);
  samples->insert = wd_row_prepare(db, &wd_sample_table, "INSERT", "", error);
  if (samples->insert == NULL)
    return FALSE;
  samples->remove = wd_database_prepare(db, "DELETE FROM samples WHERE id >= ? AND id < ?", error);
  return samples->remove != NULL;
}

void
wd_samples_clear(WdSamples *samples)
{
  sqlite3_finalize(samples->insert);
  sqlite3_finalize(samples->remove);
}

static gboolean
add(WdSamples *samples, gint64 place, const WdProcessStatus *row, GError **error)
{
  WdBinder binder = {.stmt = samples->insert};
  wd_bind_integer(&binder, samples->check << PLACES_BITS | place);
  wd_row_bind(&binder, &wd_sample_table, row, NULL, WD_NONE);
  return wd_binder_run(&binder, error);
}

/* Removes the checks from @first up to @end, not included. */
static gboolean
remove_checks(WdSamples *samples, gint64 first, gint64 end, GError **error)
{
  WdBinder binder = {.stmt = samples->remove};
  wd_bind_integer(&binder, first * PLACES);
  wd_bind_integer(&binder, end * PLACES);
  return wd_binder_run(&binder, error);
}

/* Removes a minute of checks at a time, which lie together in the file: that costs less than a row
 * at each check. */
static gboolean
prune(WdSamples *samples, GError **error)
{
  if (samples->check % WD_SAMPLES_EVERY != 0)
    return TRUE;
  const gint64 minute = samples->check - WD_SAMPLES_ALL - WD_SAMPLES_EVERY;
  return remove_checks(samples, minute + 1, minute + WD_SAMPLES_EVERY, error) &&
         remove_checks(samples, -1, samples->check - WD_SAMPLES_SPAN, error);
}

gboolean
wd_samples_add(WdSamples *samples, WdProcessStatus *const *rows, gsize n, GError **error)
{
  gint64 newest_us = samples->sampled_us;
  for (gsize i = 0; i < MIN(n, PLACES); i++) {
    /* The check of an unmeasured or republished row gives no second sample. */
    if (rows[i]->regular_check_us == WD_NONE || rows[i]->regular_check_us <= samples->sampled_us)
      continue;
    if (!add(samples, (gint64)i, rows[i], error))
      return FALSE;
    newest_us = MAX(newest_us, rows[i]->regular_check_us);
  }
  if (newest_us == samples->sampled_us)
    return TRUE;
  samples->sampled_us = newest_us;
  samples->check++;
  return prune(samples, error);
}
