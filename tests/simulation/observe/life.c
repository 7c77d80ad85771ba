#include "tests/simulation/observe/life.h"

#include <signal.h>

#define MOST_BYTES (20000 * SIM_MB)

static void
die_somehow(ObsLife *life, SimRandom *random, gint64 at_us)
{
  if (sim_random_chance(random, 40))
    obs_life_die(life, at_us, WD_NONE, SIM_RANDOM_PICK(random, SIGSEGV, SIGABRT), OBS_BY_ITSELF);
  else
    obs_life_die(life, at_us,
                 sim_random_chance(random, 4) ? 78 : SIM_RANDOM_PICK(random, 0, 0, 1, 3), WD_NONE,
                 OBS_BY_ITSELF);
}

static void
grow(ObsLife *life, SimRandom *random)
{
  life->grows_from_us = life->born_us + sim_random_between(random, 0, 90 * SIM_S);
  life->growth_bytes_per_ms = sim_random_between(random, 1, 200) * 1000;
  /* The kernel, for want of memory. */
  if (sim_random_chance(random, 10))
    obs_life_die(life,
                 life->grows_from_us + sim_random_between(random, 0, 600 * SIM_MB) /
                                           life->growth_bytes_per_ms * SIM_MS,
                 WD_NONE, SIGKILL, OBS_BY_SOMEBODY);
}

static void
spin(ObsLife *life, SimRandom *random)
{
  life->spins_from_us = life->born_us + sim_random_between(random, 0, 60 * SIM_S);
  life->spins_until_us = life->spins_from_us + sim_random_between(random, 2 * SIM_S, 90 * SIM_S);
  life->spin_percent = sim_random_between(random, 1, 100);
}

static void
break_down(ObsLife *life, SimRandom *random)
{
  if (sim_random_chance(random, 50)) {
    life->ready_us = G_MAXINT64;
    obs_life_die(life, life->born_us + sim_random_between(random, 0, 150 * SIM_MS), 1, WD_NONE,
                 OBS_BY_ITSELF);
  } else {
    die_somehow(life, random, life->born_us + sim_random_between(random, 0, 100 * SIM_MS));
  }
}

static void
choose_fate(ObsLife *life, ObsTemper temper, SimRandom *random)
{
  if (temper == OBS_TEMPER_GREEDY || sim_random_chance(random, 2))
    grow(life, random);
  if (temper == OBS_TEMPER_SPINNING || sim_random_chance(random, 2))
    spin(life, random);
  if (temper == OBS_TEMPER_BROKEN)
    break_down(life, random);
  if (temper == OBS_TEMPER_CRASHING)
    die_somehow(life, random, life->born_us + sim_random_between(random, 0, 5 * SIM_S));
  if (temper == OBS_TEMPER_SHORT_LIVED)
    die_somehow(life, random, life->born_us + sim_random_between(random, 2 * SIM_S, 90 * SIM_S));
  if (sim_random_chance(random, 15))
    obs_life_die(life, life->born_us + sim_random_between(random, 0, 120 * SIM_S), WD_NONE,
                 SIM_RANDOM_PICK(random, SIGKILL, SIGKILL, SIGTERM), OBS_BY_SOMEBODY);
}

static void
choose_reactions(ObsLife *life, SimRandom *random)
{
  life->term_delay_us = sim_random_between(random, 0, 200 * SIM_MS);
  if (sim_random_chance(random, 15)) {
    life->term_delay_us = sim_random_between(random, 0, 15 * SIM_S);
    life->term_code = 78;
  } else if (sim_random_chance(random, 15)) {
    life->term_delay_us = G_MAXINT64;
  }
  life->kill_delay_us = sim_random_chance(random, 90)
                            ? sim_random_between(random, 0, 20 * SIM_MS)
                            : sim_random_between(random, 1 * SIM_S, 10 * SIM_S);
  life->follow_delay_us = G_MAXINT64;
  if (life->role == WD_ROLE_EXTENSION && sim_random_chance(random, 70))
    life->follow_delay_us = sim_random_between(random, 1 * SIM_S, 6 * SIM_S);
  life->never_registers = sim_random_chance(random, 10);
}

void
obs_life_begin(ObsLife *life, ObsTemper temper, SimRandom *random)
{
  life->ready_us = life->born_us + sim_random_between(random, 0, 50 * SIM_MS);
  life->death_us = life->grows_from_us = life->spins_from_us = life->spins_until_us = G_MAXINT64;
  life->code = life->signal = WD_NONE;
  life->resident_bytes = sim_random_between(random, 1, 60) * SIM_MB;
  choose_fate(life, temper, random);
  choose_reactions(life, random);
}

gboolean
obs_life_die(ObsLife *life, gint64 at_us, gint64 code, gint64 signal, ObsCause cause)
{
  if (life->dead || at_us >= life->death_us)
    return FALSE;
  life->death_us = at_us;
  life->code = code;
  life->signal = signal;
  life->cause = cause;
  return TRUE;
}

void
obs_life_terminate(ObsLife *life, gint64 now_us, ObsCause cause)
{
  const gboolean handled = life->role == WD_ROLE_WORKER || life->number % 2 == 0;
  if (life->term_delay_us != G_MAXINT64)
    obs_life_die(life, now_us + life->term_delay_us, handled ? life->term_code : WD_NONE,
                 handled ? WD_NONE : SIGTERM, cause);
}

void
obs_life_kill(ObsLife *life, gint64 now_us, ObsCause cause)
{
  obs_life_die(life, now_us + life->kill_delay_us, WD_NONE, SIGKILL, cause);
}

gint64
obs_life_resident(const ObsLife *life, gint64 at_us)
{
  const gint64 grown_ms = MAX(at_us - life->grows_from_us, 0) / SIM_MS;
  return MIN(life->resident_bytes + grown_ms * life->growth_bytes_per_ms, MOST_BYTES);
}

gint64
obs_life_cpu_ms(const ObsLife *life, gint64 at_us, guint cpus)
{
  const gint64 spun_us =
      CLAMP(at_us, life->spins_from_us, life->spins_until_us) - life->spins_from_us;
  return spun_us / SIM_MS * life->spin_percent * cpus / 100;
}
