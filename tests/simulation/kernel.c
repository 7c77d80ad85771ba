#include "tests/simulation/kernel.h"

#include <signal.h>

#define MOST_BYTES (4096 * SIM_MB)

/* Returns: FALSE if it dies before that anyhow. */
static gboolean
die_by(SimKernel *kernel, SimProcess *process, gint64 at_us, gboolean graceful)
{
  if (at_us >= process->death_us)
    return FALSE;
  const gboolean by_signal = !graceful && sim_random_chance(kernel->random, 50);
  process->follows = 0;
  process->death_us = at_us;
  process->death_signal =
      by_signal ? SIM_RANDOM_PICK(kernel->random, SIGABRT, SIGKILL, SIGSEGV) : WD_NONE;
  process->death_by_oom = process->death_signal == SIGKILL && sim_random_chance(kernel->random, 20);
  process->death_code = WD_NONE;
  if (!by_signal)
    process->death_code = graceful ? SIM_RANDOM_PICK(kernel->random, 0, 0, 0, 78)
                                   : SIM_RANDOM_PICK(kernel->random, 0, 1, 3);
  return TRUE;
}

static void
choose_fate(SimKernel *kernel, SimProcess *process, SimTemper temper)
{
  const gint64 now_us = process->born_us;
  gboolean greedy = sim_random_chance(kernel->random, 3);
  gboolean spinning = sim_random_chance(kernel->random, 3);
  switch (temper) {
  case SIM_TEMPER_CALM:
    if (sim_random_chance(kernel->random, 10))
      die_by(kernel, process, now_us + sim_random_between(kernel->random, 0, 2000 * SIM_S), FALSE);
    break;
  case SIM_TEMPER_CRASHING:
    die_by(kernel, process, now_us + sim_random_between(kernel->random, 0, 5 * SIM_S), FALSE);
    break;
  case SIM_TEMPER_SHORT_LIVED:
    die_by(kernel, process, now_us + sim_random_between(kernel->random, 3 * SIM_S, 90 * SIM_S),
           FALSE);
    break;
  case SIM_TEMPER_GREEDY:
    greedy = TRUE;
    break;
  case SIM_TEMPER_SPINNING:
    spinning = TRUE;
    break;
  case SIM_TEMPER_COUNT:
    g_assert_not_reached();
  }
  if (process->death_code != WD_NONE && sim_random_chance(kernel->random, 4))
    process->death_code = 78;
  if (greedy) {
    process->grows_from_us =
        now_us + sim_random_between(kernel->random, 0,
                                    (sim_random_chance(kernel->random, 10) ? 900 : 60) * SIM_S);
    process->growth_bytes_per_ms = sim_random_between(kernel->random, 1, 1000) * 1000;
  }
  if (spinning) {
    process->spins_from_us = now_us + sim_random_between(kernel->random, 0, 20 * SIM_S);
    process->spins_until_us =
        process->spins_from_us + sim_random_between(kernel->random, 2 * SIM_S, 60 * SIM_S);
    process->spin_percent = sim_random_between(kernel->random, 1, 100);
  }
}

static void
choose_reactions(SimKernel *kernel, SimProcess *process, guint index)
{
  process->term_delay_us = sim_random_between(kernel->random, 0, 200 * SIM_MS);
  if (sim_random_chance(kernel->random, 15))
    process->term_delay_us = G_MAXINT64;
  else if (sim_random_chance(kernel->random, 10))
    process->term_delay_us = sim_random_between(kernel->random, 0, 20 * SIM_S);
  process->kill_delay_us = sim_random_chance(kernel->random, 90)
                               ? sim_random_between(kernel->random, 0, 5 * SIM_MS)
                               : sim_random_between(kernel->random, 1 * SIM_S, 60 * SIM_S);
  if (index >= WD_PROCESS_FIRST_EXTENSION && sim_random_chance(kernel->random, 70))
    process->follow_delay_us = sim_random_between(kernel->random, 0, 6 * SIM_S);
  process->manager_opens_us =
      process->born_us + sim_random_between(kernel->random, 1 * SIM_MS, 100 * SIM_MS);
  if (sim_random_chance(kernel->random, 10))
    process->manager_opens_us =
        process->born_us + sim_random_between(kernel->random, 0, 10 * SIM_S);
  else if (sim_random_chance(kernel->random, 5))
    process->manager_opens_us = G_MAXINT64;
  if (sim_random_chance(kernel->random, 20))
    process->hangs_from_us = process->born_us + sim_random_between(kernel->random, 0, 300 * SIM_S);
  else if (sim_random_chance(kernel->random, 5)) /* enrols, and nobody answers */
    process->hangs_from_us = process->born_us;
  if (process->hangs_from_us != G_MAXINT64)
    process->hangs_until_us =
        process->hangs_from_us + sim_random_between(kernel->random, 0, 200 * SIM_S);
  if (index == WD_PROCESS_WORKER && process->manager_opens_us == G_MAXINT64)
    sim_trace_count(kernel->trace, SIM_TALLY_MANAGERS_NEVER);
}

static SimProcess *
born(SimKernel *kernel, guint index, gint64 pid, gint64 now_us)
{
  SimProcess *process = &kernel->processes[index];
  *process = (SimProcess){
      .life = SIM_LIFE_ALIVE,
      .pid = pid,
      .start_ticks = ++kernel->last_start_ticks,
      .born_us = now_us,
      .death_us = G_MAXINT64,
      .death_code = WD_NONE,
      .death_signal = WD_NONE,
      .follow_delay_us = G_MAXINT64,
      .manager_opens_us = G_MAXINT64,
      .forks_us = G_MAXINT64,
      .ppid = sim_random_chance(kernel->random, 2) ? 1 : SIM_WATCHDOG_PID,
      .has_counter = sim_random_chance(kernel->random, 70),
      .resident_bytes = sim_random_between(kernel->random, 1, 60) * SIM_MB,
      .hangs_from_us = G_MAXINT64,
      .grows_from_us = G_MAXINT64,
      .spins_from_us = G_MAXINT64,
      .spins_until_us = G_MAXINT64,
      .never_registers = sim_random_chance(kernel->random, 10),
  };
  return process;
}

void
sim_kernel_init(SimKernel *kernel, SimRandom *random, SimTrace *trace, guint count, guint cpus,
                gint64 now_us)
{
  *kernel = (SimKernel){.random = random, .trace = trace, .cpus = cpus, .count = count};
  kernel->broken_worker = sim_random_chance(kernel->random, 5);
  for (guint i = 0; i < SIM_PROCESSES_MAX; i++)
    kernel->tempers[i] = (SimTemper)sim_random_between(kernel->random, 0, SIM_TEMPER_COUNT - 1);
  SimProcess *watchdog = born(kernel, WD_PROCESS_WATCHDOG, SIM_WATCHDOG_PID, now_us);
  watchdog->ppid = 1;
  if (sim_random_chance(kernel->random, 3))
    choose_fate(kernel, watchdog,
                sim_random_chance(kernel->random, 50) ? SIM_TEMPER_GREEDY : SIM_TEMPER_SPINNING);
}

const SimProcess *
sim_kernel_process(const SimKernel *kernel, guint index)
{
  return &kernel->processes[index];
}

void
sim_kernel_add(SimKernel *kernel)
{
  g_assert(kernel->count < SIM_PROCESSES_MAX);
  kernel->count++;
}

static void
break_down(SimKernel *kernel, SimProcess *worker)
{
  die_by(kernel, worker, worker->born_us + sim_random_between(kernel->random, 0, 500 * SIM_MS),
         FALSE);
  worker->manager_opens_us = G_MAXINT64;
  if (sim_random_chance(kernel->random, 90)) {
    worker->death_code = 1;
    worker->death_signal = WD_NONE;
    worker->death_by_oom = FALSE;
  }
}

/* The extension goes because the worker does: a while after it, or a little before. */
static void
follow(SimKernel *kernel, SimProcess *extension, gint64 at_us)
{
  if (extension->life == SIM_LIFE_ALIVE && extension->follow_delay_us != G_MAXINT64 &&
      die_by(kernel, extension, at_us, FALSE))
    extension->follows = kernel->processes[WD_PROCESS_WORKER].start_ticks;
}

/* A worker that ends in good order may see its extensions off first. */
static void
follow_before(SimKernel *kernel, SimProcess *extension, gint64 now_us)
{
  const SimProcess *worker = &kernel->processes[WD_PROCESS_WORKER];
  if (worker->life == SIM_LIFE_ALIVE && worker->death_us != G_MAXINT64)
    follow(kernel, extension,
           MAX(now_us, worker->death_us - sim_random_between(kernel->random, 0, 1500 * SIM_MS)));
}

gint64
sim_kernel_fork(SimKernel *kernel, guint index, gint64 now_us)
{
  g_assert(kernel->processes[index].life == SIM_LIFE_NONE);
  SimProcess *process = born(kernel, index, sim_kernel_take_pid(kernel), now_us);
  process->life = SIM_LIFE_FORKED;
  return process->pid;
}

void
sim_kernel_exec_failed(SimKernel *kernel, guint index)
{
  g_assert(kernel->processes[index].life == SIM_LIFE_FORKED);
  kernel->processes[index].life = SIM_LIFE_ZOMBIE;
}

void
sim_kernel_exec(SimKernel *kernel, guint index, gint64 now_us)
{
  SimProcess *process = &kernel->processes[index];
  g_assert(process->life == SIM_LIFE_FORKED);
  process->life = SIM_LIFE_ALIVE;
  process->born_us = now_us;
  process->forks_us = sim_kernel_plan_fork(kernel, 20, now_us, 30 * SIM_S);
  const gboolean typical = sim_random_chance(kernel->random, 75);
  choose_fate(kernel, process,
              typical ? kernel->tempers[index]
                      : (SimTemper)sim_random_between(kernel->random, 0, SIM_TEMPER_COUNT - 1));
  choose_reactions(kernel, process, index);
  if (index == WD_PROCESS_WORKER && kernel->broken_worker)
    break_down(kernel, process);
  if (index >= WD_PROCESS_FIRST_EXTENSION && sim_random_chance(kernel->random, 20))
    follow_before(kernel, process, now_us);
}

void
sim_kernel_signal(SimKernel *kernel, guint index, int signo, gint64 now_us)
{
  SimProcess *process = &kernel->processes[index];
  if (process->life != SIM_LIFE_ALIVE)
    return;
  if (signo == SIGKILL) {
    process->killed = TRUE;
    if (now_us + process->kill_delay_us < process->death_us) {
      process->death_us = now_us + process->kill_delay_us;
      process->death_code = WD_NONE;
      process->death_signal = SIGKILL;
      process->death_by_oom = FALSE;
    }
    return;
  }
  if (process->term_delay_us == G_MAXINT64)
    return;
  die_by(kernel, process, now_us + process->term_delay_us, TRUE);
  if (index == WD_PROCESS_WORKER && sim_random_chance(kernel->random, 30))
    for (guint i = WD_PROCESS_FIRST_EXTENSION; i < kernel->count; i++)
      follow_before(kernel, &kernel->processes[i], now_us);
}

void
sim_kernel_hit(SimKernel *kernel, guint index, gint64 at_us)
{
  die_by(kernel, &kernel->processes[index], at_us, FALSE);
}

static gint64
next_us(const SimProcess *process)
{
  return process->life == SIM_LIFE_ALIVE ? MIN(process->death_us, process->forks_us) : G_MAXINT64;
}

gint64
sim_kernel_next_us(const SimKernel *kernel)
{
  gint64 earliest_us = sim_descendants_next_us(kernel);
  for (guint i = WD_PROCESS_WORKER; i < kernel->count; i++)
    earliest_us = MIN(earliest_us, next_us(&kernel->processes[i]));
  return earliest_us;
}

static void
let_follow(SimKernel *kernel, gint64 worker_death_us)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < kernel->count; i++)
    if (kernel->processes[i].follow_delay_us != G_MAXINT64)
      follow(kernel, &kernel->processes[i], worker_death_us + kernel->processes[i].follow_delay_us);
}

static gint64
die(SimKernel *kernel, guint index)
{
  SimProcess *process = &kernel->processes[index];
  process->life = SIM_LIFE_ZOMBIE;
  if (process->registered_with != 0 && sim_random_chance(kernel->random, 50)) {
    kernel->held[index].uuid = process->uuid;
    kernel->held[index].by = process->registered_with;
  }
  sim_kernel_orphan(kernel, process->pid);
  if (index == WD_PROCESS_WORKER)
    let_follow(kernel, process->death_us);
  return process->pid;
}

gint64
sim_kernel_happen(SimKernel *kernel)
{
  const gint64 at_us = sim_kernel_next_us(kernel);
  for (guint i = WD_PROCESS_WORKER; i < kernel->count; i++) {
    SimProcess *process = &kernel->processes[i];
    if (next_us(process) != at_us)
      continue;
    if (process->death_us == at_us)
      return die(kernel, i);
    process->forks_us = sim_kernel_plan_fork(kernel, 30, at_us, 30 * SIM_S);
    if (!process->killed)
      sim_kernel_born(kernel, process->pid, process->pid, at_us);
    return 0;
  }
  return sim_descendants_happen(kernel, at_us);
}

static void
register_or_drop(SimKernel *kernel, SimProcess *extension, gint64 worker_start_ticks)
{
  const gboolean registered = extension->registered_with == worker_start_ticks;
  if (registered && sim_random_chance(kernel->random, 97))
    return;
  extension->registered_with = 0;
  if (!extension->never_registers && sim_random_chance(kernel->random, 70)) {
    extension->registered_with = worker_start_ticks;
    extension->uuid = sim_random_between(kernel->random, 1, G_MAXUINT16);
  }
}

/* A worker in a long query keeps the registration of a process that is gone. */
static void
list_dead(SimKernel *kernel, guint index, WdReport *report)
{
  if (kernel->held[index].by != kernel->processes[WD_PROCESS_WORKER].start_ticks)
    return;
  if (sim_random_chance(kernel->random, 30))
    kernel->held[index].by = 0;
  else
    report->registrations.extensions[report->registrations.n_extensions++] =
        (WdReportedExtension){.pid = 1, .uuid = kernel->held[index].uuid};
}

static gboolean
hangs(const SimProcess *process, gint64 now_us)
{
  return process->hangs_from_us <= now_us && now_us < process->hangs_until_us;
}

void
sim_kernel_observe(SimKernel *kernel, gint64 now_us, WdReport *report)
{
  const SimProcess *worker = &kernel->processes[WD_PROCESS_WORKER];
  report->kind = WD_REPORT_REGISTRATIONS;
  report->worker_pid = worker->pid;
  report->registrations.responsive = !hangs(worker, now_us);
  report->registrations.listed = report->registrations.responsive;
  report->registrations.schedule_read = sim_random_chance(kernel->random, 50);
  report->registrations.version[0] = '\0';
  report->registrations.n_extensions = 0;
  report->registrations.unattributed = sim_random_chance(kernel->random, 5);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; report->registrations.listed && i < kernel->count;
       i++) {
    SimProcess *extension = &kernel->processes[i];
    list_dead(kernel, i, report);
    if (extension->life != SIM_LIFE_ALIVE)
      continue;
    register_or_drop(kernel, extension, worker->start_ticks);
    if (extension->registered_with != worker->start_ticks)
      continue;
    report->registrations.extensions[report->registrations.n_extensions++] = (WdReportedExtension){
        .pid = extension->pid, .uuid = extension->uuid, .responsive = !hangs(extension, now_us)};
  }
}

gint64
sim_process_resident(const SimProcess *process, gint64 at_us)
{
  const gint64 grown_ms = MAX(at_us - process->grows_from_us, 0) / SIM_MS;
  return MIN(process->resident_bytes + grown_ms * process->growth_bytes_per_ms, MOST_BYTES);
}

/* A process that doesn't grow faults now and then all the same. */
gint64
sim_kernel_count_faults(SimKernel *kernel, guint index, gint64 now_us)
{
  SimProcess *process = &kernel->processes[index];
  gint64 at_us = now_us + sim_random_between(kernel->random, 0, 20 * SIM_S);
  process->faults_counted = TRUE;
  if (process->growth_bytes_per_ms > 0)
    at_us = MIN(at_us, MAX(now_us, process->grows_from_us) +
                           SIM_COUNTED_BYTES * SIM_MS / process->growth_bytes_per_ms);
  return at_us + sim_random_between(kernel->random, 0, SIM_FAULT_SIGNAL_US);
}

gboolean
sim_kernel_faulted(SimKernel *kernel, guint index, gint64 start_ticks)
{
  SimProcess *process = &kernel->processes[index];
  if (process->start_ticks != start_ticks || process->life == SIM_LIFE_NONE)
    return FALSE;
  process->faults_counted = FALSE;
  return TRUE;
}

gboolean
sim_kernel_sample(SimKernel *kernel, guint index, gint64 now_us, WdSample *sample)
{
  const SimProcess *process = &kernel->processes[index];
  if (sim_random_chance(kernel->random, process->life == SIM_LIFE_ZOMBIE ? 50 : 1))
    return FALSE;
  const gint64 spun_us =
      CLAMP(now_us, process->spins_from_us, process->spins_until_us) - process->spins_from_us;
  const gint64 resident_bytes =
      process->life == SIM_LIFE_ZOMBIE ? 0 : sim_process_resident(process, now_us);
  *sample = (WdSample){
      .user_ms = spun_us / SIM_MS * process->spin_percent * kernel->cpus / 100,
      .system_ms = 0,
      .resident_bytes = resident_bytes,
      .private_bytes = sim_random_chance(kernel->random, 5) ? WD_NONE : resident_bytes / 2,
      .threads = 1,
      .ppid = process->ppid,
  };
  return TRUE;
}
