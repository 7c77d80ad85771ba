#include "tables/ctl/advice/life.h"

#include "tables/ctl/print/value.h"
#include "watchdog/store/database.h"

/* No process has so many samples; a file that says otherwise isn't ours. The newest count. */
#define MOST_POINTS 10000
/* No process has so much memory, and with less, no sum of it overflows. */
#define MOST_BYTES (G_GINT64_CONSTANT(1) << 50)

/* A sample that is labelled as later is another process's with the same pid, or a clock's that was
 * set. The last check may come while the process is being ended. */
static const char samples_sql[] =
    "SELECT s.time, s.footprint FROM watchdog_events e CROSS JOIN watchdog_samples s"
    " WHERE e.eid = ?1 AND s.name = e.name AND s.pid = e.pid AND s.time BETWEEN 0 AND e.time + 3"
    " AND s.footprint BETWEEN 0 AND ?2";

static GArray *
read_points(sqlite3 *db, gint64 eid)
{
  GArray *points = g_array_new(FALSE, FALSE, sizeof(CtlGrowthPoint));
  g_autoptr(sqlite3_stmt) stmt = NULL;
  if (sqlite3_prepare_v2(db, samples_sql, -1, &stmt, NULL) != SQLITE_OK ||
      sqlite3_bind_int64(stmt, 1, eid) != SQLITE_OK ||
      sqlite3_bind_int64(stmt, 2, MOST_BYTES) != SQLITE_OK)
    return points;
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    const CtlGrowthPoint point = {ctl_integer(stmt, 0), ctl_integer(stmt, 1)};
    g_array_append_val(points, point);
    if (points->len == 2 * MOST_POINTS)
      g_array_remove_range(points, 0, MOST_POINTS);
  }
  return points;
}

static gboolean
is_size(gint64 bytes)
{
  return bytes >= 0 && bytes <= MOST_BYTES;
}

void
ctl_life_read(sqlite3 *db, CtlFinding *finding)
{
  if (finding->reason != WD_REASON_MEMORY || !is_size(finding->measured) ||
      !is_size(finding->limit_value))
    return;
  g_autoptr(GArray) points = read_points(db, finding->eid);
  finding->growth =
      ctl_growth_find(points, finding->lifetime_ms, finding->measured, finding->limit_value);
}
