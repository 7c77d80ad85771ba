/* How fast work may go on, so that in the long run it uses no more than a share of one CPU: a
 * bucket of CPU time. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_PACE_PERCENT 2
/* CPU time that may be used at once after a rest. */
#define WD_PACE_BURST_US (200 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  gint64 left_us; /* CPU time; negative: too much was used */
  gint64 at_us;   /* monotonic: when that was true */
} WdPace;

WdPace wd_pace_begin(gint64 now_us);

/* @used_us: CPU time used since the last call. Returns: how long to wait before more is done, in
 * microseconds; 0: not at all. */
gint64 wd_pace_take(WdPace *pace, gint64 used_us, gint64 now_us);

G_END_DECLS
