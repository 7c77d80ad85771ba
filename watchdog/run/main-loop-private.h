/* What the parts of the main loop share; nothing else includes this.
 *   main-loop.c           feeding the supervisor: time, signals, the writer
 *   main-loop-actions.c   carrying out what it decides
 *   main-loop-children.c  children: whether they have begun, what they tell, how they ended, what
 *                         they left behind
 */
#pragma once

#include "watchdog/run/main-loop.h"
#include "watchdog/look/oom-kills.h"

G_BEGIN_DECLS

typedef struct {
  WdMainLoopParts parts;
  GMainLoop *loop;
  GSource *timer;
  int signal_fd;
  WdHandle *self;
  WdOomKills oom_kills;
  /* of what came up while a step's actions were carried out, and waits its turn */
  GQueue inputs;
  gboolean feeding;
  GArray *strays;      /* gint64: pids of what was left behind, signalled and not yet reaped */
  guint strays_source; /* the turn that looks for them; 0: none is due */
  gboolean more_dead;  /* than were reaped in this turn */
  gboolean ready;      /* the service manager knows */
  int exit_code;
} WdLoop;

static inline guint
wd_loop_process_count(const WdLoop *loop)
{
  return wd_supervisor_count(loop->parts.supervisor);
}

static inline WdChild *
wd_loop_child(const WdLoop *loop, guint process)
{
  return g_ptr_array_index(loop->parts.children, process - WD_PROCESS_WORKER);
}

/* Feeds the supervisor with @input, at once or after the step that is being carried out. What
 * @input borrows must last so long; for an error there is wd_loop_feed_spawn_failed(). */
void wd_loop_feed(WdLoop *loop, const WdInput *input);
void wd_loop_feed_spawn_failed(WdLoop *loop, guint process, const char *error);

void wd_loop_carry_out(WdLoop *loop, WdAction *action);

/* The process with this pid among those that we started and haven't reaped; 0: none. */
guint wd_loop_process_of(const WdLoop *loop, gint64 pid);

/* Carries out @kills (of WdKill). Returns: how many reached someone. */
guint wd_loop_kill(const GArray *kills);

/* Tells the supervisor when the exec of @process has succeeded. */
void wd_loop_await_exec(WdLoop *loop, guint process);

/* Feeds the supervisor with what the tables extension has told. */
void wd_loop_hear(WdLoop *loop);

/* From now on orphans among our descendants become our children. As PID 1 of a container all others
 * do anyway. */
gboolean wd_loop_inherit_strays(GError **error);

/* Some children of ours may have died: reaps them, and ends what they left behind, in this turn of
 * the loop and those that follow. */
void wd_loop_reap(WdLoop *loop);

/* Nothing is supervised any more: ends what is left behind, where orphans are ours. Blocks until it
 * is gone, at most WD_REAP_WAIT_US. */
void wd_loop_end_strays(WdLoop *loop);

G_END_DECLS
