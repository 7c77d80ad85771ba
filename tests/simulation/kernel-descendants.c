#include "tests/simulation/kernel.h"

#include <signal.h>

#define PID_FIRST (SIM_WATCHDOG_PID + 1)
#define PID_COUNT 60 /* never more than the bits of used_pids */

static gboolean
lives(const SimDescendant *descendant)
{
  return descendant->life == SIM_LIFE_ALIVE;
}

/* The watchdog's own process with this pid, not reaped; 0: none. */
static guint
own_with_pid(const SimKernel *kernel, gint64 pid)
{
  for (guint i = WD_PROCESS_WORKER; i < kernel->count; i++)
    if (kernel->processes[i].life != SIM_LIFE_NONE && kernel->processes[i].pid == pid)
      return i;
  return 0;
}

static SimDescendant *
descendant_with_pid(SimKernel *kernel, gint64 pid)
{
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
    if (kernel->descendants[i].life != SIM_LIFE_NONE && kernel->descendants[i].pid == pid)
      return &kernel->descendants[i];
  return NULL;
}

/* --- pids --- */

/* Neither a process, be it a zombie, nor a group has it. */
static gboolean
pid_is_free(const SimKernel *kernel, gint64 pid)
{
  if (own_with_pid(kernel, pid) != 0)
    return FALSE;
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    const SimDescendant *descendant = &kernel->descendants[i];
    if (descendant->life != SIM_LIFE_NONE && (descendant->pid == pid || descendant->group == pid))
      return FALSE;
  }
  return TRUE;
}

static void
note_use(SimKernel *kernel, gint64 pid)
{
  const guint64 bit = G_GUINT64_CONSTANT(1) << (pid - PID_FIRST);
  if ((kernel->used_pids & bit) != 0)
    sim_trace_count(kernel->trace, SIM_TALLY_PIDS_REUSED);
  kernel->used_pids |= bit;
}

gint64
sim_kernel_take_pid(SimKernel *kernel)
{
  do
    kernel->last_pid = PID_FIRST + (kernel->last_pid + 1) % PID_COUNT;
  while (!pid_is_free(kernel, kernel->last_pid));
  note_use(kernel, kernel->last_pid);
  return kernel->last_pid;
}

static SimDescendant *
free_descendant(SimKernel *kernel)
{
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
    if (kernel->descendants[i].life == SIM_LIFE_NONE)
      return &kernel->descendants[i];
  return NULL;
}

/* Often a stranger has it at once. */
void
sim_kernel_free_pid(SimKernel *kernel, gint64 pid, gint64 now_us)
{
  SimDescendant *stranger = free_descendant(kernel);
  if (stranger == NULL || !pid_is_free(kernel, pid) || !sim_random_chance(kernel->random, 30))
    return;
  *stranger = (SimDescendant){
      .life = SIM_LIFE_ALIVE,
      .stranger = TRUE,
      .pid = pid,
      .parent = 1,
      .group = pid,
      .death_us = now_us + sim_random_between(kernel->random, 0, 60 * SIM_S),
      .forks_us = G_MAXINT64,
  };
  note_use(kernel, pid);
  sim_trace_count(kernel->trace, SIM_TALLY_STRANGERS);
}

/* --- being born, and dying --- */

gint64
sim_kernel_plan_fork(SimKernel *kernel, guint percent, gint64 now_us, gint64 within_us)
{
  return sim_random_chance(kernel->random, percent)
             ? now_us + sim_random_between(kernel->random, 0, within_us)
             : G_MAXINT64;
}

void
sim_kernel_born(SimKernel *kernel, gint64 parent, gint64 group, gint64 now_us)
{
  SimDescendant *descendant = free_descendant(kernel);
  if (descendant == NULL)
    return;
  const gint64 pid = sim_kernel_take_pid(kernel);
  const gboolean leaves_group = sim_random_chance(kernel->random, 40);
  *descendant = (SimDescendant){
      .life = SIM_LIFE_ALIVE,
      .pid = pid,
      .parent = parent,
      .group = leaves_group ? pid : group,
      .death_us = sim_random_chance(kernel->random, 50)
                      ? now_us + sim_random_between(kernel->random, 0, 60 * SIM_S)
                      : G_MAXINT64,
      .kill_delay_us = sim_random_chance(kernel->random, 95)
                           ? sim_random_between(kernel->random, 0, 5 * SIM_MS)
                           : sim_random_between(kernel->random, 1 * SIM_S, 60 * SIM_S),
      .forks_us = sim_kernel_plan_fork(kernel, 30, now_us, 10 * SIM_S),
  };
  sim_trace_count(kernel->trace, SIM_TALLY_FORKS);
  if (leaves_group)
    sim_trace_count(kernel->trace, SIM_TALLY_GROUPS_LEFT);
  sim_trace_line(kernel->trace,
                 "%.6f %" G_GINT64_FORMAT " (group %" G_GINT64_FORMAT
                 ") started by %" G_GINT64_FORMAT,
                 (double)now_us / SIM_S, pid, descendant->group, parent);
}

void
sim_kernel_orphan(SimKernel *kernel, gint64 pid)
{
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    SimDescendant *descendant = &kernel->descendants[i];
    if (!lives(descendant) || descendant->parent != pid)
      continue;
    descendant->parent = SIM_WATCHDOG_PID;
    sim_trace_count(kernel->trace, SIM_TALLY_INHERITED);
  }
}

/* A parent other than the watchdog reaps at once. */
static gint64
die(SimKernel *kernel, SimDescendant *descendant)
{
  const gint64 pid = descendant->pid;
  const gint64 died_us = descendant->death_us;
  sim_kernel_orphan(kernel, pid);
  if (descendant->parent == SIM_WATCHDOG_PID) {
    descendant->life = SIM_LIFE_ZOMBIE;
    return pid;
  }
  descendant->life = SIM_LIFE_NONE;
  sim_kernel_free_pid(kernel, pid, died_us);
  return 0;
}

gint64
sim_descendants_next_us(const SimKernel *kernel)
{
  gint64 earliest_us = G_MAXINT64;
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
    if (lives(&kernel->descendants[i]))
      earliest_us =
          MIN(earliest_us, MIN(kernel->descendants[i].death_us, kernel->descendants[i].forks_us));
  return earliest_us;
}

gint64
sim_descendants_happen(SimKernel *kernel, gint64 at_us)
{
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    SimDescendant *descendant = &kernel->descendants[i];
    if (!lives(descendant) || MIN(descendant->death_us, descendant->forks_us) != at_us)
      continue;
    if (descendant->death_us == at_us)
      return die(kernel, descendant);
    descendant->forks_us = sim_kernel_plan_fork(kernel, 20, at_us, 10 * SIM_S);
    if (!descendant->killed)
      sim_kernel_born(kernel, descendant->pid, descendant->group, at_us);
    return 0;
  }
  g_assert_not_reached();
}

void
sim_kernel_reap(SimKernel *kernel, gint64 pid, gint64 now_us)
{
  const guint own = own_with_pid(kernel, pid);
  SimDescendant *stray = descendant_with_pid(kernel, pid);
  if (own != 0) {
    g_assert(kernel->processes[own].life == SIM_LIFE_ZOMBIE);
    kernel->processes[own].life = SIM_LIFE_NONE;
    for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
      SIM_CHECK(kernel->trace,
                !lives(&kernel->descendants[i]) || kernel->descendants[i].group != pid ||
                    kernel->descendants[i].killed,
                "%" G_GINT64_FORMAT " lives on in the group of %u, which is gone",
                kernel->descendants[i].pid, own);
  } else {
    g_assert(stray != NULL && stray->life == SIM_LIFE_ZOMBIE && stray->parent == SIM_WATCHDOG_PID);
    stray->life = SIM_LIFE_NONE;
  }
  sim_kernel_free_pid(kernel, pid, now_us);
}

/* --- signals --- */

/* Whether nobody but a child of the watchdog can have this number, as a pid or, if it leads a
 * group, as the group's. */
static gboolean
is_certain(SimKernel *kernel, gint64 number, gboolean as_group)
{
  if (own_with_pid(kernel, number) != 0)
    return TRUE;
  const SimDescendant *stray = descendant_with_pid(kernel, number);
  return stray != NULL && stray->parent == SIM_WATCHDOG_PID &&
         (!as_group || stray->group == number);
}

static void
signal_descendant(SimKernel *kernel, SimDescendant *descendant, int signo, gint64 now_us)
{
  SIM_CHECK(kernel->trace, !descendant->stranger, "signal %d to %" G_GINT64_FORMAT ", a stranger",
            signo, descendant->pid);
  SIM_CHECK(kernel->trace, signo == SIGKILL,
            "signal %d to %" G_GINT64_FORMAT ", which was left behind", signo, descendant->pid);
  if (!lives(descendant) || descendant->killed)
    return;
  sim_trace_count(kernel->trace, descendant->parent == SIM_WATCHDOG_PID ? SIM_TALLY_STRAYS_ENDED
                                                                        : SIM_TALLY_GROUPS_ENDED);
  descendant->killed = TRUE;
  descendant->death_us = MIN(descendant->death_us, now_us + descendant->kill_delay_us);
}

void
sim_kernel_kill(SimKernel *kernel, gint64 target, int signo, guint index, gint64 now_us)
{
  const gint64 number = ABS(target);
  SIM_CHECK(kernel->trace, is_certain(kernel, number, target < 0),
            "signal %d to %" G_GINT64_FORMAT ", which may be anyone", signo, target);
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    SimDescendant *descendant = &kernel->descendants[i];
    if (descendant->life != SIM_LIFE_NONE &&
        (target < 0 ? descendant->group : descendant->pid) == number)
      signal_descendant(kernel, descendant, signo, now_us);
  }
  const guint own = own_with_pid(kernel, number);
  if (own == 0)
    return;
  SIM_CHECK(kernel->trace, own == index || kernel->processes[own].life == SIM_LIFE_ZOMBIE,
            "signal %d to %u, which nobody wants ended", signo, own);
  sim_kernel_signal(kernel, own, signo, now_us);
}

/* --- looking --- */

GArray *
sim_kernel_children(const SimKernel *kernel)
{
  GArray *pids = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = WD_PROCESS_WORKER; i < kernel->count; i++)
    if (kernel->processes[i].life != SIM_LIFE_NONE)
      g_array_append_val(pids, kernel->processes[i].pid);
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
    if (kernel->descendants[i].life != SIM_LIFE_NONE &&
        kernel->descendants[i].parent == SIM_WATCHDOG_PID)
      g_array_append_val(pids, kernel->descendants[i].pid);
  return pids;
}

void
sim_kernel_check_swept(const SimKernel *kernel)
{
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    const SimDescendant *descendant = &kernel->descendants[i];
    SIM_CHECK(kernel->trace,
              !lives(descendant) || descendant->parent != SIM_WATCHDOG_PID || descendant->killed,
              "%" G_GINT64_FORMAT " was left behind, and isn't ended", descendant->pid);
  }
}

/* Whether it, or one from whom it descends, was sent SIGKILL and doesn't go. */
static gboolean
cannot_be_ended(const SimKernel *kernel, const SimDescendant *descendant)
{
  if (descendant->killed)
    return TRUE;
  const guint own = own_with_pid(kernel, descendant->parent);
  if (own != 0)
    return kernel->processes[own].killed;
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++)
    if (lives(&kernel->descendants[i]) && kernel->descendants[i].pid == descendant->parent)
      return cannot_be_ended(kernel, &kernel->descendants[i]);
  return FALSE;
}

void
sim_kernel_check_left(const SimKernel *kernel)
{
  for (guint i = WD_PROCESS_WORKER; i < kernel->count; i++)
    SIM_CHECK(kernel->trace,
              kernel->processes[i].life == SIM_LIFE_NONE || kernel->processes[i].killed,
              "%u outlives us", i);
  for (guint i = 0; i < SIM_DESCENDANTS_MAX; i++) {
    const SimDescendant *descendant = &kernel->descendants[i];
    if (!lives(descendant) || descendant->stranger)
      continue;
    SIM_CHECK(kernel->trace, cannot_be_ended(kernel, descendant),
              "%" G_GINT64_FORMAT ", left behind, outlives us", descendant->pid);
    sim_trace_count(kernel->trace, SIM_TALLY_DESCENDANTS_STUCK);
  }
}
