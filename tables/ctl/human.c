#include "tables/ctl/human.h"

#include "watchdog/core/event.h"

char *
ctl_human_duration(gint64 seconds)
{
  static const struct {
    gint64 seconds;
    char letter;
  } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  gsize i = 0;
  while (i + 1 < G_N_ELEMENTS(units) && seconds < units[i].seconds)
    i++;
  gint64 great = seconds / units[i].seconds;
  if (i + 1 == G_N_ELEMENTS(units))
    return g_strdup_printf("%" G_GINT64_FORMAT "%c", great, units[i].letter);
  gint64 small = seconds % units[i].seconds / units[i + 1].seconds;
  return g_strdup_printf("%" G_GINT64_FORMAT "%c %" G_GINT64_FORMAT "%c", great, units[i].letter,
                         small, units[i + 1].letter);
}

char *
ctl_human_percent(double value, gint64 limit)
{
  return limit == WD_NONE ? g_strdup_printf("%.1f %%", value)
                          : g_strdup_printf("%.1f / %" G_GINT64_FORMAT " %%", value, limit);
}

char *
ctl_human_bytes(gint64 bytes, gint64 limit)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  /* A footprint may be below its baseline. */
  double greater = (double)MAX(ABS(bytes), limit);
  double divisor = 1;
  gsize i = 0;
  for (; i + 1 < G_N_ELEMENTS(units) && greater / divisor >= 1024; i++)
    divisor *= 1024;
  int digits = i == 0 ? 0 : 1;
  if (limit == WD_NONE)
    return g_strdup_printf("%.*f %s", digits, (double)bytes / divisor, units[i]);
  return g_strdup_printf("%.*f / %.*f %s", digits, (double)bytes / divisor, digits,
                         (double)limit / divisor, units[i]);
}
