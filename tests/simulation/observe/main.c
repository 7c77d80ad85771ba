/* observe-simulation [--seed N] [--steps N]: lets the observer watch a stock watcher in a world of
 * faults.
 *
 * Without arguments: so many seeds that each thing happens often. Exits with 1 at the first step
 * that isn't right, when a run isn't the same twice, or when something never happened. */
#include "tests/simulation/observe/driver.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_SEEDS 10
#define DEFAULT_STEPS 1000000 /* a seed */

static const char *const NAMES[] = {
#define OBS_TALLY_WORDS(name, words) words,
    OBS_TALLIES(OBS_TALLY_WORDS)
#undef OBS_TALLY_WORDS
};

static void
run_seed(ObsLog *log, guint64 seed, guint64 steps)
{
  SimRandom random = {.state = seed};
  *log = (ObsLog){0};
  sim_trace_init(&log->trace, seed, TRUE);
  while (log->trace.steps < steps)
    obs_run(log, &random);
}

/* Returns: how many things never happened. */
static guint
print_tallies(const guint64 *tally)
{
  guint missing = 0;
  for (guint i = 0; i < OBS_TALLY_COUNT; i++) {
    printf("%10" G_GUINT64_FORMAT " %s\n", tally[i], NAMES[i]);
    missing += tally[i] == 0;
  }
  return missing;
}

static int
run_seeds(guint64 first_seed, guint seeds, guint64 steps)
{
  static ObsLog log;
  guint64 total[OBS_TALLY_COUNT] = {0};
  guint64 total_steps = 0;
  guint64 first_hash = 0;
  for (guint i = 0; i < seeds; i++) {
    run_seed(&log, first_seed + i, steps);
    const SimTrace *trace = &log.trace;
    printf("seed %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT
           " runs, hash %016" G_GINT64_MODIFIER "x\n",
           trace->seed, trace->steps, trace->runs, trace->hash);
    if (i == 0)
      first_hash = trace->hash;
    total_steps += trace->steps;
    for (guint t = 0; t < OBS_TALLY_COUNT; t++)
      total[t] += log.tally[t];
  }
  printf("%10" G_GUINT64_FORMAT " steps\n", total_steps);
  const guint missing = print_tallies(total);

  run_seed(&log, first_seed, steps);
  if (log.trace.hash != first_hash) {
    fprintf(stderr, "seed %" G_GUINT64_FORMAT " isn't the same twice\n", first_seed);
    return EXIT_FAILURE;
  }
  /* A short run can't have met all of them. */
  if (missing > 0 && total_steps >= DEFAULT_SEEDS * DEFAULT_STEPS) {
    fprintf(stderr, "%u kinds of things never happened\n", missing);
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
    fprintf(stderr, "observe-simulation: %s\n",
            error != NULL ? error->message : "expected --seed N and --steps N");
    return 2;
  }
  return run_seeds(seed > 0 ? (guint64)seed : 1, seed > 0 ? 1 : DEFAULT_SEEDS,
                   steps > 0 ? (guint64)steps : DEFAULT_STEPS);
}
