#include "tests/simulation/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
sim_tally_name(SimTally tally)
{
  static const char *const names[] = {
#define SIM_TALLY_WORDS(name, words) words,
      SIM_TALLIES(SIM_TALLY_WORDS)
#undef SIM_TALLY_WORDS
  };
  return names[tally];
}

void
sim_trace_init(SimTrace *trace, guint64 seed, gboolean steady_wall)
{
  *trace = (SimTrace){
      .seed = seed, .steady_wall = steady_wall, .hash = G_GUINT64_CONSTANT(0xcbf29ce484222325)};
}

void
sim_trace_line(SimTrace *trace, const char *format, ...)
{
  char *line = trace->lines[trace->next_line++ % SIM_TRACE_LINES];
  va_list arguments;
  va_start(arguments, format);
  g_vsnprintf(line, sizeof trace->lines[0], format, arguments);
  va_end(arguments);
}

void
sim_trace_input(SimTrace *trace, const WdInput *input, gint64 now_us)
{
  const double now_s = (double)now_us / G_USEC_PER_SEC;
  switch (input->kind) {
  case WD_INPUT_TICK:
    sim_trace_line(trace, "%.6f tick", now_s);
    break;
  case WD_INPUT_SPAWNED:
    sim_trace_line(trace, "%.6f spawned %u (%" G_GINT64_FORMAT ")", now_s, input->process,
                   input->spawned.pid);
    break;
  case WD_INPUT_SPAWN_FAILED:
    sim_trace_line(trace, "%.6f spawn failed %u", now_s, input->process);
    break;
  case WD_INPUT_EXITED:
    sim_trace_line(trace, "%.6f exited %u (code %" G_GINT64_FORMAT ", signal %" G_GINT64_FORMAT ")",
                   now_s, input->process, MAX(input->exited.code, -1),
                   MAX(input->exited.signal, -1));
    break;
  case WD_INPUT_STORED:
    sim_trace_line(trace, "%.6f stored %" G_GUINT64_FORMAT, now_s, input->seq);
    break;
  case WD_INPUT_FAULTED:
    sim_trace_line(trace, "%.6f faulted %u", now_s, input->process);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    sim_trace_line(trace, "%.6f manager accepts", now_s);
    break;
  case WD_INPUT_REPORT:
    if (input->report->kind == WD_REPORT_DENYLISTED)
      sim_trace_line(trace, "%.6f denylisted %s", now_s, input->report->denylisted.name);
    else
      sim_trace_line(trace, "%.6f report of %" G_GINT64_FORMAT ": %u extensions", now_s,
                     input->report->worker_pid, input->report->registrations.n_extensions);
    break;
  case WD_INPUT_SETTINGS:
    sim_trace_line(trace, "%.6f settings", now_s);
    break;
  case WD_INPUT_WANTED:
    sim_trace_line(trace, "%.6f %u is %s", now_s, input->process,
                   input->wanted ? "wanted again" : "not wanted any more");
    break;
  case WD_INPUT_EVENTS_LOST:
    sim_trace_line(trace, "%.6f events lost: %" G_GUINT64_FORMAT, now_s, input->lost);
    break;
  case WD_INPUT_HISTORY_RECOVERED:
    sim_trace_line(trace, "%.6f history recovered", now_s);
    break;
  case WD_INPUT_STOP:
    sim_trace_line(trace, "%.6f stop", now_s);
    break;
  case WD_INPUT_GIVEN_UP:
    sim_trace_line(trace, "%.6f the history is known", now_s);
    break;
  case WD_INPUT_FOUND:
  case WD_INPUT_LIMITS:
    break; /* an observer's */
  }
}

/* FNV-1a */
static void
enter(SimTrace *trace, const void *data, gsize length)
{
  const unsigned char *bytes = data;
  for (gsize i = 0; i < length; i++)
    trace->hash = (trace->hash ^ bytes[i]) * G_GUINT64_CONSTANT(0x100000001b3);
}

static void
enter_event(SimTrace *trace, const WdEvent *event)
{
  const gint64 values[] = {
      (gint64)event->seq, (gint64)event->cause_seq, event->kind,        event->pid,
      event->reason,      event->measured,          event->limit_value, event->outcome,
      event->exit_code,   event->exit_signal,       event->duration_ms, event->lifetime_ms,
      event->delay_s,     event->restarts,          event->sustained_s, event->signals_sent,
  };
  enter(trace, values, sizeof values);
  enter(trace, event->message, strlen(event->message));
}

void
sim_trace_action(SimTrace *trace, const WdAction *action)
{
  const gint64 values[] = {action->kind, action->process, action->signo, action->exit_code,
                           action->details};
  enter(trace, values, sizeof values);
  switch (action->kind) {
  case WD_ACTION_SPAWN:
    sim_trace_line(trace, "    spawn %u", action->process);
    break;
  case WD_ACTION_SIGNAL:
    sim_trace_line(trace, "    signal %d to %u", action->signo, action->process);
    break;
  case WD_ACTION_REMEMBER_THREADS:
    break;
  case WD_ACTION_RECORD:
    enter_event(trace, action->event);
    sim_trace_line(trace, "    %" G_GUINT64_FORMAT " (cause %" G_GUINT64_FORMAT ") %s of %u: %s",
                   action->event->seq, action->event->cause_seq,
                   wd_event_kind_name(action->event->kind), action->process,
                   action->event->message);
    break;
  case WD_ACTION_LOG:
    enter(trace, action->text, strlen(action->text));
    break;
  case WD_ACTION_COUNT_FAULTS:
    sim_trace_line(trace, "    count faults of %u", action->process);
    break;
  case WD_ACTION_PROBE_MANAGER:
    sim_trace_line(trace, "    probe");
    break;
  case WD_ACTION_PUBLISH:
    break;
  case WD_ACTION_EXIT:
    sim_trace_line(trace, "    exit %d", action->exit_code);
    break;
  }
}

void
sim_trace_fail(const SimTrace *trace, const char *format, ...)
{
  fflush(stdout);
  for (guint i = 0; i < SIM_TRACE_LINES; i++) {
    const char *line = trace->lines[(trace->next_line + i) % SIM_TRACE_LINES];
    if (line[0] != '\0')
      fprintf(stderr, "  %s\n", line);
  }
  fprintf(stderr, "seed %" G_GUINT64_FORMAT ", step %" G_GUINT64_FORMAT ": ", trace->seed,
          trace->steps);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}
