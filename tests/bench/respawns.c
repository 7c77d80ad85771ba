/* When a worker is started again, by our rule (respawn.h, the code itself) beside osquery's:
 * ages × ways to end × what came before.
 *
 *   respawns
 *
 * osquery's watcher sees the end at its next tick, up to 3 s later. After a quick exit it then
 * waits for the back-off, which it never forgets; else it starts the worker at once. A worker that
 * it ends for a limit it starts again at once. (osquery/core/watcher.cpp) */
#include "watchdog/core/machine/respawn.h"

#include <stdio.h>

#define MAX_BEFORE 8
#define GIVEN_UP (-1.0)

typedef enum {
  EXITED, /* by itself, or by somebody else's signal */
  LIMIT,  /* ended for a limit by its watchdog */
} Way;

typedef struct {
  Way way;
  double age_s;
} End;

typedef struct {
  const char *name;
  guint n;
  End ends[MAX_BEFORE];
} History;

/* Seconds from the end until the next start. */
typedef struct {
  double ours;
  double stock_first, stock_last;
} Delays;

/* How ours stands beside the last moment at which stock would have started it. */
typedef struct {
  double ratio;
  guint later;
} Worst;

static const double AGES_S[] = {0, 1, 3, 3.9, 4, 6, 15, 59, 60, 70, 599, 600};

static const History HISTORIES[] = {
    {"nothing", 0, {{EXITED, 0}}},
    {"1 quick exit", 1, {{EXITED, 3}}},
    {"2 quick exits", 2, {{EXITED, 3}, {EXITED, 3}}},
    {"4 quick exits", 4, {{EXITED, 3}, {EXITED, 3}, {EXITED, 3}, {EXITED, 3}}},
    {"4 quick exits, 70 s", 5, {{EXITED, 3}, {EXITED, 3}, {EXITED, 3}, {EXITED, 3}, {EXITED, 70}}},
    {"6 s", 1, {{EXITED, 6}}},
    {"6, 6 s", 2, {{EXITED, 6}, {EXITED, 6}}},
    {"6, 6, 6, 6 s", 4, {{EXITED, 6}, {EXITED, 6}, {EXITED, 6}, {EXITED, 6}}},
    {"6, 6, 6, 70 s", 4, {{EXITED, 6}, {EXITED, 6}, {EXITED, 6}, {EXITED, 70}}},
    {"3, 6, 3, 6 s", 4, {{EXITED, 3}, {EXITED, 6}, {EXITED, 3}, {EXITED, 6}}},
    {"3 limits", 3, {{LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}}},
    {"6 limits", 6, {{LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}}},
    {"3 limits, 6, 6 s", 5, {{LIMIT, 15}, {LIMIT, 15}, {LIMIT, 15}, {EXITED, 6}, {EXITED, 6}}},
};

static double
ours(WdRespawn *respawn, const End *end, const WdLimits *limits)
{
  const gint64 lifetime_us = (gint64)(end->age_s * G_USEC_PER_SEC);
  if (end->way == LIMIT)
    return (double)wd_respawn_terminated(respawn, lifetime_us, limits) / G_USEC_PER_SEC;
  const WdRespawnDecision decision = wd_respawn_exited(respawn, lifetime_us, limits);
  return decision.give_up ? GIVEN_UP : (double)decision.delay_us / G_USEC_PER_SEC;
}

/* @quick_exits: of the watcher's whole life. */
static void
stock(guint *quick_exits, const End *end, const WdLimits *limits, Delays *delays)
{
  double delay_s = 0;
  if (end->age_s < (double)limits->quick_exit_s) {
    (*quick_exits)++;
    delay_s = (double)wd_respawn_stock_delay_us(*quick_exits, limits) / G_USEC_PER_SEC;
  }
  const gboolean given_up = *quick_exits > limits->respawn_limit;
  delays->stock_first = given_up ? GIVEN_UP : delay_s;
  delays->stock_last =
      given_up ? GIVEN_UP : delay_s + (end->way == LIMIT ? 0 : WD_CHECK_INTERVAL_S);
}

static Delays
after(const History *history, const End *end, const WdLimits *limits)
{
  WdRespawn respawn = {0};
  guint quick_exits = 0;
  Delays delays = {0};
  for (guint i = 0; i <= history->n; i++) {
    const End *next = i < history->n ? &history->ends[i] : end;
    delays.ours = ours(&respawn, next, limits);
    stock(&quick_exits, next, limits, &delays);
  }
  return delays;
}

static void
print(const Delays *delays, Worst *worst)
{
  g_autofree char *text = NULL;
  if (delays->ours == GIVEN_UP)
    text = g_strdup(delays->stock_last == GIVEN_UP ? "end/end" : "END/-");
  else if (delays->stock_last == GIVEN_UP)
    text = g_strdup_printf("%.0f/end", delays->ours);
  else
    text = g_strdup_printf("%.0f/%.0f-%.0f", delays->ours, delays->stock_first, delays->stock_last);
  printf(" %9s", text);
  if (delays->stock_last == GIVEN_UP)
    return;
  worst->later += delays->ours == GIVEN_UP || delays->ours > delays->stock_last;
  if (delays->stock_last > 0)
    worst->ratio = MAX(worst->ratio, delays->ours / delays->stock_last);
}

static void
table(const char *title, Way way, const WdLimits *limits)
{
  Worst worst = {0};
  printf("%s: s until the next start, ours/stock's\n\n%-20s", title, "before  \\  age, s");
  for (gsize j = 0; j < G_N_ELEMENTS(AGES_S); j++)
    printf(" %9g", AGES_S[j]);
  putchar('\n');
  for (gsize i = 0; i < G_N_ELEMENTS(HISTORIES); i++) {
    printf("%-20s", HISTORIES[i].name);
    for (gsize j = 0; j < G_N_ELEMENTS(AGES_S); j++) {
      const End end = {way, AGES_S[j]};
      const Delays delays = after(&HISTORIES[i], &end, limits);
      print(&delays, &worst);
    }
    putchar('\n');
  }
  printf(
      "\nlater than the last moment of stock in %u of %zu; ours takes at most %.2f x that long\n\n",
      worst.later, G_N_ELEMENTS(HISTORIES) * G_N_ELEMENTS(AGES_S), worst.ratio);
}

int
main(void)
{
  WdLimits limits = {.max_delay_s = 600};
  wd_limits_resolve(&limits, &(WdLimitFlags){0});
  table("exits, or is killed by somebody", EXITED, &limits);
  table("ended for a limit, which ours holds back on purpose", LIMIT, &limits);
  return 0;
}
