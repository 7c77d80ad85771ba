/* When a worker is started again, by our rule (respawn.h, the code itself) beside osquery's:
 * ages × ways to end × what came before.
 *
 *   respawns
 *
 * osquery's watcher looks every 3 s, first 3 s after it started the worker. It sees an end at the
 * next look, and takes the worker's age there for its age. An end that it sees after less than 4 s
 * is quick, and is followed by the back-off; after any other it starts the worker at once. It never
 * forgets a quick exit, and at any end after the fourth it exits. A worker over a limit it ends
 * during a look. (osquery/core/watcher.cpp, start() and createWorker()) */
#include "watchdog/core/machine/respawn.h"

#include <math.h>
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
  double stock;
} Delays;

static const double AGES_S[] = {0, 1, 2.9, 3.1, 3.9, 4, 5, 6.1, 15.1, 59, 61, 70, 599, 601};

static const History HISTORIES[] = {
    {"nothing", 0, {{EXITED, 0}}},
    {"1 quick exit", 1, {{EXITED, 2}}},
    {"2 quick exits", 2, {{EXITED, 2}, {EXITED, 2}}},
    {"4 quick exits", 4, {{EXITED, 2}, {EXITED, 2}, {EXITED, 2}, {EXITED, 2}}},
    {"4 quick exits, 70 s", 5, {{EXITED, 2}, {EXITED, 2}, {EXITED, 2}, {EXITED, 2}, {EXITED, 70}}},
    {"3.5 s, 4 times", 4, {{EXITED, 3.5}, {EXITED, 3.5}, {EXITED, 3.5}, {EXITED, 3.5}}},
    {"6 s", 1, {{EXITED, 6}}},
    {"6, 6 s", 2, {{EXITED, 6}, {EXITED, 6}}},
    {"6, 6, 6, 6 s", 4, {{EXITED, 6}, {EXITED, 6}, {EXITED, 6}, {EXITED, 6}}},
    {"6, 6, 6, 70 s", 4, {{EXITED, 6}, {EXITED, 6}, {EXITED, 6}, {EXITED, 70}}},
    {"2, 6, 2, 6 s", 4, {{EXITED, 2}, {EXITED, 6}, {EXITED, 2}, {EXITED, 6}}},
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
static double
stock(guint *quick_exits, const End *end, const WdLimits *limits)
{
  /* A worker over a limit lives until a look. */
  const double seen_s = ceil(end->age_s / WD_CHECK_INTERVAL_S) * WD_CHECK_INTERVAL_S;
  const double unseen_s = end->way == LIMIT ? 0 : MAX(seen_s, WD_CHECK_INTERVAL_S) - end->age_s;
  if (*quick_exits >= limits->respawn_limit)
    return GIVEN_UP;
  if (seen_s >= (double)limits->quick_exit_s)
    return unseen_s;
  (*quick_exits)++;
  return unseen_s + (double)wd_respawn_stock_delay_us(*quick_exits, limits) / G_USEC_PER_SEC;
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
    delays.stock = stock(&quick_exits, next, limits);
  }
  return delays;
}

static char *
text(double delay_s)
{
  return delay_s == GIVEN_UP ? g_strdup("end") : g_strdup_printf("%.3g", delay_s);
}

/* Returns: whether ours comes later, or never. */
static gboolean
print(const Delays *delays)
{
  const gboolean later =
      delays->stock != GIVEN_UP && (delays->ours == GIVEN_UP || delays->ours > delays->stock);
  g_autofree char *ours_text = text(delays->ours);
  g_autofree char *stock_text = text(delays->stock);
  g_autofree char *both = g_strdup_printf("%s%s/%s", later ? "!" : "", ours_text, stock_text);
  printf(" %8s", both);
  return later;
}

static void
table(const char *title, Way way, const WdLimits *limits)
{
  guint later = 0;
  printf("%s: s until the next start, ours/stock's\n\n%-20s", title, "before  \\  age, s");
  for (gsize j = 0; j < G_N_ELEMENTS(AGES_S); j++)
    printf(" %8g", AGES_S[j]);
  putchar('\n');
  for (gsize i = 0; i < G_N_ELEMENTS(HISTORIES); i++) {
    printf("%-20s", HISTORIES[i].name);
    for (gsize j = 0; j < G_N_ELEMENTS(AGES_S); j++) {
      const End end = {way, AGES_S[j]};
      const Delays delays = after(&HISTORIES[i], &end, limits);
      later += print(&delays) ? 1 : 0;
    }
    putchar('\n');
  }
  printf("\n! later than stock: %u of %zu\n\n", later,
         G_N_ELEMENTS(HISTORIES) * G_N_ELEMENTS(AGES_S));
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
