#include "watchdog/core/event/recovery.h"

#include "watchdog/core/event/json.h"

void
wd_recovery_free(WdRecovery *recovery)
{
  if (recovery == NULL)
    return;
  g_free(recovery->problem);
  g_free(recovery->moved_to);
  g_free(recovery);
}

char *
wd_recovery_message(const WdRecovery *recovery)
{
  return g_strdup_printf("the history was begun anew: %s; %" G_GINT64_FORMAT
                         " events were saved%s%s",
                         recovery->problem, recovery->saved,
                         recovery->moved_to != NULL ? "; the old file is now " : "",
                         recovery->moved_to != NULL ? recovery->moved_to : "");
}

char *
wd_recovery_details(const WdRecovery *recovery)
{
  GString *json = g_string_new("{");
  wd_json_append_text(json, "problem", recovery->problem);
  wd_json_append_text(json, "moved_to", recovery->moved_to);
  wd_json_append_number(json, "saved", recovery->saved);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}
