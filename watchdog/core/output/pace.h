/* How fast something may go on, so that in the long run it uses no more than a share of one CPU, or
 * of the time that passes: a bucket. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_PACE_PERCENT 2
/* What may be used at once after a rest. */
#define WD_PACE_BURST_US (200 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  gint64 left_us; /* negative: too much was used */
  gint64 at_us;   /* monotonic: when that was true */
} WdPace;

WdPace wd_pace_begin(gint64 now_us);

/* @used_us: what was used since the last call. Returns: how long to wait before more is done, in
 * microseconds; 0: not at all. */
gint64 wd_pace_take(WdPace *pace, gint64 used_us, gint64 now_us);

G_END_DECLS
