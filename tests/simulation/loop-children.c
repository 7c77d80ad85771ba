#include "tests/simulation/loop.h"

#include "watchdog/core/machine/descendants.h"

#define SWEEP_LATENCY_US (20 * SIM_MS)
#define LAST_LOOKS_US (5 * SIM_MS)

/* Returns: how many there were. */
static guint
carry_out_kills(SimLoop *loop, GArray *kills, guint process)
{
  for (guint i = 0; i < kills->len; i++) {
    const WdKill *due = &g_array_index(kills, WdKill, i);
    sim_kernel_kill(&loop->kernel, due->target, due->signo, process, loop->now_us);
  }
  return kills->len;
}

static guint
process_of(const SimLoop *loop, gint64 pid)
{
  for (guint i = WD_PROCESS_WORKER; i < loop->kernel.count; i++)
    if (loop->pids[i] == pid)
      return i;
  return 0;
}

void
sim_loop_spawn(SimLoop *loop, guint process)
{
  gint64 latency_us = sim_random_between(loop->random, 0, 20 * SIM_MS);
  if (sim_random_chance(loop->random, 5))
    latency_us = sim_random_between(loop->random, 0, SIM_SLOWEST_SPAWN_US);
  const gboolean fails = sim_random_chance(loop->random, loop->spawn_failure_percent);
  const gboolean forks = !fails || sim_random_chance(loop->random, 50);
  if (forks)
    loop->pids[process] = sim_kernel_fork(&loop->kernel, process, loop->now_us);
  SimPending *pending = sim_loop_plan_input(loop, fails ? WD_INPUT_SPAWN_FAILED : WD_INPUT_SPAWNED,
                                            process, loop->now_us + latency_us);
  if (fails)
    pending->input.spawn_error = "no such file";
  if (sim_random_chance(loop->random, 2)) /* an upgrade */
    loop->files[process]++;
}

void
sim_loop_exec_done(SimLoop *loop, WdInput *input)
{
  const SimProcess *process = sim_kernel_process(&loop->kernel, input->process);
  sim_kernel_exec(&loop->kernel, input->process, loop->now_us);
  input->spawned.pid = process->pid;
  input->spawned.start_ticks = process->start_ticks;
  input->spawned.has_counter = process->has_counter;
}

void
sim_loop_signal(SimLoop *loop, guint process, int signo)
{
  g_autoptr(GArray) kills = wd_kills_new();
  wd_descendants_signal(loop->pids[process], signo, kills);
  carry_out_kills(loop, kills, process);
}

/* The dead child's pid, and its group's number, are still its own until it is reaped. */
static void
bury(SimLoop *loop, gint64 pid)
{
  const guint process = process_of(loop, pid);
  g_autoptr(GArray) kills = wd_kills_new();
  wd_descendants_died(pid, process != 0, kills);
  carry_out_kills(loop, kills, 0);
  sim_kernel_reap(&loop->kernel, pid, loop->now_us);
  if (process != 0)
    loop->pids[process] = WD_NONE;
  if (loop->sweep_planned)
    return;
  loop->sweep_planned = TRUE;
  sim_loop_plan(loop, SIM_PENDING_SWEEP,
                loop->now_us + sim_random_between(loop->random, 0, SWEEP_LATENCY_US));
}

void
sim_loop_exec_failed(SimLoop *loop, guint process)
{
  if (loop->pids[process] == WD_NONE) /* the fork did */
    return;
  sim_kernel_exec_failed(&loop->kernel, process);
  bury(loop, loop->pids[process]);
}

void
sim_loop_child_died(SimLoop *loop, gint64 pid)
{
  const guint process = process_of(loop, pid);
  bury(loop, pid);
  if (process == 0)
    return;
  const SimProcess *gone = sim_kernel_process(&loop->kernel, process);
  sim_loop_step(loop, &(WdInput){.kind = WD_INPUT_EXITED,
                                 .process = process,
                                 .exited = {.code = gone->death_code,
                                            .signal = gone->death_signal,
                                            .oom = gone->death_by_oom}});
}

void
sim_loop_let_happen(SimLoop *loop)
{
  gint64 at_us;
  while ((at_us = sim_kernel_next_us(&loop->kernel)) <= loop->now_us) {
    const gint64 died = sim_kernel_happen(&loop->kernel);
    if (died != 0)
      sim_loop_plan(loop, SIM_PENDING_DEATH, at_us)->pid = died;
  }
}

/* Returns: how many strays there were. */
static guint
kill_strays(SimLoop *loop)
{
  g_autoptr(GArray) children = sim_kernel_children(&loop->kernel);
  g_autoptr(GArray) supervised = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GArray) kills = wd_kills_new();
  for (guint i = WD_PROCESS_WORKER; i < loop->kernel.count; i++)
    if (loop->pids[i] != WD_NONE)
      g_array_append_val(supervised, loop->pids[i]);
  wd_descendants_strays(children, supervised, kills);
  return carry_out_kills(loop, kills, 0);
}

void
sim_loop_sweep(SimLoop *loop)
{
  loop->sweep_planned = FALSE;
  kill_strays(loop);
  sim_kernel_check_swept(&loop->kernel);
}

static void
bury_the_dead(SimLoop *loop)
{
  for (guint i = 0; i < loop->pending_count; i++)
    if (loop->pending[i].kind == SIM_PENDING_DEATH)
      bury(loop, loop->pending[i].pid);
  loop->pending_count = 0; /* whatever else came is of no effect any more */
  loop->sweep_planned = FALSE;
}

/* What a stray started becomes the watchdog's only when the stray is gone: so it is looked at again
 * and again, but not for ever. */
void
sim_loop_end_strays(SimLoop *loop)
{
  const gint64 deadline_us = loop->now_us + WD_REAP_WAIT_US;
  bury_the_dead(loop);
  while (kill_strays(loop) > 0 && loop->now_us < deadline_us) {
    sim_trace_count(loop->trace, SIM_TALLY_LAST_LOOKS);
    loop->now_us += LAST_LOOKS_US;
    sim_loop_let_happen(loop);
    bury_the_dead(loop);
  }
  sim_kernel_check_left(&loop->kernel);
}
