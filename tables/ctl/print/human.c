#include "tables/ctl/print/human.h"

#include "watchdog/core/event/none.h"

#include <math.h>

static const struct {
  gint64 seconds;
  char letter;
} units_of_time[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
#define SMALLEST (G_N_ELEMENTS(units_of_time) - 1)

static gsize
greatest_unit(gint64 seconds)
{
  gsize i = 0;
  while (i < SMALLEST && seconds < units_of_time[i].seconds)
    i++;
  return i;
}

char *
ctl_human_duration(gint64 seconds)
{
  gsize i = greatest_unit(seconds);
  gint64 great = seconds / units_of_time[i].seconds;
  if (i == SMALLEST)
    return g_strdup_printf("%" G_GINT64_FORMAT "%c", great, units_of_time[i].letter);
  gint64 small = seconds % units_of_time[i].seconds / units_of_time[i + 1].seconds;
  return g_strdup_printf("%" G_GINT64_FORMAT "%c %" G_GINT64_FORMAT "%c", great,
                         units_of_time[i].letter, small, units_of_time[i + 1].letter);
}

char *
ctl_human_short_duration(gint64 seconds)
{
  gsize i = greatest_unit(seconds);
  return g_strdup_printf("%" G_GINT64_FORMAT "%c", seconds / units_of_time[i].seconds,
                         units_of_time[i].letter);
}

char *
ctl_human_age(gint64 seconds)
{
  g_autofree char *age = ctl_human_short_duration(MAX(seconds, 0));
  return g_strdup_printf("%s ago", age);
}

char *
ctl_human_ms(gint64 ms)
{
  if (ms < 1000)
    return g_strdup_printf("%" G_GINT64_FORMAT " ms", ms);
  return ms < 60000 ? g_strdup_printf("%.1f s", (double)ms / 1000) : ctl_human_duration(ms / 1000);
}

char *
ctl_human_percent(double value, gint64 limit)
{
  return limit == WD_NONE ? g_strdup_printf("%.1f %%", value)
                          : g_strdup_printf("%.1f/%" G_GINT64_FORMAT " %%", value, limit);
}

/* With one decimal, unless it is whole. */
static char *
short_number(double value)
{
  double whole = round(value) + 0.0; /* no -0 */
  return fabs(value - whole) < 0.05 ? g_strdup_printf("%.0f", whole)
                                    : g_strdup_printf("%.1f", value);
}

double
ctl_human_byte_unit(double greatest, const char **unit)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double divisor = 1;
  gsize i = 0;
  for (; i + 1 < G_N_ELEMENTS(units) && greatest / divisor >= 1024; i++)
    divisor *= 1024;
  *unit = units[i];
  return divisor;
}

char *
ctl_human_bytes(gint64 bytes, gint64 limit)
{
  const char *unit;
  /* A footprint may be below its baseline. */
  double divisor = ctl_human_byte_unit(fmax(fabs((double)bytes), (double)limit), &unit);
  g_autofree char *value = short_number((double)bytes / divisor);
  if (limit == WD_NONE)
    return g_strdup_printf("%s %s", value, unit);
  g_autofree char *most = short_number((double)limit / divisor);
  return g_strdup_printf("%s/%s %s", value, most, unit);
}

char *
ctl_human_time_as(gint64 time_s, const char *format)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_s);
  return time != NULL ? g_date_time_format(time, format)
                      : g_strdup_printf("%" G_GINT64_FORMAT, time_s);
}

char *
ctl_human_time(gint64 time_s)
{
  return ctl_human_time_as(time_s, "%Y-%m-%d %H:%M:%S");
}
