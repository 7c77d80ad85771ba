/* Random numbers that are the same for a seed everywhere and always (splitmix64). */
#pragma once

#include <glib.h>

typedef struct {
  guint64 state;
} SimRandom;

static inline guint64
sim_random_next(SimRandom *random)
{
  random->state += G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
  guint64 mixed = random->state;
  mixed = (mixed ^ (mixed >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

/* From @low to @high, both included. */
static inline gint64
sim_random_between(SimRandom *random, gint64 low, gint64 high)
{
  return low + (gint64)(sim_random_next(random) % (guint64)(high - low + 1));
}

static inline gboolean
sim_random_chance(SimRandom *random, guint percent)
{
  return sim_random_next(random) % 100 < percent;
}

/* One of the values that follow. */
#define SIM_RANDOM_PICK(random, ...) \
  ((const gint64[]){                 \
      __VA_ARGS__}[sim_random_next(random) % G_N_ELEMENTS(((const gint64[]){__VA_ARGS__}))])

#define SIM_MS G_TIME_SPAN_MILLISECOND
#define SIM_S G_TIME_SPAN_SECOND
#define SIM_MB (G_GINT64_CONSTANT(1) << 20)
