#include "watchdog/core/event/process-status.h"

#include <math.h>

const char *
wd_state_name(WdState state)
{
  switch (state) {
  case WD_STATE_WAITING:
    return "waiting";
  case WD_STATE_RUNNING:
    return "running";
  case WD_STATE_TERMINATING:
    return "terminating";
  case WD_STATE_KILLING:
    return "killing";
  case WD_STATE_STUCK:
    return "stuck";
  case WD_STATE_STOPPED:
    return "stopped";
  case WD_STATE_ABANDONED:
    return "abandoned";
  }
  g_assert_not_reached();
}

WdProcessStatus *
wd_process_status_new(WdRole role, const char *name, const char *path)
{
  WdProcessStatus *status = g_new0(WdProcessStatus, 1);
  status->role = role;
  status->name = g_strdup(name);
  status->path = g_strdup(path);
  status->pid = WD_NONE;
  status->state = WD_STATE_WAITING;
  status->start_time_s = WD_NONE;
  status->restarts = WD_NONE;
  status->terminations = WD_NONE;
  status->quick_exits = WD_NONE;
  status->restart_limit = WD_NONE;
  status->next_start_time_s = WD_NONE;
  status->user_ms = WD_NONE;
  status->system_ms = WD_NONE;
  status->utilization = NAN;
  status->utilization_limit = WD_NONE;
  status->sustained_latency_s = WD_NONE;
  status->latency_limit_s = WD_NONE;
  status->resident_bytes = WD_NONE;
  status->footprint_bytes = WD_NONE;
  status->baseline_bytes = WD_NONE;
  status->peak_footprint_bytes = WD_NONE;
  status->memory_limit_bytes = WD_NONE;
  status->last_check_time_s = WD_NONE;
  status->last_exit_code = WD_NONE;
  status->last_exit_signal = WD_NONE;
  status->registered = WD_NONE;
  status->uuid = WD_NONE;
  status->responsive = WD_NONE;
  status->start_ticks = WD_NONE;
  status->last_check_us = WD_NONE;
  status->regular_check_us = WD_NONE;
  return status;
}

void
wd_process_status_free(WdProcessStatus *status)
{
  if (status == NULL)
    return;
  g_free(status->name);
  g_free(status->path);
  g_free(status->version);
  g_free(status);
}
