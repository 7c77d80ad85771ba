#include "watchdog/core/machine/respawn.h"

enum {
  FREE_SHORT_RUNS = 2,
  FREE_LIMIT_KILLS = 2,
  LIMIT_KILL_DELAY_S = 5,
  LIMIT_KILL_MAX_DELAY_S = 60,
  MAX_EXPONENT = 40, /* 35,000 years, and still no overflow in microseconds */
};

#define CHECK_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)

static void
count(guint *counter)
{
  if (*counter < G_MAXUINT)
    (*counter)++;
}

/* base + factor * 2^exponent, at most @max; in µs. */
static gint64
backoff_us(gint64 base_s, gint64 factor_s, guint exponent, gint64 max_s)
{
  gint64 delay_s = base_s + factor_s * (G_GINT64_CONSTANT(1) << MIN(exponent, MAX_EXPONENT));

  return MIN(delay_s, max_s) * G_USEC_PER_SEC;
}

static void
forget(WdRespawn *respawn, gint64 lifetime_us)
{
  if (lifetime_us >= WD_RESPAWN_GOOD_RUN_S * G_USEC_PER_SEC) {
    respawn->quick_exits = 0;
    respawn->short_runs = 0;
  }
  if (lifetime_us >= WD_RESPAWN_FORGIVE_RUN_S * G_USEC_PER_SEC)
    respawn->limit_kills = 0;
}

WdRespawnDecision
wd_respawn_exited(WdRespawn *respawn, gint64 lifetime_us, const WdLimits *limits)
{
  forget(respawn, lifetime_us);
  /* At level -1 quick_exit_s is 1000 s: a good run counts nevertheless as one. */
  if (lifetime_us >= WD_RESPAWN_GOOD_RUN_S * G_USEC_PER_SEC)
    return (WdRespawnDecision){0};
  const gint64 until_check_us = CHECK_US * MAX((lifetime_us + CHECK_US - 1) / CHECK_US, 1);
  if (until_check_us < limits->quick_exit_s * G_USEC_PER_SEC) {
    count(&respawn->quick_exits);
    return (WdRespawnDecision){
        .delay_us = wd_respawn_stock_delay_us(respawn->quick_exits, limits),
        .failures = respawn->quick_exits,
        .give_up = respawn->quick_exits > limits->respawn_limit,
    };
  }
  count(&respawn->short_runs);
  const gint64 delay_us = respawn->short_runs > FREE_SHORT_RUNS ? until_check_us - lifetime_us : 0;
  return (WdRespawnDecision){
      .delay_us = MIN(delay_us, limits->max_delay_s * G_USEC_PER_SEC),
      .failures = respawn->short_runs,
  };
}

gint64
wd_respawn_terminated(WdRespawn *respawn, gint64 lifetime_us, const WdLimits *limits)
{
  forget(respawn, lifetime_us);
  count(&respawn->limit_kills);
  if (respawn->limit_kills <= FREE_LIMIT_KILLS)
    return 0;
  return backoff_us(0, LIMIT_KILL_DELAY_S, respawn->limit_kills - FREE_LIMIT_KILLS - 1,
                    MIN(LIMIT_KILL_MAX_DELAY_S, limits->max_delay_s));
}

gint64
wd_respawn_stock_delay_us(guint quick_exits, const WdLimits *limits)
{
  return backoff_us(limits->respawn_delay_s, 1, quick_exits, limits->max_delay_s);
}
