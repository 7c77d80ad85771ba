#include "tables/source.h"

#include "watchdog/core/event/event.h"
#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/setting.h"
#include "watchdog/core/event/termination.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

const TableSource table_sources[TABLE_N_SOURCES] = {
    {
        .table = &wd_process_table,
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        .since = 1,
        /* A dead watchdog's children are shown as it last recorded them: nothing shows whether
         * they still live, and the loss of their watchdog is what matters. */
        .computed = "state",
        .expression = "CASE WHEN role = 'watchdog' AND state <> 'stopped'"
                      " AND watchdog_lost(pid, start_ticks, last_check_us)"
                      " THEN 'unresponsive' ELSE state END",
    },
    {
        .table = &wd_event_table,
        .file = WD_HISTORY_FILE,
        .in_state_dir = TRUE,
        .schema = &wd_schema_history,
        .since = 1,
    },
    {
        .table = &wd_sample_table,
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        .since = 2,
    },
    {
        .table = &wd_termination_table,
        .file = WD_HISTORY_FILE,
        .in_state_dir = TRUE,
        .schema = &wd_schema_history,
        .since = 3,
    },
    {
        .table = &wd_setting_table,
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        .since = 4,
    },
};

guint
table_source_index(const WdTable *table)
{
  for (guint i = 0; i < TABLE_N_SOURCES; i++)
    if (table_sources[i].table == table)
      return i;
  g_assert_not_reached();
}
