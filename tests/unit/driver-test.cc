// The driver with a real machine, clock and writer: what it makes of a look that takes long, and of
// what a process has written.
#include "watchdog/drive/driver.h"

#include "tests/unit/child-process.h"
#include "tests/unit/store-fixture.h"
#include "watchdog/core/machine/supervise.h"

#include <string>
#include <unistd.h>
#include <vector>

namespace
{

constexpr gint64 FIRST_CHECK_US = 300 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 LOOK_US = 500 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 PATIENCE_US = 2 * G_TIME_SPAN_SECOND; // less than a check interval

class Driver : public StoreTest
{
protected:
  // A supervisor whose first regular check is near.
  void SetUp() override
  {
    StoreTest::SetUp();
    state_dir = wd_private_directory_new(directory.c_str());
    runtime_dir = wd_private_directory_new(directory.c_str());
    WdWriterOptions options = {};
    options.state_dir = state_dir;
    options.runtime_dir = runtime_dir;
    options.run_id = options.boot_id = "id";
    options.watchdog_pid = getpid();
    options.history_max = options.history_expiry_s = 10000;
    writer = wd_writer_start(&options, nullptr);
    ASSERT_NE(writer, nullptr);
    self = wd_handle_open(getpid(), nullptr);
    worker = hold(child);
    ASSERT_NE(self, nullptr);
    ASSERT_NE(worker, nullptr);

    WdLimits limits = {};
    limits.enforce = TRUE;
    limits.cpus = 1;
    limits.memory_limit_bytes = memory_limit_bytes;
    limits.memory_metric = WD_METRIC_RESIDENT;
    limits.utilization_limit = limits.latency_limit_s = 100;
    const gint64 started_us =
        g_get_monotonic_time() - WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND + FIRST_CHECK_US;
    const WdFound watchdog = {
        WD_ROLE_WATCHDOG, "watchdog", "/w", getpid(), wd_handle_start_ticks(self), started_us};
    machine = wd_supervise_new(&limits, &watchdog, "/o");
    WdDriverParts parts = {};
    parts.machine = machine;
    parts.writer = writer;
    parts.handle = handle_of;
    parts.hear = hear;
    parts.act = act;
    parts.tick = tick;
    parts.user_data = this;
    driver = wd_driver_new(&parts);
  }

  void TearDown() override
  {
    wd_driver_free(driver);
    wd_machine_free(machine);
    wd_handle_free(self);
    wd_handle_free(worker);
    gboolean hangs;
    EXPECT_TRUE(wd_writer_finish(writer, PATIENCE_US, &hangs));
    wd_private_directory_free(state_dir);
    wd_private_directory_free(runtime_dir);
    StoreTest::TearDown();
  }

  static void act(const WdAction *action, gpointer user_data)
  {
    auto *test = static_cast<Driver *>(user_data);
    WdInput input = {};
    input.kind = WD_INPUT_SPAWNED;
    input.process = action->process;
    input.spawned = {test->child.pid, wd_handle_start_ticks(test->worker), FALSE};
    if (action->kind == WD_ACTION_SPAWN && !test->stopping)
      wd_driver_feed(test->driver, &input);
    if (action->kind == WD_ACTION_RECORD)
      test->recorded.push_back({action->event->kind, action->event->query_name,
                                action->event->last_output, action->event->thread});
  }

  static void hear(guint process, const WdEvent *event, WdWords *words, gpointer user_data)
  {
    const auto *test = static_cast<Driver *>(user_data);
    EXPECT_EQ(process, WD_PROCESS_WORKER);
    EXPECT_EQ(event->role, WD_ROLE_WORKER);
    words->last_output = g_strdup("last words\n");
    if (test->says == nullptr)
      return;
    words->said = wd_said_new();
    wd_said_take_line(words->said, test->says, strlen(test->says), FALSE, g_get_monotonic_time());
  }

  // The first look at the worker lasts until the regular check is due.
  static WdHandle *handle_of(guint process, gpointer user_data)
  {
    auto *test = static_cast<Driver *>(user_data);
    if (process == WD_PROCESS_WORKER && !test->looked) {
      test->looked = true;
      g_usleep(LOOK_US);
    }
    if (process == WD_PROCESS_WORKER)
      return test->worker;
    return test->memory_limit_bytes == 1 ? nullptr : test->self; // it mustn't end itself
  }

  static void tick(gpointer user_data)
  {
    wd_driver_tick(static_cast<Driver *>(user_data)->driver, nullptr);
  }

  bool watchdog_is_checked() const
  {
    g_autoptr(GPtrArray) rows = wd_machine_status(machine, g_get_monotonic_time(), 0);
    return static_cast<const WdProcessStatus *>(rows->pdata[0])->last_check_us != WD_NONE;
  }

  WdPrivateDirectory *state_dir = nullptr, *runtime_dir = nullptr;
  WdWriter *writer = nullptr;
  Child child; // the worker
  WdHandle *self = nullptr, *worker = nullptr;
  WdMachine *machine = nullptr;
  WdDriver *driver = nullptr;
  bool looked = false;
  gint64 memory_limit_bytes = G_MAXINT64 / 2;
  const char *says = nullptr;
  bool stopping = false;

  struct Recorded {
    WdEventKind kind;
    std::string query_name, last_output, thread;
    Recorded(WdEventKind event, const char *name, const char *output, const char *busiest)
        : kind(event), query_name(name != nullptr ? name : "-"),
          last_output(output != nullptr ? output : "-"), thread(busiest != nullptr ? busiest : "-")
    {
    }
  };
  std::vector<Recorded> recorded;

  const Recorded *find(WdEventKind kind) const
  {
    for (const Recorded &event : recorded)
      if (event.kind == kind)
        return &event;
    return nullptr;
  }

  void await(WdEventKind kind) const
  {
    const gint64 until_us = g_get_monotonic_time() + PATIENCE_US;
    while (find(kind) == nullptr && g_get_monotonic_time() < until_us)
      g_main_context_iteration(nullptr, FALSE);
    ASSERT_NE(find(kind), nullptr);
  }

  void end_worker(gint64 code)
  {
    WdInput input = {};
    input.kind = WD_INPUT_EXITED;
    input.process = WD_PROCESS_WORKER;
    input.exited = {code, WD_NONE, FALSE, FALSE};
    stopping = true;
    wd_driver_feed(driver, &input);
  }
};

class DriverWithALowLimit : public Driver
{
  void SetUp() override
  {
    memory_limit_bytes = 1;
    Driver::SetUp();
  }
};

TEST_F(Driver, ACheckThatComesDueDuringALookIsNotTakenForDone)
{
  const gint64 until_us = g_get_monotonic_time() + PATIENCE_US;
  while (!(looked && watchdog_is_checked()) && g_get_monotonic_time() < until_us)
    g_main_context_iteration(nullptr, FALSE);
  EXPECT_TRUE(looked);
  EXPECT_TRUE(watchdog_is_checked());
}

constexpr char STATEMENT[] =
    "I1128 15:11:02.852525 25754 scheduler.cpp:120] Executing scheduled query costly: SELECT 1";

// Threads can be looked at only while they live, and the next worker may speak by then.
TEST_F(DriverWithALowLimit, AnEndHasTheQueryOfItsBreach)
{
  says = STATEMENT;
  await(WD_EVENT_LIMIT_EXCEEDED);
  EXPECT_EQ(find(WD_EVENT_LIMIT_EXCEEDED)->query_name, "costly");
  EXPECT_EQ(find(WD_EVENT_LIMIT_EXCEEDED)->last_output, "-");
  says = nullptr;
  end_worker(0);
  const Recorded *end = find(WD_EVENT_PROCESS_TERMINATED) != nullptr
                            ? find(WD_EVENT_PROCESS_TERMINATED)
                            : find(WD_EVENT_PROCESS_EXITED);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->query_name, "costly");
  EXPECT_EQ(end->last_output, "last words\n");
  EXPECT_EQ(end->thread, find(WD_EVENT_LIMIT_EXCEEDED)->thread);
}

TEST_F(Driver, AnEndWithoutABreachHasWhatWasSaidLast)
{
  await(WD_EVENT_PROCESS_STARTED);
  EXPECT_EQ(find(WD_EVENT_PROCESS_STARTED)->query_name, "-");
  EXPECT_EQ(find(WD_EVENT_PROCESS_STARTED)->last_output, "-");
  says = STATEMENT;
  end_worker(1);
  ASSERT_NE(find(WD_EVENT_PROCESS_EXITED), nullptr);
  EXPECT_EQ(find(WD_EVENT_PROCESS_EXITED)->query_name, "costly");
  EXPECT_EQ(find(WD_EVENT_PROCESS_EXITED)->last_output, "last words\n");
}

} // namespace
