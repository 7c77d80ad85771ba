/* simulation [--seed N] [--steps N]: lets the supervisor run in a world of faults.
 *
 * Without arguments: so many seeds that each fault happens often. Exits with 1 at the first step
 * that isn't right, when a run isn't the same twice, or not with a wall clock that nobody sets, or
 * when a fault never happened. */
#include "tests/simulation/run.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_SEEDS 10
#define DEFAULT_STEPS 1000000 /* a seed */

static void
run_seed(SimTrace *trace, guint64 seed, gboolean steady_wall, guint64 steps)
{
  SimRandom random = {.state = seed};
  sim_trace_init(trace, seed, steady_wall);
  while (trace->steps < steps)
    sim_run(trace, &random);
}

static gboolean
same_again(guint64 seed, gboolean steady_wall, guint64 steps, guint64 hash)
{
  SimTrace trace;
  run_seed(&trace, seed, steady_wall, steps);
  return trace.hash == hash;
}

/* Returns: how many faults never happened. */
static guint
print_tallies(const guint64 *tally)
{
  guint missing = 0;
  for (guint i = 0; i < SIM_TALLY_COUNT; i++) {
    printf("%10" G_GUINT64_FORMAT " %s\n", tally[i], sim_tally_name((SimTally)i));
    missing += tally[i] == 0;
  }
  return missing;
}

static int
run_seeds(guint64 first_seed, guint seeds, guint64 steps)
{
  guint64 total[SIM_TALLY_COUNT] = {0};
  guint64 total_steps = 0;
  guint64 first_hash = 0;
  SimTrace trace;
  for (guint i = 0; i < seeds; i++) {
    run_seed(&trace, first_seed + i, FALSE, steps);
    printf("seed %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT
           " runs, hash %016" G_GINT64_MODIFIER "x\n",
           trace.seed, trace.steps, trace.runs, trace.hash);
    if (i == 0)
      first_hash = trace.hash;
    total_steps += trace.steps;
    for (guint t = 0; t < SIM_TALLY_COUNT; t++)
      total[t] += trace.tally[t];
  }
  printf("%10" G_GUINT64_FORMAT " steps\n", total_steps);
  const guint missing = print_tallies(total);

  if (!same_again(first_seed, FALSE, steps, first_hash)) {
    fprintf(stderr, "seed %" G_GUINT64_FORMAT " isn't the same twice\n", first_seed);
    return EXIT_FAILURE;
  }
  if (!same_again(first_seed, TRUE, steps, first_hash)) {
    fprintf(stderr, "seed %" G_GUINT64_FORMAT ": the wall clock decides something\n", first_seed);
    return EXIT_FAILURE;
  }
  /* A short run can't have met all of them. */
  if (missing > 0 && total_steps >= DEFAULT_SEEDS * DEFAULT_STEPS) {
    fprintf(stderr, "%u kinds of faults never happened\n", missing);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
  gint64 seed = 0;
  gint64 steps = 0;
  const GOptionEntry entries[] = {
      {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Run this seed alone", "N"},
      {"steps", 0, 0, G_OPTION_ARG_INT64, &steps, "Steps of each seed", "N"},
      {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL}};
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1 || seed < 0 || steps < 0) {
    fprintf(stderr, "simulation: %s\n",
            error != NULL ? error->message : "expected --seed N and --steps N");
    return 2;
  }
  return run_seeds(seed > 0 ? (guint64)seed : 1, seed > 0 ? 1 : DEFAULT_SEEDS,
                   steps > 0 ? (guint64)steps : DEFAULT_STEPS);
}
