/* Whatever comes from the connector: no read past its end, and an end that can be one. */
#include "watchdog/core/kernel/proc-event.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  gint64 pid;
  WdExit how;

  if (wd_proc_event_parse(data, size, &pid, &how) != WD_PROC_EVENT_EXIT)
    return 0;
  g_assert_true(pid > 0 && pid <= G_MAXINT32);
  g_assert_true((how.code == WD_NONE) != (how.signal == WD_NONE) && !how.oom);
  if (how.code != WD_NONE)
    g_assert_true(how.code >= 0 && how.code <= 255);
  else
    g_assert_true(how.signal > 0 && how.signal < 127);
  return 0;
}
