#include "tests/simulation/loop.h"

#define MOST_TICKS_A_SECOND 500

SimPending *
sim_loop_plan(SimLoop *loop, SimPendingKind kind, gint64 at_us)
{
  g_assert(loop->pending_count < SIM_PENDING_MAX);
  SimPending *pending = &loop->pending[loop->pending_count++];
  *pending = (SimPending){.kind = kind, .at_us = at_us};
  return pending;
}

SimPending *
sim_loop_plan_input(SimLoop *loop, WdInputKind kind, guint process, gint64 at_us)
{
  SimPending *pending = sim_loop_plan(loop, SIM_PENDING_INPUT, at_us);
  pending->input = (WdInput){.kind = kind, .process = process};
  return pending;
}

/* --- actions --- */

static char PROBLEM[] = "corrupt";
static const WdRecovery RECOVERY = {.problem = PROBLEM, .saved = 7};

static void
store(SimLoop *loop, guint process, guint64 seq)
{
  if (sim_random_chance(loop->random, 5))
    sim_kernel_hit(&loop->kernel, process,
                   loop->now_us + sim_random_between(loop->random, 0, WD_STORE_WAIT_US));
  if (sim_random_chance(loop->random, 20)) /* of what came before it */
    sim_loop_plan_input(loop, WD_INPUT_STORED, 0, loop->now_us)->input.seq = seq - 1;
  gint64 latency_us = sim_random_between(loop->random, 0, 15 * SIM_MS);
  if (sim_random_chance(loop->random, 10)) {
    sim_trace_count(loop->trace, SIM_TALLY_STORED_NEVER);
    if (sim_random_chance(loop->random, 50))
      sim_loop_plan_input(loop, WD_INPUT_EVENTS_LOST, 0, loop->now_us + latency_us)->input.lost = 1;
    else if (sim_random_chance(loop->random, 50)) /* nothing can be stored, until something is */
      sim_loop_plan_input(loop, WD_INPUT_STORED, 0, loop->now_us + latency_us)->input.seq =
          G_MAXUINT64;
    return;
  }
  if (sim_random_chance(loop->random, 2))
    sim_loop_plan_input(loop, WD_INPUT_HISTORY_RECOVERED, 0, loop->now_us + latency_us)
        ->input.recovery = &RECOVERY;
  if (sim_random_chance(loop->random, 20))
    latency_us = sim_random_between(loop->random, WD_STORE_WAIT_US, 300 * SIM_MS);
  sim_trace_count(loop->trace,
                  latency_us < WD_STORE_WAIT_US ? SIM_TALLY_STORED_IN_TIME : SIM_TALLY_STORED_LATE);
  sim_loop_plan_input(loop, WD_INPUT_STORED, 0, loop->now_us + latency_us)->input.seq = seq;
}

static void
probe(SimLoop *loop)
{
  const SimProcess *worker = sim_kernel_process(&loop->kernel, WD_PROCESS_WORKER);
  if (worker->life != SIM_LIFE_ALIVE || loop->now_us < worker->manager_opens_us)
    return;
  const gint64 at_us = loop->now_us + sim_random_between(loop->random, 0, 3 * SIM_MS);
  sim_loop_plan_input(loop, WD_INPUT_MANAGER_ACCEPTS, WD_PROCESS_WORKER, at_us)->start_ticks =
      worker->start_ticks;
}

/* What an earlier process would still have said is dropped: its counter is closed. */
static void
count_faults(SimLoop *loop, guint process)
{
  guint kept = 0;
  for (guint i = 0; i < loop->pending_count; i++) {
    const WdInput *input = &loop->pending[i].input;
    if (loop->pending[i].kind != SIM_PENDING_INPUT || input->kind != WD_INPUT_FAULTED ||
        input->process != process)
      loop->pending[kept++] = loop->pending[i];
  }
  loop->pending_count = kept;
  const gint64 at_us = sim_kernel_count_faults(&loop->kernel, process, loop->now_us);
  sim_loop_plan_input(loop, WD_INPUT_FAULTED, process, at_us)->start_ticks =
      sim_kernel_process(&loop->kernel, process)->start_ticks;
}

static void
carry_out(SimLoop *loop)
{
  for (guint i = 0; i < loop->actions->len; i++) {
    const WdAction *action = &g_array_index(loop->actions, WdAction, i);
    sim_trace_action(loop->trace, action);
    sim_oracle_action(&loop->oracle, action);
    if (action->kind == WD_ACTION_SPAWN)
      sim_loop_spawn(loop, action->process);
    else if (action->kind == WD_ACTION_SIGNAL)
      sim_loop_signal(loop, action->process, action->signo);
    else if (action->kind == WD_ACTION_RECORD && action->acknowledge)
      store(loop, action->process, action->event->seq);
    else if (action->kind == WD_ACTION_PROBE_MANAGER)
      probe(loop);
    else if (action->kind == WD_ACTION_COUNT_FAULTS)
      count_faults(loop, action->process);
  }
  g_array_set_size(loop->actions, 0);
}

/* --- inputs --- */

void
sim_loop_step(SimLoop *loop, const WdInput *input)
{
  const gboolean stopping = loop->oracle.stopping;
  if (loop->oracle.exited)
    return;
  loop->trace->steps++;
  if (input->kind != WD_INPUT_TICK)
    sim_trace_input(loop->trace, input, loop->now_us);
  sim_oracle_input(&loop->oracle, loop->supervisor, input, loop->now_us);
  wd_machine_step(loop->supervisor, input, loop->now_us, loop->actions);
  if (input->kind == WD_INPUT_TICK && loop->actions->len > 1)
    sim_trace_input(loop->trace, input, loop->now_us);
  carry_out(loop);
  sim_oracle_settled(&loop->oracle, loop->supervisor, loop->wall_offset_us);
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

void
sim_loop_tick(SimLoop *loop)
{
  check_rate(loop);
  WdSample values[SIM_PROCESSES_MAX];
  const WdSample *samples[SIM_PROCESSES_MAX] = {NULL};
  for (guint i = 0; i < loop->kernel.count; i++) {
    if (!wd_machine_wants_sample(loop->supervisor, i, loop->now_us))
      continue;
    if (sim_kernel_sample(&loop->kernel, i, loop->now_us, &values[i]))
      samples[i] = &values[i];
    else
      sim_trace_count(loop->trace, SIM_TALLY_SAMPLES_MISSING);
  }
  const WdInput input = {.kind = WD_INPUT_TICK, .samples = samples};
  sim_loop_step(loop, &input);
}

void
sim_loop_plan_observation(SimLoop *loop)
{
  gint64 after_us = 3 * SIM_S + sim_random_between(loop->random, 0, 500 * SIM_MS);
  if (sim_random_chance(loop->random, 3))
    after_us = sim_random_between(loop->random, 0, 40 * SIM_S);
  sim_loop_plan_input(loop, WD_INPUT_REPORT, 0, loop->now_us + after_us);
}

/* Returns: FALSE if there is nobody to see anything. */
static gboolean
observe(SimLoop *loop, WdInput *input)
{
  const SimProcess *worker = sim_kernel_process(&loop->kernel, WD_PROCESS_WORKER);
  WdReport *report = loop->report;
  sim_loop_plan_observation(loop);
  if (sim_kernel_process(&loop->kernel, loop->tables)->life != SIM_LIFE_ALIVE ||
      worker->life == SIM_LIFE_NONE || loop->now_us < worker->manager_opens_us)
    return FALSE;
  input->report = report;
  if (sim_random_chance(loop->random, 10)) {
    report->kind = WD_REPORT_DENYLISTED;
    report->worker_pid = worker->pid;
    g_snprintf(report->denylisted.name, sizeof report->denylisted.name, "%d",
               (int)sim_random_between(loop->random, 0, 3));
    g_strlcpy(report->denylisted.query, "SELECT 1", sizeof report->denylisted.query);
  } else {
    sim_kernel_observe(&loop->kernel, loop->now_us, report);
  }
  if (sim_random_chance(loop->random, 2))
    report->worker_pid++;
  return TRUE;
}

static const char *
name_file(const SimLoop *loop, guint process, char *name, gsize size)
{
  g_snprintf(name, size, "%" G_GINT64_FORMAT, loop->files[process]);
  return name;
}

static void
count_stop(SimLoop *loop)
{
  for (guint i = 0; i < loop->kernel.count; i++)
    if (loop->oracle.views[i].spawning)
      sim_trace_count(loop->trace, SIM_TALLY_STOPS_DURING_SPAWN);
  sim_trace_count(loop->trace,
                  loop->oracle.stop_requests == 0 ? SIM_TALLY_STOPS : SIM_TALLY_SECOND_STOPS);
}

static void
deliver_input(SimLoop *loop, SimPending *pending)
{
  WdInput *input = &pending->input;
  const SimProcess *process = sim_kernel_process(&loop->kernel, input->process);
  char file[32];
  switch (input->kind) {
  case WD_INPUT_SPAWNED:
    input->file = name_file(loop, input->process, file, sizeof file);
    sim_loop_exec_done(loop, input);
    break;
  case WD_INPUT_SPAWN_FAILED:
    input->file = name_file(loop, input->process, file, sizeof file);
    sim_loop_exec_failed(loop, input->process);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    /* Of another worker, or of one that is gone: the driver's to notice. */
    if (process->life == SIM_LIFE_NONE || process->start_ticks != pending->start_ticks)
      return;
    break;
  case WD_INPUT_FAULTED:
    if (!sim_kernel_faulted(&loop->kernel, input->process, pending->start_ticks))
      return;
    break;
  case WD_INPUT_REPORT:
    if (!observe(loop, input))
      return;
    break;
  case WD_INPUT_STOP:
    count_stop(loop);
    break;
  case WD_INPUT_TICK:
  case WD_INPUT_EXITED:
  case WD_INPUT_STORED:
  case WD_INPUT_EVENTS_LOST:
  case WD_INPUT_HISTORY_RECOVERED:
  case WD_INPUT_SETTINGS:
  case WD_INPUT_WANTED:
  case WD_INPUT_GIVEN_UP:
  case WD_INPUT_FOUND:
  case WD_INPUT_LIMITS:
    break;
  }
  sim_loop_step(loop, input);
}

void
sim_loop_deliver(SimLoop *loop, guint index)
{
  SimPending pending = loop->pending[index];
  loop->pending[index] = loop->pending[--loop->pending_count];
  switch (pending.kind) {
  case SIM_PENDING_INPUT:
    deliver_input(loop, &pending);
    break;
  case SIM_PENDING_DEATH:
    sim_loop_child_died(loop, pending.pid);
    break;
  case SIM_PENDING_SWEEP:
    sim_loop_sweep(loop);
    break;
  case SIM_PENDING_RELOAD:
    sim_operator_reload(loop);
    break;
  case SIM_PENDING_CLOCK:
    sim_operator_look_at_clock(loop);
    break;
  }
}
