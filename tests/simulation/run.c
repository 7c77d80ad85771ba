#include "tests/simulation/run.h"

#include "tests/simulation/kernel.h"
#include "tests/simulation/oracle.h"

#include <signal.h>

#define PENDING_MAX 64
#define SLOWEST_SPAWN_US (1 * SIM_S)
#define MOST_TICKS_A_SECOND 200

/* An input on its way. */
typedef struct {
  gint64 at_us;
  WdInput input;
  gint64 worker_start_ticks; /* MANAGER_ACCEPTS: whose manager it is */
} Pending;

/* The main loop: it delivers inputs, and carries actions out. */
typedef struct {
  SimTrace *trace;
  SimRandom *random;
  SimKernel kernel;
  WdObservation *observation; /* the one that is delivered */
  guint tables;               /* the extension that reports; 0: none */
  SimOracle oracle;
  WdSupervisor *supervisor;
  GArray *actions;
  guint count;
  guint spawn_failure_percent;
  gint64 now_us;
  gint64 no_tick_before_us;
  gint64 stalled_until_us;
  gint64 second_began_us;
  guint ticks_in_second;
  gint64 disturbed_us; /* how much later than wanted all of it was, since the stop began */
  Pending pending[PENDING_MAX];
  guint pending_count;
} SimLoop;

static Pending *
add_pending(SimLoop *loop, WdInputKind kind, guint process, gint64 at_us)
{
  g_assert(loop->pending_count < PENDING_MAX);
  Pending *pending = &loop->pending[loop->pending_count++];
  *pending = (Pending){.at_us = at_us, .input = {.kind = kind, .process = process}};
  return pending;
}

/* --- actions --- */

static void
spawn(SimLoop *loop, guint process)
{
  gint64 latency_us = sim_random_between(loop->random, 0, 20 * SIM_MS);
  if (sim_random_chance(loop->random, 5))
    latency_us = sim_random_between(loop->random, 0, SLOWEST_SPAWN_US);
  const gboolean fails = sim_random_chance(loop->random, loop->spawn_failure_percent);
  Pending *pending = add_pending(loop, fails ? WD_INPUT_SPAWN_FAILED : WD_INPUT_SPAWNED, process,
                                 loop->now_us + latency_us);
  if (fails)
    pending->input.spawn_error = "no such file";
}

static char PROBLEM[] = "corrupt";
static const WdRecovery RECOVERY = {.problem = PROBLEM, .saved = 7};

static void
store(SimLoop *loop, guint process, guint64 seq)
{
  if (sim_random_chance(loop->random, 5))
    sim_kernel_hit(&loop->kernel, process,
                   loop->now_us + sim_random_between(loop->random, 0, WD_STORE_WAIT_US));
  if (sim_random_chance(loop->random, 20)) /* of what came before it */
    add_pending(loop, WD_INPUT_STORED, 0, loop->now_us)->input.seq = seq - 1;
  gint64 latency_us = sim_random_between(loop->random, 0, 15 * SIM_MS);
  if (sim_random_chance(loop->random, 10)) {
    sim_trace_count(loop->trace, SIM_TALLY_STORED_NEVER);
    if (sim_random_chance(loop->random, 50))
      add_pending(loop, WD_INPUT_EVENTS_LOST, 0, loop->now_us + latency_us)->input.lost = 1;
    return;
  }
  if (sim_random_chance(loop->random, 2))
    add_pending(loop, WD_INPUT_HISTORY_RECOVERED, 0, loop->now_us + latency_us)->input.recovery =
        &RECOVERY;
  if (sim_random_chance(loop->random, 20))
    latency_us = sim_random_between(loop->random, WD_STORE_WAIT_US, 300 * SIM_MS);
  sim_trace_count(loop->trace,
                  latency_us < WD_STORE_WAIT_US ? SIM_TALLY_STORED_IN_TIME : SIM_TALLY_STORED_LATE);
  add_pending(loop, WD_INPUT_STORED, 0, loop->now_us + latency_us)->input.seq = seq;
}

static void
probe(SimLoop *loop)
{
  const SimProcess *worker = sim_kernel_process(&loop->kernel, WD_PROCESS_WORKER);
  if (worker->life != SIM_LIFE_ALIVE || loop->now_us < worker->manager_opens_us)
    return;
  const gint64 at_us = loop->now_us + sim_random_between(loop->random, 0, 3 * SIM_MS);
  add_pending(loop, WD_INPUT_MANAGER_ACCEPTS, WD_PROCESS_WORKER, at_us)->worker_start_ticks =
      worker->start_ticks;
}

static void
carry_out(SimLoop *loop)
{
  for (guint i = 0; i < loop->actions->len; i++) {
    const WdAction *action = &g_array_index(loop->actions, WdAction, i);
    sim_trace_action(loop->trace, action);
    sim_oracle_action(&loop->oracle, action);
    if (action->kind == WD_ACTION_SPAWN)
      spawn(loop, action->process);
    else if (action->kind == WD_ACTION_SIGNAL)
      sim_kernel_signal(&loop->kernel, action->process, action->signo, loop->now_us);
    else if (action->kind == WD_ACTION_RECORD && action->acknowledge)
      store(loop, action->process, action->event->seq);
    else if (action->kind == WD_ACTION_PROBE_MANAGER)
      probe(loop);
  }
  g_array_set_size(loop->actions, 0);
}

/* --- inputs --- */

static void
step(SimLoop *loop, const WdInput *input)
{
  const gboolean stopping = loop->oracle.stopping;
  loop->trace->steps++;
  if (input->kind != WD_INPUT_TICK)
    sim_trace_input(loop->trace, input, loop->now_us);
  sim_oracle_input(&loop->oracle, loop->supervisor, input, loop->now_us);
  wd_supervisor_step(loop->supervisor, input, loop->now_us, loop->actions);
  if (input->kind == WD_INPUT_TICK && loop->actions->len > 1)
    sim_trace_input(loop->trace, input, loop->now_us);
  carry_out(loop);
  if (input->kind == WD_INPUT_EXITED)
    sim_kernel_reap(&loop->kernel, input->process);
  sim_oracle_settled(&loop->oracle, loop->supervisor);
  if (!stopping && loop->oracle.stopping)
    loop->disturbed_us =
        MAX(MAX(loop->no_tick_before_us, loop->stalled_until_us) - loop->now_us, 0);
}

/* The looks at five processes, the probes and the waits for the store: not more. */
static void
check_rate(SimLoop *loop)
{
  if (loop->now_us - loop->second_began_us >= 1 * SIM_S) {
    loop->second_began_us = loop->now_us;
    loop->ticks_in_second = 0;
  }
  loop->ticks_in_second++;
  SIM_CHECK(loop->trace, loop->ticks_in_second <= MOST_TICKS_A_SECOND, "too many ticks");
}

static void
tick(SimLoop *loop)
{
  check_rate(loop);
  WdSample values[SIM_PROCESSES_MAX];
  const WdSample *samples[SIM_PROCESSES_MAX] = {NULL};
  for (guint i = 0; i < loop->count; i++) {
    if (!wd_supervisor_wants_sample(loop->supervisor, i, loop->now_us))
      continue;
    if (sim_kernel_sample(&loop->kernel, i, loop->now_us, &values[i]))
      samples[i] = &values[i];
    else
      sim_trace_count(loop->trace, SIM_TALLY_SAMPLES_MISSING);
  }
  const WdInput input = {.kind = WD_INPUT_TICK, .samples = samples};
  step(loop, &input);
}

static void
plan_observation(SimLoop *loop)
{
  gint64 after_us = 3 * SIM_S + sim_random_between(loop->random, 0, 500 * SIM_MS);
  if (sim_random_chance(loop->random, 3))
    after_us = sim_random_between(loop->random, 0, 40 * SIM_S);
  add_pending(loop, WD_INPUT_OBSERVATION, 0, loop->now_us + after_us);
}

/* Returns: FALSE if there is nobody to see anything. */
static gboolean
observe(SimLoop *loop, WdInput *input)
{
  const SimProcess *worker = sim_kernel_process(&loop->kernel, WD_PROCESS_WORKER);
  WdObservation *observation = loop->observation;
  plan_observation(loop);
  if (sim_kernel_process(&loop->kernel, loop->tables)->life != SIM_LIFE_ALIVE ||
      worker->life == SIM_LIFE_NONE || loop->now_us < worker->manager_opens_us)
    return FALSE;
  input->observation = observation;
  if (sim_random_chance(loop->random, 10)) {
    observation->kind = WD_OBSERVATION_DENYLISTED;
    observation->worker_pid = worker->pid;
    g_snprintf(observation->denylisted.name, sizeof observation->denylisted.name, "%d",
               (int)sim_random_between(loop->random, 0, 3));
    g_strlcpy(observation->denylisted.query, "SELECT 1", sizeof observation->denylisted.query);
  } else {
    sim_kernel_observe(&loop->kernel, observation);
  }
  if (sim_random_chance(loop->random, 2))
    observation->worker_pid++;
  return TRUE;
}

static void
count_stop(SimLoop *loop)
{
  for (guint i = 0; i < loop->count; i++)
    if (loop->oracle.views[i].spawning)
      sim_trace_count(loop->trace, SIM_TALLY_STOPS_DURING_SPAWN);
  sim_trace_count(loop->trace,
                  loop->oracle.stop_requests == 0 ? SIM_TALLY_STOPS : SIM_TALLY_SECOND_STOPS);
}

static void
deliver(SimLoop *loop, guint index)
{
  Pending pending = loop->pending[index];
  loop->pending[index] = loop->pending[--loop->pending_count];
  WdInput *input = &pending.input;
  const SimProcess *process = sim_kernel_process(&loop->kernel, input->process);
  switch (input->kind) {
  case WD_INPUT_SPAWNED:
    sim_kernel_spawn(&loop->kernel, input->process, loop->now_us);
    input->spawned.pid = process->pid;
    input->spawned.start_ticks = process->start_ticks;
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    /* Of another worker, or of one that is gone: the driver's to notice. */
    if (process->life == SIM_LIFE_NONE || process->start_ticks != pending.worker_start_ticks)
      return;
    break;
  case WD_INPUT_OBSERVATION:
    if (!observe(loop, input))
      return;
    break;
  case WD_INPUT_STOP:
    count_stop(loop);
    break;
  case WD_INPUT_TICK:
  case WD_INPUT_SPAWN_FAILED:
  case WD_INPUT_EXITED:
  case WD_INPUT_STORED:
  case WD_INPUT_EVENTS_LOST:
  case WD_INPUT_HISTORY_RECOVERED:
  case WD_INPUT_SETTINGS:
  case WD_INPUT_WANTED:
    break;
  }
  step(loop, input);
}

/* --- time --- */

static gint64
next_tick_us(const SimLoop *loop)
{
  return MAX(wd_supervisor_deadline(loop->supervisor), loop->no_tick_before_us);
}

static gint64
next_pending_us(const SimLoop *loop)
{
  gint64 next_us = G_MAXINT64;
  for (guint i = 0; i < loop->pending_count; i++)
    next_us = MIN(next_us, loop->pending[i].at_us);
  return next_us;
}

/* One of those that are due, for what is ready at once is delivered in any order. */
static guint
choose_due(SimLoop *loop)
{
  guint due[PENDING_MAX];
  guint count = 0;
  for (guint i = 0; i < loop->pending_count; i++)
    if (loop->pending[i].at_us <= loop->now_us)
      due[count++] = i;
  return due[sim_random_between(loop->random, 0, count - 1)];
}

static void
let_die(SimLoop *loop)
{
  while (sim_kernel_next_death_us(&loop->kernel) <= loop->now_us) {
    const gint64 at_us = sim_kernel_next_death_us(&loop->kernel);
    const guint process = sim_kernel_die(&loop->kernel);
    Pending *exited = add_pending(loop, WD_INPUT_EXITED, process, at_us);
    exited->input.exited.code = sim_kernel_process(&loop->kernel, process)->death_code;
    exited->input.exited.signal = sim_kernel_process(&loop->kernel, process)->death_signal;
    exited->input.exited.oom = sim_kernel_process(&loop->kernel, process)->death_by_oom;
  }
}

/* Sometimes a tick alone is late; sometimes everything is, as on a starved or suspended machine. */
static void
disturb(SimLoop *loop)
{
  gint64 late_us = 0;
  if (sim_random_next(loop->random) % 200 == 0) {
    late_us = sim_random_between(loop->random, 0, 8 * SIM_S);
    loop->no_tick_before_us = loop->now_us + late_us;
    sim_trace_count(loop->trace, SIM_TALLY_LATE_TICKS);
  } else if (sim_random_next(loop->random) % 400 == 0) {
    late_us = sim_random_between(loop->random, 0, 30 * SIM_S);
    loop->stalled_until_us = loop->now_us + late_us;
    sim_trace_count(loop->trace, SIM_TALLY_STALLS);
  }
  if (late_us == 0)
    return;
  sim_oracle_disturbed(&loop->oracle, loop->now_us + late_us);
  if (loop->oracle.stopping)
    loop->disturbed_us += late_us;
}

static void
advance(SimLoop *loop)
{
  const gint64 wanted_us =
      MIN(MIN(next_tick_us(loop), next_pending_us(loop)), sim_kernel_next_death_us(&loop->kernel));
  g_assert(wanted_us != G_MAXINT64);
  loop->now_us = MAX(loop->now_us, MAX(wanted_us, loop->stalled_until_us));
  let_die(loop);
  const gboolean tick_due = next_tick_us(loop) <= loop->now_us;
  const gboolean input_due = next_pending_us(loop) <= loop->now_us;
  const gboolean needless = sim_random_next(loop->random) % 500 == 0;
  if (needless || (tick_due && (!input_due || sim_random_chance(loop->random, 50))))
    tick(loop);
  else if (input_due)
    deliver(loop, choose_due(loop));
  disturb(loop);
}

/* --- a run --- */

static WdLimits
choose_limits(SimRandom *random)
{
  return (WdLimits){
      .enforce = sim_random_chance(random, 90),
      .manager = sim_random_chance(random, 90),
      .enforce_extensions = sim_random_chance(random, 70),
      .dry_run = sim_random_chance(random, 10),
      .memory_limit_bytes = SIM_RANDOM_PICK(random, 50, 100, 200) * SIM_MB,
      .memory_metric = (WdMemoryMetric)SIM_RANDOM_PICK(random, WD_METRIC_GROWTH, WD_METRIC_GROWTH,
                                                       WD_METRIC_RESIDENT, WD_METRIC_PRIVATE),
      .utilization_limit = SIM_RANDOM_PICK(random, 5, 10, 100),
      .latency_limit_s = SIM_RANDOM_PICK(random, 0, 6, 12),
      .respawn_limit = SIM_RANDOM_PICK(random, 0, 1, 4, 4, 4, 1000),
      .quick_exit_s = SIM_RANDOM_PICK(random, 4, 4, 4, 1000),
      .respawn_delay_s = SIM_RANDOM_PICK(random, 5, 1),
      .max_delay_s = SIM_RANDOM_PICK(random, 600, 600, 60, 0),
      .watchdog_delay_s = SIM_RANDOM_PICK(random, 0, 0, 3, 60),
      .forced_shutdown_delay_s = SIM_RANDOM_PICK(random, 4, 4, 1, 0),
      .stop_grace_s = SIM_RANDOM_PICK(random, 11, 6, 1),
      .extensions_interval_s = 3,
      .extensions_timeout_s = 3,
      .extension_registration_timeout_s = SIM_RANDOM_PICK(random, 0, 0, 1, 10, 60),
      .extension_give_up =
          (WdGiveUp)SIM_RANDOM_PICK(random, WD_GIVE_UP_SHUTDOWN, WD_GIVE_UP_ABANDON),
      .cpus = (guint)sim_random_between(random, 1, 8),
  };
}

static void
plan_stop(SimLoop *loop)
{
  const gint64 longest_s = SIM_RANDOM_PICK(loop->random, 0, 1, 60, 60, 600, 600, 4000);
  const gint64 at_us = loop->now_us + sim_random_between(loop->random, 0, longest_s * SIM_S);
  add_pending(loop, WD_INPUT_STOP, 0, at_us);
  if (sim_random_chance(loop->random, 30))
    add_pending(loop, WD_INPUT_STOP, 0, at_us + sim_random_between(loop->random, 0, 8 * SIM_S));
}

static void
begin(SimLoop *loop, SimTrace *trace, SimRandom *random)
{
  const WdLimits limits = choose_limits(random);
  const gboolean spawns_badly = sim_random_chance(random, 10);
  *loop = (SimLoop){
      .trace = trace,
      .random = random,
      .actions = wd_actions_new(),
      .count = (guint)sim_random_between(random, WD_PROCESS_FIRST_EXTENSION, SIM_PROCESSES_MAX),
      .spawn_failure_percent = spawns_badly ? 70 : 2,
      .now_us = sim_random_between(random, 0, 1000 * SIM_S),
  };
  loop->supervisor = wd_supervisor_new(&limits, "/bin/osquery-watchdogd", SIM_WATCHDOG_PID, 1,
                                       "/bin/osqueryd", loop->now_us);
  const guint indispensable = sim_random_chance(random, 70) ? WD_PROCESS_FIRST_EXTENSION : 0;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < loop->count; i++) {
    g_autofree char *name = g_strdup_printf("%u.ext", i);
    const guint index =
        wd_supervisor_add_extension(loop->supervisor, name, name, i == indispensable);
    g_assert(index == i);
  }
  loop->observation = g_new0(WdObservation, 1);
  loop->tables = loop->count > WD_PROCESS_FIRST_EXTENSION ? indispensable : 0;
  sim_kernel_init(&loop->kernel, random, trace, loop->count, limits.cpus, loop->now_us);
  sim_oracle_init(&loop->oracle, trace, &loop->kernel, &limits, indispensable, loop->now_us);
}

/* However the processes behave, stopping takes no longer than this. */
static void
check_stops_in_time(const SimLoop *loop)
{
  const SimOracle *oracle = &loop->oracle;
  const gint64 longest_us =
      SLOWEST_SPAWN_US + WD_STORE_WAIT_US + WD_REAP_WAIT_US +
      MAX(oracle->limits.stop_grace_s, oracle->limits.forced_shutdown_delay_s) * SIM_S;
  SIM_CHECK(loop->trace, loop->now_us - oracle->stop_began_us <= longest_us + loop->disturbed_us,
            "doesn't come to rest");
}

void
sim_run(SimTrace *trace, SimRandom *random)
{
  SimLoop loop;
  begin(&loop, trace, random);
  trace->runs++;
  sim_trace_line(trace, "--- run %" G_GUINT64_FORMAT, trace->runs);
  tick(&loop);
  plan_stop(&loop);
  if (loop.tables != 0)
    plan_observation(&loop);
  while (!loop.oracle.exited) {
    advance(&loop);
    if (loop.oracle.stopping)
      check_stops_in_time(&loop);
  }
  /* Whatever still comes is of no more effect. */
  wd_supervisor_step(loop.supervisor, &(WdInput){.kind = WD_INPUT_STOP}, loop.now_us, loop.actions);
  SIM_CHECK(trace, loop.actions->len == 0, "an action after the exit");
  g_free(loop.observation);
  g_array_unref(loop.actions);
  wd_supervisor_free(loop.supervisor);
}
