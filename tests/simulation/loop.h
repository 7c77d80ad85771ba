/* The main loop of the simulation: it delivers inputs to the supervisor, and carries its actions
 * out in the simulated kernel.
 *   loop.c           actions and inputs
 *   loop-children.c  children: forks, deaths, and what is left behind
 *   operator.c       who changes settings, the clock, and asks to stop
 *   run.c            time */
#pragma once

#include "tests/simulation/kernel.h"
#include "tests/simulation/oracle.h"
#include "watchdog/core/event/clock-watch.h"

#define SIM_PENDING_MAX 128
#define SIM_SLOWEST_SPAWN_US (1 * SIM_S)

typedef enum {
  SIM_PENDING_INPUT,
  SIM_PENDING_DEATH,  /* of the child of the watchdog that had `pid` */
  SIM_PENDING_SWEEP,  /* a look for strays */
  SIM_PENDING_RELOAD, /* SIGHUP */
  SIM_PENDING_CLOCK,  /* somebody sets the wall clock, or nobody does */
} SimPendingKind;

/* Something on its way. */
typedef struct {
  SimPendingKind kind;
  gint64 at_us;
  WdInput input;
  gint64 start_ticks; /* MANAGER_ACCEPTS, FAULTED: whose */
  gint64 pid;
} SimPending;

typedef struct {
  SimTrace *trace;
  SimRandom *random;
  SimKernel kernel;
  WdReport *report; /* the one that is delivered */
  guint tables;     /* the extension that reports; 0: none */
  SimOracle oracle;
  WdMachine *supervisor;
  GArray *actions;
  gint64 pids[SIM_PROCESSES_MAX]; /* of what was started and isn't reaped; else WD_NONE */
  gboolean sweep_planned;
  guint spawn_failure_percent;
  gint64 files[SIM_PROCESSES_MAX]; /* which program file is there */
  gint64 now_us;

  /* the wall clock; chance of its own, so that the rest is the same without its steps */
  SimRandom wall_random;
  gint64 wall_offset_us;
  gint64 wall_set_us; /* when it was set last, or the first look */
  WdClockWatch clock_watch;

  gint64 no_tick_before_us;
  gint64 stalled_until_us;
  gint64 second_began_us;
  guint ticks_in_second;
  gint64 disturbed_us; /* how much later than wanted all of it was, since the stop began */
  SimPending pending[SIM_PENDING_MAX];
  guint pending_count;
} SimLoop;

SimPending *sim_loop_plan(SimLoop *loop, SimPendingKind kind, gint64 at_us);
SimPending *sim_loop_plan_input(SimLoop *loop, WdInputKind kind, guint process, gint64 at_us);
void sim_loop_plan_observation(SimLoop *loop);

/* One step of the supervisor, with all that the oracle has to say. */
void sim_loop_step(SimLoop *loop, const WdInput *input);
void sim_loop_tick(SimLoop *loop);

/* Delivers what is pending at @index. */
void sim_loop_deliver(SimLoop *loop, guint index);

/* --- children --- */

void sim_loop_spawn(SimLoop *loop, guint process);
void sim_loop_exec_done(SimLoop *loop, WdInput *input);
void sim_loop_exec_failed(SimLoop *loop, guint process);
void sim_loop_signal(SimLoop *loop, guint process, int signo);
void sim_loop_child_died(SimLoop *loop, gint64 pid);

/* Whatever dies or forks by now. */
void sim_loop_let_happen(SimLoop *loop);

void sim_loop_sweep(SimLoop *loop);

/* Everything supervised has gone, or is stuck: ends what was left behind. */
void sim_loop_end_strays(SimLoop *loop);

/* --- the operator --- */

WdLimits sim_operator_choose_limits(SimRandom *random);
void sim_operator_plan(SimLoop *loop);
void sim_operator_reload(SimLoop *loop);
void sim_operator_look_at_clock(SimLoop *loop);
