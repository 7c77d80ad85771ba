#include "watchdog/core/event/event.h"
#include "watchdog/core/event/process-status.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace
{

TEST(Event, NewHasEveryOptionalValueAbsent)
{
  g_autoptr(WdEvent) event =
      wd_event_new(WD_EVENT_PROCESS_EXITED, WD_ROLE_EXTENSION, "a.ext", nullptr);
  EXPECT_EQ(event->kind, WD_EVENT_PROCESS_EXITED);
  EXPECT_EQ(event->role, WD_ROLE_EXTENSION);
  EXPECT_STREQ(event->name, "a.ext");
  EXPECT_EQ(event->path, nullptr);
  for (gint64 value : {event->pid, event->measured, event->limit_value, event->utilization_limit,
                       event->sustained_s, event->exit_code, event->exit_signal, event->duration_ms,
                       event->lifetime_ms, event->delay_s, event->restarts})
    EXPECT_EQ(value, WD_NONE);
  EXPECT_TRUE(std::isnan(event->utilization));
  EXPECT_EQ(event->reason, WD_REASON_NONE);
  EXPECT_EQ(event->unit, WD_UNIT_NONE);
  EXPECT_EQ(event->outcome, WD_OUTCOME_NONE);
  EXPECT_EQ(event->signals_sent, WD_SIGNALS_NONE);
  EXPECT_EQ(event->cause_seq, 0u);
  EXPECT_EQ(event->message, nullptr);
}

TEST(Event, FreeTakesNull)
{
  wd_event_free(nullptr);
  wd_process_status_free(nullptr);
}

TEST(Event, EveryKindHasItsOwnWord)
{
  std::set<std::string> words;
  for (int kind = WD_EVENT_WATCHDOG_STARTED; kind <= WD_EVENT_HISTORY_RECOVERED; kind++)
    words.insert(wd_event_kind_name(static_cast<WdEventKind>(kind)));
  EXPECT_EQ(words.size(), WD_EVENT_HISTORY_RECOVERED + 1u);
  EXPECT_STREQ(wd_event_kind_name(WD_EVENT_PROCESS_TERMINATED), "process_terminated");
}

TEST(Event, WordsOfTheOtherEnums)
{
  EXPECT_STREQ(wd_role_name(WD_ROLE_WATCHDOG), "watchdog");
  EXPECT_STREQ(wd_role_name(WD_ROLE_EXTENSION), "extension");
  EXPECT_EQ(wd_reason_name(WD_REASON_NONE), nullptr);
  EXPECT_STREQ(wd_reason_name(WD_REASON_MEMORY), "memory");
  EXPECT_STREQ(wd_reason_name(WD_REASON_WORKER_GONE), "worker_gone");
  EXPECT_STREQ(wd_reason_name(WD_REASON_REBOOT), "reboot");
  EXPECT_EQ(wd_unit_name(WD_UNIT_NONE), nullptr);
  EXPECT_STREQ(wd_unit_name(WD_UNIT_BYTES), "bytes");
  EXPECT_STREQ(wd_unit_name(WD_UNIT_MS), "ms");
  EXPECT_EQ(wd_outcome_name(WD_OUTCOME_NONE), nullptr);
  EXPECT_STREQ(wd_outcome_name(WD_OUTCOME_INTERRUPTED), "interrupted");
  EXPECT_STREQ(wd_state_name(WD_STATE_WAITING), "waiting");
  EXPECT_STREQ(wd_state_name(WD_STATE_ABANDONED), "abandoned");
}

TEST(Event, SignalsInSendingOrder)
{
  const struct {
    unsigned signals;
    const char *text;
  } cases[] = {
      {WD_SIGNALS_NONE, nullptr},
      {WD_SIGNALS_TERM, "TERM"},
      {WD_SIGNALS_USR1 | WD_SIGNALS_TERM, "USR1,TERM"},
      {WD_SIGNALS_TERM | WD_SIGNALS_KILL, "TERM,KILL"},
      {WD_SIGNALS_USR1 | WD_SIGNALS_TERM | WD_SIGNALS_KILL, "USR1,TERM,KILL"},
  };
  for (const auto &c : cases) {
    EXPECT_STREQ(wd_signals_text(static_cast<WdSignals>(c.signals)), c.text);
  }
}

TEST(ProcessStatus, NewHasEveryOptionalValueAbsent)
{
  g_autoptr(WdProcessStatus) status =
      wd_process_status_new(WD_ROLE_WORKER, "worker", "/opt/osqueryd");
  EXPECT_STREQ(status->name, "worker");
  EXPECT_STREQ(status->path, "/opt/osqueryd");
  EXPECT_EQ(status->state, WD_STATE_WAITING);
  for (gint64 value :
       {status->pid, status->start_time_s, status->restarts, status->next_start_time_s,
        status->user_ms, status->resident_bytes, status->last_exit_signal, status->registered,
        status->uuid, status->responsive, status->start_ticks, status->last_check_us})
    EXPECT_EQ(value, WD_NONE);
  EXPECT_TRUE(std::isnan(status->utilization));
  EXPECT_EQ(status->last_seq, 0u);
}

} // namespace
