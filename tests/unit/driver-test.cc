// The driver with a real machine, clock and writer: what it makes of a look that takes long.
#include "watchdog/drive/driver.h"

#include "tests/unit/store-fixture.h"
#include "watchdog/core/machine/supervise.h"

#include <unistd.h>

namespace
{

constexpr gint64 FIRST_CHECK_US = 300 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 LOOK_US = 500 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 PATIENCE_US = 2 * G_TIME_SPAN_SECOND; // less than a check interval

class Driver : public StoreTest
{
protected:
  // A supervisor whose first regular check is near, and whose processes are all this one.
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
    ASSERT_NE(self, nullptr);

    WdLimits limits = {};
    limits.enforce = TRUE;
    limits.cpus = 1;
    limits.memory_limit_bytes = G_MAXINT64 / 2;
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
    parts.act = start_worker;
    parts.tick = tick;
    parts.user_data = this;
    driver = wd_driver_new(&parts);
  }

  void TearDown() override
  {
    wd_driver_free(driver);
    wd_machine_free(machine);
    wd_handle_free(self);
    gboolean hangs;
    EXPECT_TRUE(wd_writer_finish(writer, PATIENCE_US, &hangs));
    wd_private_directory_free(state_dir);
    wd_private_directory_free(runtime_dir);
    StoreTest::TearDown();
  }

  static void start_worker(const WdAction *action, gpointer user_data)
  {
    const auto *test = static_cast<Driver *>(user_data);
    WdInput input = {};
    input.kind = WD_INPUT_SPAWNED;
    input.process = action->process;
    input.spawned = {getpid(), wd_handle_start_ticks(test->self), FALSE};
    if (action->kind == WD_ACTION_SPAWN)
      wd_driver_feed(test->driver, &input);
  }

  // The first look at the worker lasts until the regular check is due.
  static WdHandle *handle_of(guint process, gpointer user_data)
  {
    auto *test = static_cast<Driver *>(user_data);
    if (process == WD_PROCESS_WORKER && !test->looked) {
      test->looked = true;
      g_usleep(LOOK_US);
    }
    return test->self;
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
  WdHandle *self = nullptr;
  WdMachine *machine = nullptr;
  WdDriver *driver = nullptr;
  bool looked = false;
};

TEST_F(Driver, ACheckThatComesDueDuringALookIsNotTakenForDone)
{
  const gint64 until_us = g_get_monotonic_time() + PATIENCE_US;
  while (!(looked && watchdog_is_checked()) && g_get_monotonic_time() < until_us)
    g_main_context_iteration(nullptr, FALSE);
  EXPECT_TRUE(looked);
  EXPECT_TRUE(watchdog_is_checked());
}

} // namespace
