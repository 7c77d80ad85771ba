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
wd_actions_add(GArray *actions, WdAction action)
{
  g_array_append_val(actions, action);
}
