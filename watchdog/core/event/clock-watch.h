/* Whether the wall clock can be believed. Rows are removed for their age only after the clock has
 * kept pace with the monotonic clock for an hour. A host that boots with a wrong clock, or whose
 * clock is set wrong by mistake, has it corrected by then. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_CLOCK_SETTLED_US (3600 * G_TIME_SPAN_SECOND)
/* Slewing moves the clock by less between two looks, which are minutes apart. */
#define WD_CLOCK_STEP_US (10 * G_TIME_SPAN_SECOND)

typedef struct {
  gint64 offset_us; /* wall clock minus monotonic clock, at the last look */
  gint64 since_us;  /* monotonic: no step since then; 0: not looked yet */
} WdClockWatch;

/* Compares the clocks once more. Returns: whether the wall clock has not been set for
 * WD_CLOCK_SETTLED_US. */
gboolean wd_clock_watch_settled(WdClockWatch *watch, gint64 wall_us, gint64 monotonic_us);

G_END_DECLS
