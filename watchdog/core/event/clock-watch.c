#include "watchdog/core/event/clock-watch.h"

gboolean
wd_clock_watch_settled(WdClockWatch *watch, gint64 wall_us, gint64 monotonic_us)
{
  const gint64 offset_us = wall_us - monotonic_us;
  const gint64 moved_us = ABS(offset_us - watch->offset_us);
  watch->offset_us = offset_us;
  if (watch->since_us == 0 || moved_us > WD_CLOCK_STEP_US)
    watch->since_us = monotonic_us;
  return monotonic_us - watch->since_us >= WD_CLOCK_SETTLED_US;
}
