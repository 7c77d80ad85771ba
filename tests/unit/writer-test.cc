// The writer as the main loop knows it: nothing that happens to the store may hold its calls up,
// and what was appended is there in the end. The longest call is measured in every test.
#include "watchdog/record/writer.h"

#include "tests/unit/faulty-vfs.h"
#include "tests/unit/store-fixture.h"
#include "watchdog/store/status.h"

#include <algorithm>
#include <poll.h>
#include <sys/resource.h>
#include <thread>

namespace
{

// The bound is 5 ms. A busy machine may take the processor away from us for longer than that, which
// says nothing about the writer: a call that never waits counts with the processor time that it
// used. One that waits, if only for the mutex, may wait for such a machine, too: all but one of a
// hundred calls must keep the bound, and every call 200 ms, which is below any wait for the store.
constexpr gint64 BOUND_US = 5 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 WORST_US = 200 * G_TIME_SPAN_MILLISECOND;
constexpr gint64 PATIENCE_US = 30 * G_TIME_SPAN_SECOND;

class Writer : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("history.db");
    status = path("status.db");
    state_dir = wd_private_directory_new(directory.c_str());
    runtime_dir = wd_private_directory_new(directory.c_str());
  }

  void TearDown() override
  {
    if (writer != nullptr)
      finish();
    std::sort(calls_us.begin(), calls_us.end());
    if (!calls_us.empty()) {
      EXPECT_LT(calls_us[calls_us.size() * 99 / 100], BOUND_US);
      EXPECT_LT(calls_us.back(), WORST_US);
    }
    wd_private_directory_free(state_dir);
    wd_private_directory_free(runtime_dir);
    StoreTest::TearDown();
  }

  void start(const char *run_id = "run", gint64 history_max = 10000)
  {
    WdWriterOptions options = {};
    options.state_dir = state_dir;
    options.runtime_dir = runtime_dir;
    options.run_id = run_id;
    options.boot_id = "boot";
    options.watchdog_pid = 1;
    options.history_max = history_max;
    options.history_expiry_s = 1000000;
    writer = wd_writer_start(&options, nullptr);
    ASSERT_NE(writer, nullptr);
    seq = stored = lost = 0;
  }

  gboolean finish(gint64 wait_us = PATIENCE_US)
  {
    gboolean hangs;
    gboolean clean = wd_writer_finish(writer, wait_us, &hangs);
    writer = nullptr;
    return clean;
  }

  struct Usage {
    gint64 wall_us, cpu_us;
    long waits;
  };

  // This thread's.
  static Usage usage()
  {
    struct rusage self = {};
    EXPECT_EQ(getrusage(RUSAGE_THREAD, &self), 0);
    const auto us = [](const timeval &time) {
      return time.tv_sec * G_TIME_SPAN_SECOND + time.tv_usec;
    };
    return {g_get_monotonic_time(), us(self.ru_utime) + us(self.ru_stime), self.ru_nvcsw};
  }

  template <typename Call> void measured(Call call)
  {
    const Usage before = usage();
    call();
    const Usage after = usage();
    calls_us.push_back(after.waits > before.waits ? after.wall_us - before.wall_us
                                                  : after.cpu_us - before.cpu_us);
  }

  void append(guint64 n = 1, WdEventKind kind = WD_EVENT_PROCESS_EXITED)
  {
    for (guint64 i = 0; i < n; i++) {
      WdEvent *event = new_event(++seq, kind, 1700000000);
      event->message = g_strnfill(100, 'm');
      measured([&] { wd_writer_append(writer, event); });
      measured([&] { wd_writer_wake(writer); });
    }
  }

  void publish(guint64 last_seq)
  {
    GPtrArray *list =
        g_ptr_array_new_with_free_func(reinterpret_cast<GDestroyNotify>(wd_process_status_free));
    WdProcessStatus *row = wd_process_status_new(WD_ROLE_WATCHDOG, "watchdog", nullptr);
    row->last_seq = last_seq;
    g_ptr_array_add(list, row);
    measured([&] { wd_writer_publish(writer, list); });
    measured([&] { wd_writer_wake(writer); });
  }

  void collect()
  {
    guint64 lost_now;
    WdRecovery *recovery = nullptr;
    measured([&] { wd_writer_collect(writer, &stored, &lost_now, &recovery); });
    lost += lost_now;
    if (recovery != nullptr) {
      recovered.push_back(recovery->problem);
      saved = recovery->saved;
    }
    wd_recovery_free(recovery);
  }

  // Polls as the main loop does.
  template <typename Condition> void wait_until(Condition condition)
  {
    const gint64 deadline_us = g_get_monotonic_time() + PATIENCE_US;
    for (collect(); !condition(); collect()) {
      ASSERT_LT(g_get_monotonic_time(), deadline_us);
      struct pollfd changed = {wd_writer_fd(writer), POLLIN, 0};
      (void)poll(&changed, 1, 10);
    }
  }

  void wait_stored()
  {
    wait_until([this] { return stored == seq; });
  }

  // All that was appended is there, once, in order.
  void expect_all()
  {
    EXPECT_EQ(rows(file, "SELECT count(*), min(eid), max(eid) FROM events"),
              Rows{std::to_string(seq) + "|1|" + std::to_string(seq)});
    EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
  }

  // While something is wrong, for a while: as the loop goes on.
  void go_on_for(gint64 us)
  {
    for (const gint64 until_us = g_get_monotonic_time() + us; g_get_monotonic_time() < until_us;) {
      append(3);
      publish(seq);
      collect();
      g_usleep(5000);
    }
  }

  std::string file, status;
  WdPrivateDirectory *state_dir, *runtime_dir;
  WdWriter *writer = nullptr;
  guint64 seq = 0, stored = 0, lost = 0;
  std::vector<std::string> recovered;
  gint64 saved = -1;
  std::vector<gint64> calls_us;
};

TEST_F(Writer, WritesInOrder)
{
  start();
  append(1000);
  publish(seq);
  wait_stored();
  expect_all();
  EXPECT_TRUE(finish());
  EXPECT_EQ(rows(status, "SELECT last_eid FROM processes"), Rows{"1000"});
}

TEST_F(Writer, ASlowDiskHoldsNobodyUp)
{
  FaultyVfs vfs;
  FaultyVfs::sync_delay_us = 300000;
  start();
  go_on_for(2 * G_TIME_SPAN_SECOND);
  FaultyVfs::sync_delay_us = 0;
  wait_stored();
  expect_all();
  EXPECT_TRUE(finish());
}

// Under the deadline at which a state is written whatever has become of its events.
TEST_F(Writer, NoStateIsSeenBeforeItsEvents)
{
  FaultyVfs vfs;
  start();
  append();
  wait_stored();
  FaultyVfs::sync_delay_us = 200000;
  for (int i = 0; i < 5; i++) {
    append(3);
    publish(seq);
    const std::string newest = std::to_string(seq);
    wait_until([&] { return rows(status, "SELECT last_eid FROM processes") == Rows{newest}; });
    EXPECT_EQ(rows(file, "SELECT max(eid) FROM events"), Rows{newest});
  }
}

TEST_F(Writer, ADiskThatHangsLeavesTheStateTrue)
{
  FaultyVfs vfs;
  start();
  append();
  wait_stored();
  FaultyVfs::syncs_hang = true;
  // The first state waits for its events in vain; those after it don't.
  gint64 took_us[3];
  for (gint64 &took : took_us) {
    const gint64 began_us = g_get_monotonic_time();
    append();
    const std::string newest = std::to_string(seq);
    wait_until([&] {
      publish(seq); // as every check does
      return rows(status, "SELECT last_eid FROM processes") == Rows{newest};
    });
    EXPECT_EQ(stored, 1u);
    took = g_get_monotonic_time() - began_us;
  }
  EXPECT_LT(took_us[1] + took_us[2], took_us[0]);
  FaultyVfs::syncs_hang = false;
  wait_stored();
  expect_all();
}

TEST_F(Writer, TheLastStateDoesNotWaitForTheDisk)
{
  FaultyVfs vfs;
  start();
  append();
  wait_stored();
  FaultyVfs::syncs_hang = true;
  append();
  publish(seq);
  std::thread finishing([this] { EXPECT_TRUE(finish(20 * G_TIME_SPAN_SECOND)); });
  const gint64 deadline_us = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
  while (rows(status, "SELECT last_eid FROM processes") != Rows{"2"} &&
         g_get_monotonic_time() < deadline_us)
    g_usleep(10000);
  EXPECT_EQ(rows(status, "SELECT last_eid FROM processes"), Rows{"2"});
  FaultyVfs::syncs_hang = false;
  finishing.join();
  expect_all();
}

TEST_F(Writer, WhatFailedIsWrittenOnceTheDiskIsBack)
{
  FaultyVfs vfs;
  std::atomic<bool> *const faults[] = {&FaultyVfs::writes_fail, &FaultyVfs::reads_fail,
                                       &FaultyVfs::syncs_fail};
  start();
  for (bool from_the_start : {true, false})
    for (std::atomic<bool> *fault : faults) {
      if (!from_the_start)
        wait_stored();
      *fault = true;
      go_on_for(G_TIME_SPAN_SECOND / 2);
      *fault = false;
      wait_stored();
      expect_all();
    }
  EXPECT_EQ(recovered, std::vector<std::string>());
  EXPECT_TRUE(finish());
}

TEST_F(Writer, ALockOfAnotherProcessIsWaitedFor)
{
  start();
  append();
  wait_stored();
  g_autoptr(sqlite3) other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  go_on_for(G_TIME_SPAN_SECOND);
  EXPECT_EQ(stored, G_MAXUINT64); // nothing can be stored at present
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  wait_stored();
  expect_all();
}

TEST_F(Writer, TheLastEventsWaitForALockToo)
{
  start();
  append();
  wait_stored();
  g_autoptr(sqlite3) other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  append(1, WD_EVENT_WATCHDOG_STOPPED);
  std::thread releasing([&other] {
    g_usleep(700000);
    sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
  });
  EXPECT_TRUE(finish());
  releasing.join();
  expect_all();
}

TEST_F(Writer, FinishingHasAnEnd)
{
  ASSERT_EQ(mkdir(file.c_str(), 0700), 0);
  start();
  append();
  const gint64 began_us = g_get_monotonic_time();
  EXPECT_FALSE(finish(G_TIME_SPAN_SECOND));
  EXPECT_LT(g_get_monotonic_time() - began_us, 10 * G_TIME_SPAN_SECOND);
  rmdir(file.c_str());
}

TEST_F(Writer, FinishingDoesNotWaitForADirectoryThatCannotBeHad)
{
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  start();
  append();
  wait_until([this] { return stored == G_MAXUINT64; });
  gint64 began_us = g_get_monotonic_time();
  EXPECT_FALSE(finish());
  EXPECT_LT(g_get_monotonic_time() - began_us, PATIENCE_US / 2);
  // But it is tried.
  start();
  append();
  wait_until([this] { return stored == G_MAXUINT64; });
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  EXPECT_TRUE(finish());
  expect_all();
}

// Nobody waits meanwhile for an event to be stored. What came is there afterwards.
TEST_F(Writer, ADirectoryThatCannotBeHadIsTriedAgain)
{
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  start();
  append(5);
  publish(5);
  wait_until([this] { return stored == G_MAXUINT64; });
  go_on_for(300 * G_TIME_SPAN_MILLISECOND);
  EXPECT_NE(access(file.c_str(), F_OK), 0);
  EXPECT_NE(access(status.c_str(), F_OK), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  wait_stored();
  expect_all();
  EXPECT_EQ(lost, 0u);
  /* As at every check: the first state may come before its base is known. The file is there before
   * its tables are. */
  wait_until([this] {
    publish(seq);
    return access(status.c_str(), F_OK) == 0 &&
           !rows(status, "SELECT 1 FROM sqlite_schema WHERE name = 'processes'").empty() &&
           rows(status, "SELECT last_eid FROM processes") == Rows{std::to_string(seq)};
  });
}

TEST_F(Writer, PastTheBoundEventsAreCounted)
{
  ASSERT_EQ(mkdir(file.c_str(), 0700), 0);
  start();
  append(10050);
  wait_until([this] { return stored == G_MAXUINT64; });
  EXPECT_EQ(lost, 0u); // there would be no room to record it
  ASSERT_EQ(rmdir(file.c_str()), 0);
  wait_until([this] { return lost > 0; });
  EXPECT_EQ(lost, 50u);
  EXPECT_EQ(stored, 10000u);
  append();
  wait_stored();
  EXPECT_EQ(rows(file, "SELECT count(*), max(eid) FROM events"), Rows{"10001|10051"});
}

TEST_F(Writer, ANewerHistoryIsNotTouched)
{
  start("a");
  append(3);
  EXPECT_TRUE(finish());
  execute(file, "PRAGMA user_version=77; PRAGMA wal_checkpoint(TRUNCATE)");
  g_autofree char *before = nullptr;
  gsize length;
  ASSERT_TRUE(g_file_get_contents(file.c_str(), &before, &length, nullptr));
  testing::internal::CaptureStderr();
  start("b");
  go_on_for(G_TIME_SPAN_SECOND);
  EXPECT_EQ(stored, G_MAXUINT64);
  EXPECT_FALSE(finish(0));
  const std::string log = testing::internal::GetCapturedStderr();
  const size_t told = log.find("has schema version 77");
  EXPECT_NE(told, std::string::npos) << log;
  EXPECT_EQ(log.find("has schema version 77", told + 1), std::string::npos) << log;
  g_autofree char *after = nullptr;
  gsize after_length;
  ASSERT_TRUE(g_file_get_contents(file.c_str(), &after, &after_length, nullptr));
  EXPECT_TRUE(std::string(before, length) == std::string(after, after_length));
}

TEST_F(Writer, AHistoryThatIsRemovedIsWrittenAgain)
{
  start();
  append(10);
  wait_stored();
  for (const char *suffix : {"", "-wal", "-shm"})
    ASSERT_EQ(unlink((file + suffix).c_str()), 0);
  append(10);
  wait_stored();
  wait_until([this] { return !recovered.empty(); });
  EXPECT_EQ(recovered.size(), 1u);
  EXPECT_NE(recovered[0].find("was removed or replaced while it was in use"), std::string::npos);
  EXPECT_EQ(saved, 10);
  expect_all();
}

TEST_F(Writer, AHistoryThatIsReplacedByGarbageIsWrittenAgain)
{
  start();
  for (int round = 0; round < 3; round++) {
    append(10);
    wait_stored();
    const std::string garbage = path("garbage");
    ASSERT_TRUE(g_file_set_contents(garbage.c_str(), "garbage", -1, nullptr));
    ASSERT_EQ(rename(garbage.c_str(), file.c_str()), 0);
  }
  append(10);
  wait_stored();
  wait_until([this] { return !recovered.empty(); });
  expect_all();
}

TEST_F(Writer, EidsGoOnFromWhatWasShown)
{
  start("a");
  append(5);
  wait_stored();
  publish(9); // the four after them never get stored
  EXPECT_TRUE(finish());
  start("b");
  append();
  wait_stored();
  EXPECT_EQ(rows(file, "SELECT eid, run_id, event FROM events WHERE eid > 5"),
            (Rows{"10|a|watchdog_crashed", "11|b|process_exited"}));
}

TEST_F(Writer, RowsAndSizeStayBounded)
{
  constexpr int MAX = 300;
  start("run", MAX);
  for (int i = 0; i < 40; i++) {
    append(150);
    wait_stored();
    // What is over goes right after what has come.
    EXPECT_LE(std::stoi(rows(file, "SELECT count(*) FROM events")[0]), MAX + 150 + 256 + 3);
  }
  EXPECT_TRUE(finish());
  EXPECT_LE(std::stoi(rows(file, "SELECT count(*) FROM events")[0]), MAX + 256 + 3);
  const std::string compact = path("compact.db");
  execute(file, "PRAGMA wal_checkpoint(TRUNCATE)");
  execute(file, ("VACUUM INTO '" + compact + "'").c_str());
  struct stat grown, needed;
  ASSERT_EQ(stat(file.c_str(), &grown), 0);
  ASSERT_EQ(stat(compact.c_str(), &needed), 0);
  EXPECT_LE(grown.st_size, 2 * needed.st_size);
}

// Once told, a row says the same for ever, whatever comes after it.
TEST_F(Writer, ARowThatWasReadNeverChanges)
{
  std::vector<std::string> seen; // by eid
  start();
  auto look = [&] {
    for (const std::string &row : rows(file, "SELECT * FROM events ORDER BY eid")) {
      const size_t eid = std::stoul(row);
      if (seen.size() <= eid)
        seen.resize(eid + 1);
      if (seen[eid].empty())
        seen[eid] = row;
      ASSERT_EQ(seen[eid], row);
    }
  };
  for (int i = 0; i < 30; i++) {
    append(7, i % 2 != 0 ? WD_EVENT_LIMIT_EXCEEDED : WD_EVENT_PROCESS_TERMINATED);
    wait_stored();
    look();
    if (i % 10 == 9) {
      EXPECT_TRUE(finish());
      const guint64 before = seq;
      start(i < 15 ? "b" : "c");
      append();
      wait_stored();
      look();
      EXPECT_GT(seen.size(), before);
    }
  }
}

} // namespace
