#include "extension/core-info.h"

#include "thrift/client.h"

static const char INFO_SQL[] = "SELECT version, start_time FROM osquery_info";
/* The schedule is empty until the core has read its config, which may take a while. */
static const char COUNT_SQL[] =
    "SELECT count(*) AS scheduled, coalesce(sum(denylisted), 0) AS denylisted"
    " FROM osquery_schedule";
static const char DENYLISTED_SQL[] =
    "SELECT name, query FROM osquery_schedule WHERE denylisted = 1";

void
ext_denylisted_free(ExtDenylisted *denylisted)
{
  g_free(denylisted->name);
  g_free(denylisted->query);
  g_free(denylisted);
}

void
ext_core_info_free(ExtCoreInfo *info)
{
  if (info == NULL)
    return;
  g_free(info->version);
  g_clear_pointer(&info->denylisted, g_ptr_array_unref);
  g_free(info);
}

/* @rows: set to NULL when the core answers with an error, most likely because it has no such table.
 * Returns: FALSE with @error when it doesn't answer. */
static gboolean
ask(const WirePeer *peer, const char *sql, GPtrArray **rows, GError **error)
{
  g_autoptr(GError) failure = NULL;
  *rows = wire_query(peer, sql, &failure);
  if (*rows != NULL || failure->domain == WIRE_ERROR)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static const char *
value(const GPtrArray *rows, guint row, const char *column)
{
  const char *text = g_hash_table_lookup(g_ptr_array_index(rows, row), column);
  return text != NULL ? text : "";
}

static gint64
number(const GPtrArray *rows, const char *column)
{
  gint64 parsed;
  return rows != NULL && rows->len == 1 &&
                 g_ascii_string_to_signed(value(rows, 0, column), 10, 0, G_MAXINT64, &parsed, NULL)
             ? parsed
             : 0;
}

static gboolean
ask_for_denylisted(const WirePeer *peer, ExtCoreInfo *info, GError **error)
{
  g_autoptr(GPtrArray) rows = NULL;
  if (!ask(peer, DENYLISTED_SQL, &rows, error))
    return FALSE;
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    ExtDenylisted *denylisted = g_new(ExtDenylisted, 1);
    denylisted->name = g_strdup(value(rows, i, "name"));
    denylisted->query = g_strdup(value(rows, i, "query"));
    g_ptr_array_add(info->denylisted, denylisted);
  }
  return TRUE;
}

ExtCoreInfo *
ext_core_info_ask(const WirePeer *peer, GError **error)
{
  g_autoptr(ExtCoreInfo) info = g_new0(ExtCoreInfo, 1);
  g_autoptr(GPtrArray) about = NULL;
  g_autoptr(GPtrArray) count = NULL;
  if (!ask(peer, INFO_SQL, &about, error) || !ask(peer, COUNT_SQL, &count, error))
    return NULL;
  if (about != NULL && about->len == 1) {
    info->version = g_strdup(value(about, 0, "version"));
    info->start_time_s = number(about, "start_time");
  }
  info->scheduled = count == NULL || number(count, "scheduled") > 0;
  if (!info->scheduled)
    return g_steal_pointer(&info);
  info->denylisted = g_ptr_array_new_with_free_func((GDestroyNotify)ext_denylisted_free);
  if (number(count, "denylisted") > 0 && !ask_for_denylisted(peer, info, error))
    return NULL;
  return g_steal_pointer(&info);
}
