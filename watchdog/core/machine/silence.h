/* Whether a process answers its pings. One WdSilence a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All zero: nothing is known. */
typedef struct {
  gint64 pinged_us;        /* when the outcome of the last ping became known */
  gint64 missed_us;        /* that of the first of those missed in a row; 0: it answered the last */
  gint64 lasted_us;        /* how long it has been unresponsive, as far as is known */
  gboolean unresponsive;   /* until it answers */
  gboolean answered;       /* at least once */
  guint64 seq;             /* the event that records it; the owner's */
  gboolean limit_recorded; /* dry run: once an episode; the owner's */
} WdSilence;

typedef enum {
  WD_SILENCE_SAME,
  WD_SILENCE_BEGINS, /* it is unresponsive from now on */
  WD_SILENCE_ENDS,   /* it answers again */
} WdSilenceChange;

/* Takes in the outcome of a ping, known at @now_us (monotonic). Pings come every @interval_us.
 *
 * A process becomes unresponsive with the second ping in a row that it misses. Outcomes may come
 * more often than every @interval_us, so the second must come most of an interval after the first.
 * After a time without outcomes (wd_silence_blind_us()) earlier ones no longer count: a row of
 * missed pings begins anew, and that time adds nothing to lasted_us. */
WdSilenceChange wd_silence_take(WdSilence *silence, gboolean answered, gint64 now_us,
                                gint64 interval_us);

/* After so long without the outcome of a ping, nothing is known any more. Returns: µs. */
gint64 wd_silence_blind_us(gint64 interval_us);

G_END_DECLS
