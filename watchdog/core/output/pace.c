#include "watchdog/core/output/pace.h"

WdPace
wd_pace_begin(gint64 now_us)
{
  return (WdPace){.left_us = WD_PACE_BURST_US, .at_us = now_us};
}

gint64
wd_pace_take(WdPace *pace, gint64 used_us, gint64 now_us)
{
  /* A longer rest fills the bucket anyway, and could overflow. */
  const gint64 rest_us = CLAMP(now_us - pace->at_us, 0, G_TIME_SPAN_HOUR);
  pace->left_us = MIN(pace->left_us + rest_us * WD_PACE_PERCENT / 100, WD_PACE_BURST_US) - used_us;
  pace->at_us = now_us;
  return pace->left_us < 0 ? -pace->left_us * 100 / WD_PACE_PERCENT : 0;
}
