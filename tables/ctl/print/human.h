/* Quantities as people read them. Every text is newly allocated. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "45s", "3m 20s", "2h 5m", "12d 4h": the two greatest units. @seconds: not negative. */
char *ctl_human_duration(gint64 seconds);

/* "3m": the greatest unit alone. @seconds: not negative. */
char *ctl_human_short_duration(gint64 seconds);

/* "12m ago": the greatest unit alone. A negative age, of a time in the future, counts as 0. */
char *ctl_human_age(gint64 seconds);

/* "120 ms", "4.1 s", and from a minute on as ctl_human_duration(). @ms: not negative. */
char *ctl_human_ms(gint64 ms);

/* "2.5 %", or with a limit "2.5/10 %". @limit: WD_NONE without one. */
char *ctl_human_percent(double value, gint64 limit);

/* "85.3 MiB", or with a limit "85.3/200 MiB", in the unit that suits the greater of the two.
 * osquery's limits are in units of 1024 × 1024 bytes. @limit: WD_NONE without one. */
char *ctl_human_bytes(gint64 bytes, gint64 limit);

/* The unit that shows @greatest bytes as less than 1024, or TiB. Returns: its bytes.
 * @unit: set to its name, static. */
double ctl_human_byte_unit(double greatest, const char **unit);

/* The local time in a @format of g_date_time_format(). @time_s: Unix time. */
char *ctl_human_time_as(gint64 time_s, const char *format);

/* "2026-11-22 00:40:12", local. */
char *ctl_human_time(gint64 time_s);

G_END_DECLS
