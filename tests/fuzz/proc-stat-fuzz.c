/* Whatever stands in /proc/PID/stat or status: no read past its end, no value out of range. */
#include "watchdog/core/kernel/proc-stat.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  WdProcStat stat;
  WdProcMemory memory;

  if (wd_proc_stat_parse(text, size, &stat))
    g_assert_true(stat.pid > 0 && stat.user_ticks >= 0 && stat.system_ticks >= 0 &&
                  stat.threads >= 0 && stat.start_ticks >= 0 && stat.resident_pages >= 0 &&
                  g_ascii_isalpha(stat.state));
  if (wd_proc_memory_parse(text, size, &memory))
    g_assert_true((memory.anon_bytes == WD_NONE || memory.anon_bytes >= 0) &&
                  (memory.swap_bytes == WD_NONE || memory.swap_bytes >= 0) &&
                  (memory.threads == WD_NONE || memory.threads >= 0));
  const gint64 cpu_ms = wd_proc_schedstat_cpu_ms(text, size);
  g_assert_true(cpu_ms == WD_NONE || cpu_ms >= 0);
  return 0;
}
