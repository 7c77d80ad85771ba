#include "watchdog/store/salvage.h"

#include "watchdog/core/event/event.h"
#include "watchdog/store/row.h"
#include "watchdog/store/schema.h"

/* Each attempt looks twice as far behind the damage, and reads a page or so. */
#define ATTEMPTS_MOST 1000
/* Of a value, because damage can make up any length. */
#define LENGTH_MOST (1 << 20)

typedef struct {
  sqlite3 *target;
  sqlite3_stmt *up;
  sqlite3_stmt *down;
  sqlite3_stmt *insert;
  gint64 saved;
} Salvage;

typedef enum {
  COPIED,  /* to the end of the range */
  DAMAGED, /* to something that can't be read */
  FAILED,  /* the target can't be written */
} Outcome;

static void
salvage_clear(Salvage *salvage)
{
  sqlite3_finalize(salvage->up);
  sqlite3_finalize(salvage->down);
  sqlite3_finalize(salvage->insert);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Salvage, salvage_clear)

/* Only valid text is ever written. */
static gboolean
is_sound(sqlite3_stmt *row)
{
  for (int i = 0; i < sqlite3_column_count(row); i++)
    if (sqlite3_column_type(row, i) == SQLITE_TEXT) {
      const char *text = (const char *)sqlite3_column_text(row, i);
      if (text == NULL || !g_utf8_validate_len(text, (gsize)sqlite3_column_bytes(row, i), NULL))
        return FALSE;
    }
  return TRUE;
}

/* A row that the target's columns don't take is damage, too. */
static gboolean
copy_row(Salvage *salvage, sqlite3_stmt *row, GError **error)
{
  if (!is_sound(row))
    return TRUE;
  int result = SQLITE_OK;
  for (int i = 0; i < sqlite3_column_count(row) && result == SQLITE_OK; i++)
    result = sqlite3_bind_value(salvage->insert, i + 1, sqlite3_column_value(row, i));
  if (result == SQLITE_OK)
    result = sqlite3_step(salvage->insert);
  if (result == SQLITE_DONE)
    salvage->saved++;
  else if (result != SQLITE_CONSTRAINT && result != SQLITE_MISMATCH)
    wd_database_set_error(salvage->target, error);
  (void)sqlite3_reset(salvage->insert); /* repeats what the step said */
  return result == SQLITE_DONE || result == SQLITE_CONSTRAINT || result == SQLITE_MISMATCH;
}

/* Copies the rows from @from to @to, in the direction of @select. A row out of order is damage, and
 * could be read for ever. @last: the eid of the last row that was read; unchanged if there was
 * none. */
static Outcome
copy_range(Salvage *salvage, sqlite3_stmt *select, gint64 from, gint64 to, gint64 *last,
           GError **error)
{
  Outcome outcome = DAMAGED;
  gint64 low = from, high = to;
  if (sqlite3_bind_int64(select, 1, from) == SQLITE_OK &&
      sqlite3_bind_int64(select, 2, to) == SQLITE_OK)
    for (;;) {
      const int result = sqlite3_step(select);
      if (result == SQLITE_DONE)
        outcome = COPIED;
      if (result != SQLITE_ROW)
        break;
      const gint64 eid = sqlite3_column_int64(select, 0);
      if (eid < low || eid > high)
        break;
      if (!copy_row(salvage, select, error)) {
        outcome = FAILED;
        break;
      }
      *last = eid;
      if (select == salvage->up)
        low = eid + 1;
      else
        high = eid - 1;
    }
  (void)sqlite3_reset(select);
  return outcome;
}

/* Copies upwards. After damage it looks ever farther on, and copies from there down to it. */
static gboolean
copy_events(Salvage *salvage, gint64 most, GError **error)
{
  gint64 damaged = 0; /* the first eid that wasn't reached yet */
  gint64 from = 1, skip = 1;
  for (guint attempt = 0; attempt < ATTEMPTS_MOST && from <= most; attempt++) {
    gint64 last = from - 1;
    Outcome outcome = copy_range(salvage, salvage->up, from, most, &last, error);
    if (outcome == DAMAGED && last < from && damaged == 0)
      damaged = from;
    if (damaged != 0 && (outcome == COPIED || (outcome == DAMAGED && last >= from))) {
      gint64 ignored;
      if (copy_range(salvage, salvage->down, damaged, from - 1, &ignored, error) == FAILED)
        return FALSE;
      damaged = 0;
      skip = 1;
    }
    if (outcome != DAMAGED)
      return outcome == COPIED;
    if (damaged == 0)
      damaged = last + 1;
    from = MAX(from, last + 1) + skip;
    skip *= 2;
  }
  return TRUE;
}

/* Returns: FALSE only when the target can't be written. */
static gboolean
copy_run(sqlite3 *source, sqlite3 *target, gint64 most, GError **error)
{
  g_autoptr(sqlite3_stmt) insert =
      wd_database_prepare(target,
                          "INSERT INTO run(id, run_id, boot_id, pid, base) VALUES(0, ?, ?, ?, ?)"
                          " ON CONFLICT(id) DO NOTHING",
                          error);
  if (insert == NULL)
    return FALSE;
  g_autoptr(sqlite3_stmt) select = wd_database_prepare(
      source,
      "SELECT CAST(run_id AS TEXT), CAST(boot_id AS TEXT), CAST(pid AS INTEGER),"
      " CAST(base AS INTEGER) FROM run",
      NULL);
  if (select == NULL || sqlite3_step(select) != SQLITE_ROW ||
      sqlite3_column_text(select, 0) == NULL || sqlite3_column_text(select, 1) == NULL ||
      sqlite3_column_int64(select, 3) < 0 || sqlite3_column_int64(select, 3) > most)
    return TRUE;
  WdBinder binder = {.stmt = insert};
  wd_bind_text(&binder, (const char *)sqlite3_column_text(select, 0));
  wd_bind_text(&binder, (const char *)sqlite3_column_text(select, 1));
  wd_bind_integer(&binder, sqlite3_column_int64(select, 2));
  wd_bind_integer(&binder, sqlite3_column_int64(select, 3));
  return wd_binder_run(&binder, error);
}

static gboolean
prepare_select(Salvage *salvage, sqlite3 *source)
{
  g_autofree char *columns = wd_row_columns(&wd_event_table, source);
  g_autofree char *up =
      g_strdup_printf("SELECT %s FROM events WHERE eid BETWEEN ? AND ? ORDER BY eid", columns);
  g_autofree char *down = g_strconcat(up, " DESC", NULL);
  salvage->up = wd_database_prepare(source, up, NULL);
  salvage->down = wd_database_prepare(source, down, NULL);
  return salvage->up != NULL && salvage->down != NULL;
}

gboolean
wd_salvage(sqlite3 *source, sqlite3 *target, gint64 most, gint64 *saved, GError **error)
{
  g_auto(Salvage) salvage = {.target = target};
  gint32 version;
  *saved = 0;
  if (!wd_schema_check(source, &wd_schema_history, &version, NULL) || version == 0)
    return TRUE;
  (void)sqlite3_limit(source, SQLITE_LIMIT_LENGTH, LENGTH_MOST);
  if (!prepare_select(&salvage, source))
    return TRUE;
  salvage.insert =
      wd_row_prepare(target, &wd_event_table, "INSERT", " ON CONFLICT(eid) DO NOTHING", error);
  const gboolean done = salvage.insert != NULL && copy_events(&salvage, most, error) &&
                        copy_run(source, target, most, error);
  *saved = salvage.saved;
  return done;
}
