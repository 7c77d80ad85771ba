#include "watchdog/core/machine/silence.h"

/* This many intervals, and time for a busy machine. */
#define BLIND_INTERVALS 3
#define BLIND_SLACK_US (2 * G_TIME_SPAN_SECOND)

gint64
wd_silence_blind_us(gint64 interval_us)
{
  return BLIND_INTERVALS * interval_us + BLIND_SLACK_US;
}

static void
missed(WdSilence *silence, gboolean in_a_row, gint64 now_us, gint64 interval_us)
{
  if (silence->missed_us == 0 || !in_a_row)
    silence->missed_us = now_us;
  /* Not a whole interval, because an outcome may come early or late by a little. */
  if (silence->unresponsive || now_us - silence->missed_us < interval_us * 3 / 4)
    return;
  silence->unresponsive = TRUE;
  silence->lasted_us = 0;
}

WdSilenceChange
wd_silence_take(WdSilence *silence, gboolean answered, gint64 now_us, gint64 interval_us)
{
  const gboolean before = silence->unresponsive;
  const gint64 passed_us = now_us - silence->pinged_us;
  const gboolean known = passed_us <= wd_silence_blind_us(interval_us);
  silence->pinged_us = now_us;
  if (before && known)
    silence->lasted_us += passed_us;
  if (answered) {
    silence->missed_us = 0;
    silence->unresponsive = FALSE;
    silence->answered = TRUE;
  } else {
    missed(silence, known, now_us, interval_us);
  }
  if (before == silence->unresponsive)
    return WD_SILENCE_SAME;
  return before ? WD_SILENCE_ENDS : WD_SILENCE_BEGINS;
}
