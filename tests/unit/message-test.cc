#include "watchdog/core/event/message.h"

#include <gtest/gtest.h>

namespace
{

struct Case {
  WdEventKind kind;
  WdRole role;
  gint64 pid;
  void (*fill)(WdEvent *event);
  const char *message;
};

void
nothing(WdEvent *)
{
}

void
cpu(WdEvent *event)
{
  event->reason = WD_REASON_CPU;
  event->measured = 3000;
  event->limit_value = 600;
  event->sustained_s = 12;
}

void
memory(WdEvent *event)
{
  event->reason = WD_REASON_MEMORY;
  event->measured = 314572800;
  event->limit_value = 200 * 1024 * 1024;
}

void
unresponsive(WdEvent *event)
{
  event->reason = WD_REASON_UNRESPONSIVE;
  event->measured = 61500;
  event->limit_value = 60000;
}

const Case cases[] = {
    /* osquery's, word for word */
    {WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_WORKER, 42, cpu,
     "osqueryd worker (42) stopping: Maximum sustainable CPU utilization limit 600ms exceeded for "
     "12 seconds"},
    {WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_WORKER, 42, memory,
     "osqueryd worker (42) stopping: Memory limits exceeded: 314572800 bytes (limit is 200MB)"},
    {WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_EXTENSION, 43, memory,
     "osquery extension /p (43) stopping: Memory limits exceeded: 314572800 bytes (limit is "
     "200MB)"},
    {WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_WATCHDOG, 1, memory,
     "Watcher has become unhealthy: Memory limits exceeded: 314572800 bytes (limit is 200MB)"},
    {WD_EVENT_TERMINATION_STUCK, WD_ROLE_WORKER, 42, nothing,
     "Watcher cannot stop worker process (42)."},
    {WD_EVENT_TERMINATION_STUCK, WD_ROLE_EXTENSION, 43, nothing,
     "Watcher cannot stop extension process (43)."},
    {WD_EVENT_RESPAWN_LIMIT_REACHED, WD_ROLE_WORKER, WD_NONE, nothing, "Too many worker restarts"},
    {WD_EVENT_RESPAWN_LIMIT_REACHED, WD_ROLE_EXTENSION, WD_NONE, nothing,
     "Too many extension restarts: /p"},
    /* ours */
    {WD_EVENT_WOULD_TERMINATE, WD_ROLE_EXTENSION, 43, cpu,
     "osquery extension /p (43) would be stopped: Maximum sustainable CPU utilization limit 600ms "
     "exceeded for 12 seconds"},
    {WD_EVENT_PROCESS_STARTED, WD_ROLE_WORKER, 42, nothing, "osqueryd worker (42) started"},
    {WD_EVENT_WATCHDOG_STARTED, WD_ROLE_WATCHDOG, 1, nothing, "osquery-watchdogd (1) started"},
    {WD_EVENT_WATCHDOG_STOPPED, WD_ROLE_WATCHDOG, 1,
     [](WdEvent *event) { event->reason = WD_REASON_HEALTH; },
     "osquery-watchdogd (1) stopped: health"},
    {WD_EVENT_PROCESS_EXITED, WD_ROLE_WORKER, 42, [](WdEvent *event) { event->exit_code = 3; },
     "osqueryd worker (42) exited with status 3"},
    {WD_EVENT_PROCESS_EXITED, WD_ROLE_EXTENSION, 43,
     [](WdEvent *event) { event->exit_signal = 11; },
     "osquery extension /p (43) was ended by signal 11"},
    {WD_EVENT_PROCESS_TERMINATED, WD_ROLE_WORKER, 42,
     [](WdEvent *event) {
       memory(event);
       event->signals_sent = static_cast<WdSignals>(WD_SIGNALS_USR1 | WD_SIGNALS_TERM);
       event->outcome = WD_OUTCOME_GRACEFUL;
       event->duration_ms = 17;
     },
     "osqueryd worker (42) stopped: memory after 17 ms (graceful; sent USR1,TERM)"},
    {WD_EVENT_UNRESPONSIVE, WD_ROLE_WORKER, 42, nothing,
     "osqueryd worker (42) does not answer its pings"},
    {WD_EVENT_RESPONSIVE, WD_ROLE_EXTENSION, 43, [](WdEvent *event) { event->duration_ms = 12340; },
     "osquery extension /p (43) answers its pings, after 12.3 seconds without an answer"},
    {WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_WORKER, 42, unresponsive,
     "osqueryd worker (42) stopping: No answer for 61.5 seconds (limit is 60 seconds)"},
    {WD_EVENT_WOULD_TERMINATE, WD_ROLE_EXTENSION, 43, unresponsive,
     "osquery extension /p (43) would be stopped: No answer for 61.5 seconds (limit is 60 "
     "seconds)"},
};

TEST(Message, OfAnEvent)
{
  for (const Case &each : cases) {
    g_autoptr(WdEvent) event = wd_event_new(each.kind, each.role, "n", "/p");
    event->pid = each.pid;
    each.fill(event);
    g_autofree char *message = wd_event_message(event);
    EXPECT_STREQ(message, each.message);
  }
}

TEST(Message, EveryKindHasOne)
{
  for (int kind = WD_EVENT_WATCHDOG_STARTED; kind <= WD_EVENT_HISTORY_RECOVERED; kind++) {
    g_autoptr(WdEvent) event =
        wd_event_new(static_cast<WdEventKind>(kind), WD_ROLE_WORKER, "worker", "/p");
    event->reason = WD_REASON_MEMORY;
    event->measured = event->limit_value = 1;
    event->exit_code = 0;
    event->duration_ms = 1;
    event->signals_sent = WD_SIGNALS_TERM;
    event->outcome = WD_OUTCOME_GRACEFUL;
    event->query_name = g_strdup("pack_heavy");
    g_autofree char *message = wd_event_message(event);
    ASSERT_NE(message, nullptr);
    EXPECT_STRNE(message, "");
    EXPECT_EQ(std::string(message).find("(null)"), std::string::npos) << message;
  }
}

TEST(Message, OfTheRest)
{
  g_autofree char *worker = wd_respawn_message(WD_ROLE_WORKER, "/p", 3);
  EXPECT_STREQ(worker, "osqueryd worker respawning too quickly: 3 times");
  g_autofree char *extension = wd_respawn_message(WD_ROLE_EXTENSION, "/p", 3);
  EXPECT_STREQ(extension, "Extension respawning too quickly: /p");
  g_autofree char *no_worker = wd_spawn_failed_message(WD_ROLE_WORKER, "/p", "why");
  EXPECT_STREQ(no_worker, "osqueryd could not create a worker process: /p: why");
  g_autofree char *no_extension = wd_spawn_failed_message(WD_ROLE_EXTENSION, "/p", "why");
  EXPECT_STREQ(no_extension, "Cannot create extension process: /p: why");
  g_autofree char *kill = wd_kill_message(WD_ROLE_WORKER, "/p", 42);
  EXPECT_STREQ(kill, "osqueryd worker (42) could not be stopped. Sending kill signal.");
  g_autofree char *kill_extension = wd_kill_message(WD_ROLE_EXTENSION, "/p", 42);
  EXPECT_STREQ(kill_extension,
               "osquery extension /p (42) could not be stopped. Sending kill signal.");
}

TEST(Message, WhatWasMeasured)
{
  g_autofree char *text = wd_measured_message(42, 130, 600, 3 * 1024 * 1024 / 2, 200 * 1024 * 1024);
  EXPECT_STREQ(text, "pid: 42, cpu: 130ms/600ms, memory: 1.50MB/200MB");
}

} // namespace
