#include "watchdog/core/event/log-fields.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <syslog.h>

namespace
{

std::string
field(const WdEvent *event, const std::string &name)
{
  g_auto(GStrv) fields = wd_event_log_fields(event);
  for (gsize i = 0; fields[i] != nullptr; i++) {
    const std::string text = fields[i];
    if (text.compare(0, name.size() + 1, name + "=") == 0)
      return text.substr(name.size() + 1);
  }
  return "absent";
}

TEST(LogFields, EveryKindHasAnIdOfItsOwn)
{
  std::set<std::string> ids;
  for (int kind = WD_EVENT_WATCHDOG_STARTED; kind <= WD_EVENT_HISTORY_RECOVERED; kind++) {
    g_autoptr(WdEvent) event =
        wd_event_new(static_cast<WdEventKind>(kind), WD_ROLE_WORKER, "worker", nullptr);
    const std::string id = field(event, "MESSAGE_ID");
    EXPECT_EQ(id.size(), 32u) << kind;
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << kind;
    EXPECT_TRUE(ids.insert(id).second) << kind;
    EXPECT_GE(wd_event_priority(event->kind), LOG_ERR);
    EXPECT_LE(wd_event_priority(event->kind), LOG_INFO);
  }
}

TEST(LogFields, ValuesThatApply)
{
  g_autoptr(WdEvent) event =
      wd_event_new(WD_EVENT_PROCESS_TERMINATED, WD_ROLE_WORKER, "worker", "/opt/osqueryd");
  event->message = g_strdup("a line");
  event->pid = 42;
  event->reason = WD_REASON_MEMORY;
  event->measured = 300;
  event->limit_value = 200;
  event->peak_bytes = 400;
  event->unit = WD_UNIT_BYTES;
  event->outcome = WD_OUTCOME_KILLED;
  event->exit_signal = 9;
  event->core_dumped = 0;
  event->origin = WD_ORIGIN_DISTRIBUTED;
  event->query_name = g_strdup("a policy");
  event->last_output = g_strdup("one\ntwo\n");
  event->signals_sent = static_cast<WdSignals>(WD_SIGNALS_USR1 | WD_SIGNALS_KILL);
  event->duration_ms = 4001;
  const char *expected[][2] = {
      {"MESSAGE", "a line"},
      {"PRIORITY", "5"},
      {"SYSLOG_IDENTIFIER", "osquery-watchdogd"},
      {"OSQUERY_WATCHDOG_EVENT", "process_terminated"},
      {"OSQUERY_WATCHDOG_ROLE", "worker"},
      {"OSQUERY_WATCHDOG_NAME", "worker"},
      {"OSQUERY_WATCHDOG_PATH", "/opt/osqueryd"},
      {"OSQUERY_WATCHDOG_PID", "42"},
      {"OSQUERY_WATCHDOG_REASON", "memory"},
      {"OSQUERY_WATCHDOG_MEASURED", "300"},
      {"OSQUERY_WATCHDOG_LIMIT", "200"},
      {"OSQUERY_WATCHDOG_PEAK", "400"},
      {"OSQUERY_WATCHDOG_UNIT", "bytes"},
      {"OSQUERY_WATCHDOG_OUTCOME", "killed"},
      {"OSQUERY_WATCHDOG_EXIT_CODE", "absent"},
      {"OSQUERY_WATCHDOG_EXIT_SIGNAL", "9"},
      {"OSQUERY_WATCHDOG_CORE_DUMPED", "0"},
      {"OSQUERY_WATCHDOG_ORIGIN", "distributed"},
      {"OSQUERY_WATCHDOG_QUERY_NAME", "a policy"},
      {"OSQUERY_WATCHDOG_QUERY", "absent"},
      {"OSQUERY_WATCHDOG_THREAD", "absent"},
      {"OSQUERY_WATCHDOG_LAST_OUTPUT", "one\ntwo\n"},
      {"OSQUERY_WATCHDOG_SIGNALS", "USR1,KILL"},
      {"OSQUERY_WATCHDOG_DURATION_MS", "4001"},
      {"OSQUERY_WATCHDOG_DETAILS", "absent"},
  };
  for (const auto &pair : expected)
    EXPECT_EQ(field(event, pair[0]), pair[1]) << pair[0];
}

TEST(LogFields, ALineOfGlogHasItsPriority)
{
  const struct {
    std::string line;
    int priority;
  } cases[] = {
      {"I1128 15:11:02.852525 25754 file.cpp:120] TEXT", LOG_INFO},
      {"W1128 15:11:02.852525 25754 file.cpp:120] TEXT", LOG_WARNING},
      {"E1128 15:11:02.852525 25754 file.cpp:120] TEXT", LOG_ERR},
      {"F1128 15:11:02.852525 25754 file.cpp:120] TEXT", LOG_CRIT},
      {"E1128", LOG_INFO},
      {"E1128x", LOG_INFO},
      {"E112 8", LOG_INFO},
      {"E11280 1", LOG_INFO},
      {"Error: no such table", LOG_INFO},
      {"E", LOG_INFO},
      {"", LOG_INFO},
      {std::string("E\0001128 15", 9), LOG_INFO},
  };
  for (const auto &one : cases)
    EXPECT_EQ(wd_line_priority(one.line.data(), one.line.size()), one.priority) << one.line;
  /* Only what it is given. */
  EXPECT_EQ(wd_line_priority("E1128 15:11", 5), LOG_INFO);
}

} // namespace
