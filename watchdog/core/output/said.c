#include "watchdog/core/output/said.h"

struct WdSaid {
  WdStatement schedule, distributed;
};

WdSaid *
wd_said_new(void)
{
  return g_new0(WdSaid, 1);
}

void
wd_said_free(WdSaid *said)
{
  g_free(said);
}
