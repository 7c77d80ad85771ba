#include "watchdog/core/machine/action.h"

static void
action_clear(gpointer data)
{
  WdAction *action = data;
  wd_event_free(action->event);
  g_free(action->text);
}

GArray *
wd_actions_new(void)
{
  GArray *actions = g_array_new(FALSE, FALSE, sizeof(WdAction));
  g_array_set_clear_func(actions, action_clear);
  return actions;
}

void
wd_actions_spawn(GArray *actions, guint process)
{
  const WdAction action = {.kind = WD_ACTION_SPAWN, .process = process};
  g_array_append_val(actions, action);
}

void
wd_actions_signal(GArray *actions, guint process, int signo)
{
  const WdAction action = {.kind = WD_ACTION_SIGNAL, .process = process, .signo = signo};
  g_array_append_val(actions, action);
}

void
wd_actions_remember_threads(GArray *actions, guint process)
{
  const WdAction action = {.kind = WD_ACTION_REMEMBER_THREADS, .process = process};
  g_array_append_val(actions, action);
}

void
wd_actions_record(GArray *actions, guint process, WdEvent *event, gboolean acknowledge,
                  gboolean details)
{
  const WdAction action = {.kind = WD_ACTION_RECORD,
                           .process = process,
                           .event = event,
                           .acknowledge = acknowledge,
                           .details = details};
  g_array_append_val(actions, action);
}

void
wd_actions_log(GArray *actions, guint process, char *text)
{
  const WdAction action = {.kind = WD_ACTION_LOG, .process = process, .text = text};
  g_array_append_val(actions, action);
}

void
wd_actions_probe_manager(GArray *actions)
{
  const WdAction action = {.kind = WD_ACTION_PROBE_MANAGER, .process = 1};
  g_array_append_val(actions, action);
}

void
wd_actions_publish(GArray *actions)
{
  const WdAction action = {.kind = WD_ACTION_PUBLISH};
  g_array_append_val(actions, action);
}

void
wd_actions_exit(GArray *actions, int exit_code)
{
  const WdAction action = {.kind = WD_ACTION_EXIT, .exit_code = exit_code};
  g_array_append_val(actions, action);
}
