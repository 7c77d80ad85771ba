#include "tests/simulation/run.h"

#include "tests/simulation/loop.h"

/* Somewhere in 2023. */
#define WALL_OFFSET_US (G_GINT64_CONSTANT(1700000000) * SIM_S)

/* --- time --- */

static gint64
next_tick_us(const SimLoop *loop)
{
  return MAX(wd_machine_deadline(loop->supervisor), loop->no_tick_before_us);
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
  guint due[SIM_PENDING_MAX];
  guint count = 0;
  for (guint i = 0; i < loop->pending_count; i++)
    if (loop->pending[i].at_us <= loop->now_us)
      due[count++] = i;
  return due[sim_random_between(loop->random, 0, count - 1)];
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
      MIN(MIN(next_tick_us(loop), next_pending_us(loop)), sim_kernel_next_us(&loop->kernel));
  g_assert(wanted_us != G_MAXINT64);
  loop->now_us = MAX(loop->now_us, MAX(wanted_us, loop->stalled_until_us));
  sim_loop_let_happen(loop);
  const gboolean tick_due = next_tick_us(loop) <= loop->now_us;
  const gboolean input_due = next_pending_us(loop) <= loop->now_us;
  const gboolean needless = sim_random_next(loop->random) % 500 == 0;
  if (needless || (tick_due && (!input_due || sim_random_chance(loop->random, 50))))
    sim_loop_tick(loop);
  else if (input_due)
    sim_loop_deliver(loop, choose_due(loop));
  disturb(loop);
}

/* --- a run --- */

static void
begin(SimLoop *loop, SimTrace *trace, SimRandom *random)
{
  const WdLimits limits = sim_operator_choose_limits(random);
  const guint count =
      (guint)sim_random_between(random, WD_PROCESS_FIRST_EXTENSION, SIM_PROCESSES_MAX);
  const gboolean spawns_badly = sim_random_chance(random, 10);
  *loop = (SimLoop){
      .trace = trace,
      .random = random,
      .actions = wd_actions_new(),
      .wall_random = {.state = trace->seed ^ trace->runs},
      .wall_offset_us = WALL_OFFSET_US,
      .spawn_failure_percent = spawns_badly ? 70 : 2,
      .now_us = sim_random_between(random, 0, 1000 * SIM_S),
  };
  for (guint i = 0; i < SIM_PROCESSES_MAX; i++) {
    loop->pids[i] = WD_NONE;
    loop->files[i] = 1;
  }
  const WdFound watchdog = {
      .role = WD_ROLE_WATCHDOG,
      .name = "watchdog",
      .path = "/bin/osquery-watchdogd",
      .pid = SIM_WATCHDOG_PID,
      .start_ticks = 1,
      .started_us = loop->now_us,
  };
  loop->supervisor = wd_supervise_new(&limits, &watchdog, "/bin/osqueryd");
  const guint indispensable = sim_random_chance(random, 70) ? WD_PROCESS_FIRST_EXTENSION : 0;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < count; i++) {
    g_autofree char *name = g_strdup_printf("%u.ext", i);
    const guint index =
        wd_supervise_add_extension(loop->supervisor, name, name, i == indispensable);
    g_assert(index == i);
  }
  loop->report = g_new0(WdReport, 1);
  loop->tables = count > WD_PROCESS_FIRST_EXTENSION ? indispensable : 0;
  sim_kernel_init(&loop->kernel, random, trace, count, limits.cpus, loop->now_us);
  sim_oracle_init(&loop->oracle, trace, &loop->kernel, &limits, indispensable, loop->now_us);
}

/* The history opens now or later, or never, and remembers some. */
static void
open_history(SimLoop *loop)
{
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)wd_given_up_free);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < loop->kernel.count; i++) {
    const gint64 file = loop->files[i] + sim_random_chance(loop->random, 20);
    const gint64 left_s = sim_random_between(loop->random, 0, 24 * 3600);
    if (sim_random_chance(loop->random, 50))
      continue;
    g_autofree char *name = g_strdup_printf("%u.ext", i);
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, file);
    g_autofree char *details = wd_given_up_details(text, WD_GIVEN_UP_WITH_ALL);
    g_ptr_array_add(list, wd_given_up_new(name, details, left_s));
    sim_oracle_remembers(&loop->oracle, i, file, left_s);
  }
  sim_loop_step(loop, &(WdInput){.kind = WD_INPUT_GIVEN_UP, .given_up = list});
}

/* However the processes behave, stopping takes no longer than this. */
static void
check_stops_in_time(const SimLoop *loop)
{
  const SimOracle *oracle = &loop->oracle;
  const gint64 longest_us =
      SIM_SLOWEST_SPAWN_US + WD_STORE_WAIT_US + WD_REAP_WAIT_US + oracle->longest_grace_us;
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
  sim_loop_tick(&loop);
  sim_operator_plan(&loop);
  if (sim_random_chance(random, 90))
    open_history(&loop);
  if (loop.tables != 0)
    sim_loop_plan_observation(&loop);
  while (!loop.oracle.exited) {
    advance(&loop);
    if (loop.oracle.stopping)
      check_stops_in_time(&loop);
  }
  sim_loop_end_strays(&loop);
  /* Whatever still comes is of no more effect. */
  wd_machine_step(loop.supervisor, &(WdInput){.kind = WD_INPUT_STOP}, loop.now_us, loop.actions);
  SIM_CHECK(trace, loop.actions->len == 0, "an action after the exit");
  g_free(loop.report);
  g_array_unref(loop.actions);
  wd_machine_free(loop.supervisor);
}
