/* Whether the wall clock can be believed: what is labelled by it may only be thrown away for its
 * age once the clock has gone along with the monotonic one for an hour. A host that boots with a
 * wrong clock, or whose clock is set to another century by mistake, has it corrected by then. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_CLOCK_SETTLED_US (3600 * G_TIME_SPAN_SECOND)
/* A clock that is being slewed moves by less between two looks, which are minutes apart. */
#define WD_CLOCK_STEP_US (10 * G_TIME_SPAN_SECOND)

typedef struct {
  gint64 offset_us; /* wall clock minus monotonic clock, at the last look */
  gint64 since_us;  /* monotonic: no step since then; 0 before the first look */
} WdClockWatch;

/* Takes a look. Returns: whether the wall clock has not been set for WD_CLOCK_SETTLED_US. */
gboolean wd_clock_watch_settled(WdClockWatch *watch, gint64 wall_us, gint64 monotonic_us);

G_END_DECLS
