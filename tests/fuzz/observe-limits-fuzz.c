/* Whatever a worker says that its flags are, one `name=value` a line: limits with which every sum
 * of times can be made, or none. */
#include "watchdog/core/settings/osqueryd-flags.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_seconds(gint64 seconds)
{
  g_assert_true(seconds >= 0 && seconds <= WD_LIMITS_MAX_S);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
  WdLimits limits;

  for (char **line = lines; *line != NULL; line++) {
    char *equals = strchr(*line, '=');
    if (equals == NULL)
      continue;
    *equals = '\0';
    g_hash_table_insert(options, *line, equals + 1);
  }
  if (!wd_limits_from_options(options, 2, &limits))
    return 0;
  g_assert_true(limits.memory_limit_bytes > 0);
  g_assert_true(limits.utilization_limit >= 1 && limits.utilization_limit <= 100);
  check_seconds(limits.latency_limit_s);
  check_seconds(limits.watchdog_delay_s);
  check_seconds(limits.forced_shutdown_delay_s);
  check_seconds(limits.max_delay_s);
  return 0;
}
