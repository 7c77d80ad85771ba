#include "tests/simulation/loop.h"

#include "watchdog/core/settings/settings-changes.h"

/* A look a while, as the writer's. */
#define CLOCK_LOOKS_US (2 * G_TIME_SPAN_MINUTE)

WdLimits
sim_operator_choose_limits(SimRandom *random)
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
      .grace_limit_percent = SIM_RANDOM_PICK(random, 200, 200, 100, 150, 0),
      .stop_grace_s = SIM_RANDOM_PICK(random, 11, 6, 1),
      .extensions_interval_s = 3,
      .extensions_timeout_s = 3,
      .extension_registration_timeout_s = SIM_RANDOM_PICK(random, 0, 0, 1, 10, 60),
      .unresponsive_timeout_s = SIM_RANDOM_PICK(random, 0, 0, 1, 10, 60),
      .extension_give_up =
          (WdGiveUp)SIM_RANDOM_PICK(random, WD_GIVE_UP_SHUTDOWN, WD_GIVE_UP_ABANDON),
      .cpus = (guint)sim_random_between(random, 1, 8),
  };
}

/* --- settings --- */

static void
plan_reload(SimLoop *loop)
{
  const gint64 longest_s = SIM_RANDOM_PICK(loop->random, 1, 60, 600);
  sim_loop_plan(loop, SIM_PENDING_RELOAD,
                loop->now_us + sim_random_between(loop->random, 0, longest_s * SIM_S));
}

/* What can be changed, changes. */
static void
change_limits(SimLoop *loop)
{
  const WdLimits *before = wd_machine_limits(loop->supervisor);
  WdLimits now = *before;
  if (sim_random_chance(loop->random, 70)) {
    now = sim_operator_choose_limits(loop->random);
    now.cpus = before->cpus;
  }
  const WdLimits limits = wd_settings_reloaded_limits(before, &now);
  sim_trace_count(loop->trace,
                  loop->oracle.stopping ? SIM_TALLY_RELOADS_STOPPING : SIM_TALLY_RELOADS);
  sim_loop_step(
      loop,
      &(WdInput){.kind = WD_INPUT_SETTINGS,
                 .settings = {.limits = &limits, .details = "{}", .message = "settings changed"}});
}

static void
count_change(SimLoop *loop, const SimView *view, gboolean wanted)
{
  SimTrace *trace = loop->trace;
  sim_trace_count(trace, wanted ? SIM_TALLY_WANTED_AGAIN : SIM_TALLY_REMOVED);
  if (wanted && view->pid != WD_NONE)
    sim_trace_count(trace, SIM_TALLY_WANTED_AGAIN_RUNNING);
  if (!wanted && view->spawning)
    sim_trace_count(trace, SIM_TALLY_REMOVED_SPAWNING);
  if (!wanted && sim_view_running(view))
    sim_trace_count(trace, SIM_TALLY_REMOVED_RUNNING);
}

static void
change_list(SimLoop *loop)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < loop->kernel.count; i++) {
    const gboolean wanted = wd_supervise_wants(loop->supervisor, i);
    if (!sim_random_chance(loop->random, wanted ? 20 : 50))
      continue;
    count_change(loop, &loop->oracle.views[i], !wanted);
    sim_loop_step(loop, &(WdInput){.kind = WD_INPUT_WANTED, .process = i, .wanted = !wanted});
  }
}

/* A new one is there before the change is told, as in wd_supervision_run(). */
static void
add_extension(SimLoop *loop)
{
  if (loop->kernel.count == SIM_PROCESSES_MAX || !sim_random_chance(loop->random, 30))
    return;
  g_autofree char *name = g_strdup_printf("%u.ext", loop->kernel.count);
  const guint index = wd_supervise_add_extension(loop->supervisor, name, name, FALSE);
  g_assert(index == loop->kernel.count);
  sim_kernel_add(&loop->kernel);
  sim_oracle_add(&loop->oracle);
  sim_trace_count(loop->trace, SIM_TALLY_ADDED);
}

void
sim_operator_reload(SimLoop *loop)
{
  add_extension(loop);
  change_limits(loop);
  change_list(loop);
  if (sim_random_chance(loop->random, 80))
    plan_reload(loop);
}

/* --- the wall clock --- */

/* Corrected a little, by an hour, or from another century; also what a suspended machine sees, for
 * the monotonic clock stands still as long. */
static void
set_clock(SimLoop *loop)
{
  SimRandom *random = &loop->wall_random;
  const gint64 most_s = SIM_RANDOM_PICK(random, 20, 3600, 400000000);
  const gint64 step_us = sim_random_between(random, 11 * SIM_S, most_s * SIM_S);
  loop->wall_offset_us += sim_random_chance(random, 50) ? step_us : -step_us;
  loop->wall_set_us = loop->now_us;
  sim_trace_count(loop->trace, SIM_TALLY_CLOCK_STEPS);
}

void
sim_operator_look_at_clock(SimLoop *loop)
{
  const gboolean first = loop->clock_watch.since_us == 0;
  if (first)
    loop->wall_set_us = loop->now_us;
  else if (!loop->trace->steady_wall && sim_random_chance(&loop->wall_random, 3))
    set_clock(loop);
  const gboolean settled =
      wd_clock_watch_settled(&loop->clock_watch, loop->now_us + loop->wall_offset_us, loop->now_us);
  SIM_CHECK(loop->trace, settled == (loop->now_us - loop->wall_set_us >= 1 * G_TIME_SPAN_HOUR),
            "a wall clock that was set lately is believed, or one that wasn't isn't");
  if (settled)
    sim_trace_count(loop->trace, SIM_TALLY_CLOCK_SETTLED);
  sim_loop_plan(loop, SIM_PENDING_CLOCK, loop->now_us + CLOCK_LOOKS_US);
}

/* --- stopping --- */

static void
plan_stop(SimLoop *loop)
{
  const gint64 longest_s = SIM_RANDOM_PICK(loop->random, 0, 1, 60, 60, 600, 600, 4000);
  const gint64 at_us = loop->now_us + sim_random_between(loop->random, 0, longest_s * SIM_S);
  sim_loop_plan_input(loop, WD_INPUT_STOP, 0, at_us);
  if (sim_random_chance(loop->random, 30))
    sim_loop_plan_input(loop, WD_INPUT_STOP, 0,
                        at_us + sim_random_between(loop->random, 0, 8 * SIM_S));
}

void
sim_operator_plan(SimLoop *loop)
{
  plan_stop(loop);
  sim_loop_plan(loop, SIM_PENDING_CLOCK, loop->now_us);
  if (sim_random_chance(loop->random, 50))
    plan_reload(loop);
}
