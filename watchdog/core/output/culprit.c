#include "watchdog/core/output/culprit.h"

#include "watchdog/core/event/none.h"

void
wd_culprit_clear(WdCulprit *culprit)
{
  g_free(culprit->query_name);
  g_free(culprit->query);
  g_free(culprit->thread);
  g_free(culprit->details);
  *culprit = (WdCulprit){.origin = WD_ORIGIN_NONE};
}

void
wd_culprit_find(const WdSaid *said, const WdBusiest *busiest, gint64 now_us, WdCulprit *culprit)
{
  (void)said;
  (void)busiest;
  (void)now_us;
  *culprit = (WdCulprit){.origin = WD_ORIGIN_NONE};
}

void
wd_culprit_describe(const WdCulprit *culprit, WdEvent *event)
{
  event->origin = culprit->origin;
}
