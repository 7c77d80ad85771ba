/* Says of each step of the supervisor whether it was right.
 *
 * The oracle is told each input before the step, each action, and the end of the step. It keeps its
 * own view of every process, knows from the description what must follow, and fails the run
 * (trace.h) at the first action that may not be or that is missing. */
#pragma once

#include "tests/simulation/model.h"
#include "tests/simulation/pings.h"
#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

#include "tests/simulation/kernel.h"

/* What the oracle knows of one process. */
typedef struct {
  gboolean indispensable;
  gboolean unwanted; /* taken off the list */

  /* not running: waits until due_us, unless it is stopped */
  gboolean spawning;
  gboolean stopped;
  gboolean abandoned;
  gint64 due_us;

  /* running when pid isn't WD_NONE */
  gint64 pid;
  gint64 started_us;
  gint64 starts;
  SimMeasure measure;
  gboolean episode;     /* a breach that was only recorded lasts */
  gboolean was_watched; /* at the last look at it */
  gint64 clean_us;      /* since then nothing disturbed the looks at its memory */

  /* being ended */
  gint64 breach_us; /* WD_NONE: not for a limit */
  WdReason reason;
  WdVerdict breach;
  guint64 breach_seq;
  gint64 look_us;         /* the last look at it */
  gint64 footprint_bytes; /* then, or when it could last be read */
  gint64 peak_bytes;
  gint64 outgrown_bytes; /* what its grace was cut short for; 0: it wasn't */
  gboolean stored;
  guint signals; /* WdSignals */
  gint64 first_signal_us;
  gint64 grace_us; /* from SIGTERM to SIGKILL, as it was when the end began */
  gint64 term_us;
  gint64 kill_us;
  gboolean stuck;

  /* what was reported of it: registered is WD_NONE if nothing was */
  gint64 registered;
  gint64 uuid;
  gint64 missing_us; /* WD_NONE: not missing */
  guint64 missing_seq;
  gboolean missing_episode; /* dry run */
  gboolean ends_unregistered;
  gboolean ends_unwanted;
  guint64 end_cause_seq;
  gboolean left; /* it is gone, and the worker still lists it, with left_uuid */
  gint64 left_uuid;
  gboolean held; /* the same of a process before */
  gint64 held_uuid;
  SimPings pings;

  /* its past */
  SimFailures failures;
  SimFailures failures_before_exit;
  gboolean threads_due; /* to be remembered in this step */
  gint64 own_exit_us;   /* WD_NONE: none that could be taken back */
  gboolean unproven;    /* no report has come since that exit */
  gboolean limit_reached;
  WdReason exit_reason;
  gboolean excused; /* once, last at excused_us */
  gint64 excused_us;
  WdReason excuse;
  gint64 file;            /* which file was there at the last start */
  gint64 remembered_file; /* which file the history remembers as given up; 0: none */
  gint64 remembered_until_us;
  gint64 gone_us;   /* WD_NONE: none has ended yet */
  guint64 gone_seq; /* the event of its last end */
  guint64 end_seq;  /* the same, or of its last failed start */
} SimView;

/* An event that must be recorded in this step, in this order for each process. */
typedef struct {
  WdEventKind kind;
  guint process;
  WdReason reason;
  gint64 delay_us;
  gint64 code;
  gint64 signal;
  WdVerdict verdict;
  guint64 cause_seq;
  gboolean ends_all;
  gboolean acknowledged; /* respawn_limit_reached */
  gboolean gives_up;     /* and ends all once it is stored */
} SimExpected;

#define SIM_EXPECTED_MAX 32

typedef struct {
  SimTrace *trace;
  const SimKernel *kernel;
  WdLimits limits;
  guint count;
  SimView views[SIM_PROCESSES_MAX];
  SimExpected expected[SIM_EXPECTED_MAX];
  guint expected_count;

  WdInputKind input;
  guint gone; /* EXITED: who */
  gint64 now_us;
  gboolean started;
  guint64 last_seq;
  gint64 next_check_us;
  gint64 enforced_from_us; /* G_MAXINT64: no worker yet */

  gboolean manager_accepts;
  gboolean storeless;   /* nothing can be stored at present */
  gint64 last_probe_us; /* or the worker's start */
  gint64 worker_gone_us;
  gint64 heard_us; /* the last report, or the worker's start */
  gint64 answers;  /* as last reported of this worker; WD_NONE: not yet */
  gboolean unattributed;
  gboolean history_known;
  guint64 give_up_seq;
  WdReason give_up_reason;
  guint give_up_process;
  gint64 give_up_due_us;  /* 0: nothing waits to be stored */
  guint unread_ends;      /* of workers since a schedule was read, and what was before */
  guint denylisted;       /* bit set: the queries that are recorded for this worker */
  guint failures_at_once; /* workers in a row that never opened it */
  gint64 disturbed_until_us;

  gint64 longest_grace_us; /* that was given to any */
  gboolean stopping;
  gint64 stop_began_us;
  WdReason stop_reason;
  int stop_code;
  guint64 stop_cause_seq;
  guint stop_requests;
  gboolean exited;
} SimOracle;

/* The process at @indispensable is never given up; 0: none. */
void sim_oracle_init(SimOracle *oracle, SimTrace *trace, const SimKernel *kernel,
                     const WdLimits *limits, guint indispensable, gint64 now_us);

/* Before the step. */
void sim_oracle_input(SimOracle *oracle, const WdMachine *supervisor, const WdInput *input,
                      gint64 now_us);

/* For each action of the step, in order. */
void sim_oracle_action(SimOracle *oracle, const WdAction *action);

/* After the step. */
void sim_oracle_settled(SimOracle *oracle, const WdMachine *supervisor, gint64 wall_offset_us);

/* There is one more extension. */
void sim_oracle_add(SimOracle *oracle);

/* Until @until_us something kept the loop from working as it should. */
void sim_oracle_disturbed(SimOracle *oracle, gint64 until_us);

/* --- between the parts of the oracle --- */

/* Running, and not being ended. */
gboolean sim_view_running(const SimView *view);

/* Being ended for memory, and not given up yet. */
gboolean sim_view_ends_for_memory(const SimView *view);

/* Being ended for memory, it has grown past the grace limit. */
gboolean sim_view_outgrown(const SimOracle *oracle, const SimView *view);

SimExpected *sim_oracle_expect(SimOracle *oracle, WdEventKind kind, guint process, WdReason reason);

/* Why it is being ended, and the event that led to it. */
WdReason sim_view_ending_reason(const SimView *view);
guint64 sim_view_ending_cause(const SimView *view);

/* The row must tell of its registration. */
gboolean sim_oracle_knows_registrations(const SimOracle *oracle);

void sim_oracle_unregistered(SimOracle *oracle, guint process, WdReason reason, guint64 cause_seq);

void sim_oracle_observed(SimOracle *oracle, const WdReport *report);

void sim_oracle_pinged(SimOracle *oracle, guint process, gboolean answered);

/* @process is over a limit that is enforced. */
void sim_oracle_breached(SimOracle *oracle, guint process, const WdVerdict *verdict);

void sim_oracle_begin_stop(SimOracle *oracle, WdReason reason, int code);

void sim_oracle_tick(SimOracle *oracle, const WdMachine *supervisor, const WdInput *input);

gboolean sim_oracle_may_start(const SimOracle *oracle, guint process);

/* Its end begins. */
void sim_view_grant(SimOracle *oracle, SimView *view, gint64 grace_s);

void sim_oracle_exited(SimOracle *oracle, const WdInput *input);
void sim_oracle_spawn_failed(SimOracle *oracle, const WdInput *input);

/* Why an exit of the extension now isn't its own doing; NONE: it is. */
WdReason sim_oracle_excuse(SimOracle *oracle, guint process);
gboolean sim_oracle_hears(const SimOracle *oracle);
void sim_oracle_forget_exit(SimView *view);
void sim_oracle_withdraw(SimView *view, gint64 due_us);
void sim_oracle_give_up(SimOracle *oracle, guint process, WdReason reason);
void sim_oracle_give_up_stored(SimOracle *oracle, guint64 seq);
/* What @process was about to end goes on. */
void sim_oracle_take_back(SimOracle *oracle, guint process);
void sim_oracle_give_up_late(SimOracle *oracle);
void sim_oracle_judge_exits(SimOracle *oracle);
/* The history remembers @process as given up with @file, for @left_s. */
void sim_oracle_remembers(SimOracle *oracle, guint process, gint64 file, gint64 left_s);

void sim_oracle_settings(SimOracle *oracle, const WdLimits *limits);
void sim_oracle_wanted(SimOracle *oracle, guint process, gboolean wanted);
void sim_oracle_unwanted(SimOracle *oracle, SimView *view);
