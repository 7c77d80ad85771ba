#include "watchdog/store/status.h"

#include "tests/unit/store-fixture.h"
#include "watchdog/store/samples.h"

#include <cmath>

namespace
{

class Status : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("status.db");
  }

  static WdStatus *open_status(const std::string &at)
  {
    g_autoptr(GError) error = nullptr;
    WdStatus *status = wd_status_open(at.c_str(), &error);
    EXPECT_NE(status, nullptr) << (error != nullptr ? error->message : "");
    return status;
  }

  // Writes rows of the given names.
  static void write(WdStatus *status, const std::vector<const char *> &names, gint64 base = WD_NONE)
  {
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func(reinterpret_cast<GDestroyNotify>(wd_process_status_free));
    for (const char *name : names) {
      WdProcessStatus *row = wd_process_status_new(WD_ROLE_EXTENSION, name, nullptr);
      row->last_seq = 3;
      g_ptr_array_add(list, row);
    }
    g_autoptr(GError) error = nullptr;
    EXPECT_TRUE(wd_status_write(status, reinterpret_cast<WdProcessStatus **>(list->pdata),
                                list->len, base, &error))
        << error->message;
  }

  std::string file;
};

TEST_F(Status, EveryColumnGetsItsValue)
{
  g_autoptr(WdStatus) status = open_status(file);
  g_autoptr(WdProcessStatus) row = wd_process_status_new(WD_ROLE_WORKER, "worker", "/o");
  row->pid = 1;
  row->state = WD_STATE_KILLING;
  gint64 value = 2;
  gint64 *members[] = {&row->start_time_s,
                       &row->restarts,
                       &row->terminations,
                       &row->quick_exits,
                       &row->restart_limit,
                       &row->next_start_time_s,
                       &row->user_ms,
                       &row->system_ms,
                       &row->utilization_limit,
                       &row->sustained_latency_s,
                       &row->latency_limit_s,
                       &row->resident_bytes,
                       &row->footprint_bytes,
                       &row->baseline_bytes,
                       &row->peak_footprint_bytes,
                       &row->memory_limit_bytes,
                       &row->last_check_time_s,
                       &row->last_exit_code,
                       &row->last_exit_signal,
                       &row->registered,
                       &row->uuid,
                       &row->responsive,
                       &row->start_ticks,
                       &row->last_check_us};
  for (gint64 *member : members)
    *member = value++;
  row->utilization = 0.5;
  row->enforced = TRUE;
  row->memory_watch = WD_MEMORY_WATCH_EVENTS;
  row->version = g_strdup("5.1");
  row->last_seq = 4;
  WdHistoryRun r = run("a");
  g_autoptr(WdHistory) history = open_history(path("history.db"), r);
  ASSERT_TRUE(wd_status_write(status, &row, 1, wd_history_base(history), nullptr));
  EXPECT_EQ(
      rows(file, "SELECT * FROM processes"),
      Rows{"0|worker|worker|/o|1|killing|2|3|4|5|6|7|8|9|0.5|10|11|12|13|14|15|16|17|1|18|19|20|"
           "21|22|23|5.1|4|24|25|events"});
}

TEST_F(Status, AbsentValuesAreNull)
{
  g_autoptr(WdStatus) status = open_status(file);
  g_autoptr(WdProcessStatus) row = wd_process_status_new(WD_ROLE_WATCHDOG, "watchdog", nullptr);
  ASSERT_TRUE(wd_status_write(status, &row, 1, WD_NONE, nullptr));
  EXPECT_EQ(
      rows(file, "SELECT * FROM processes"),
      Rows{"0|watchdog|watchdog|-|-|waiting|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|0|-|-|-|-|-|-|-|-|"
           "-|-|-"});
}

TEST_F(Status, EachWriteReplacesEverything)
{
  g_autoptr(WdStatus) status = open_status(file);
  write(status, {"a", "b", "c"});
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), (Rows{"a", "b", "c"}));
  write(status, {"c", "d"});
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), (Rows{"c", "d"}));
  write(status, {});
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), Rows{});
}

TEST_F(Status, TheNewestEventNeedsAHistory)
{
  {
    WdHistoryRun first = run("a");
    g_autoptr(WdHistory) history = open_history(path("history.db"), first);
    append(history, 1, WD_EVENT_WATCHDOG_STOPPED);
  }
  WdHistoryRun second = run("b");
  g_autoptr(WdHistory) history = open_history(path("history.db"), second);
  g_autoptr(WdStatus) status = open_status(file);
  write(status, {"a"});
  EXPECT_EQ(rows(file, "SELECT last_eid FROM processes"), Rows{"-"});
  write(status, {"a"}, wd_history_base(history));
  EXPECT_EQ(rows(file, "SELECT last_eid FROM processes"), Rows{"4"});
}

TEST_F(Status, FilesArePrivate)
{
  mode_t before = umask(0);
  g_autoptr(WdStatus) status = open_status(file);
  write(status, {"a"});
  umask(before);
  for (const char *suffix : {"", "-wal", "-shm"})
    EXPECT_EQ(mode(file + suffix), 0600u) << suffix;
}

TEST_F(Status, WhatNeedsNoKeepingIsReplaced)
{
  const struct {
    const char *what;
    const char *sql;
  } cases[] = {
      {"text", nullptr},
      {"foreign", "CREATE TABLE t(a)"},
      {"newer", "PRAGMA application_id=1331127379; PRAGMA user_version=99"},
      {"wrong tables", "PRAGMA application_id=1331127379; PRAGMA user_version=1"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    if (c.sql == nullptr) {
      ASSERT_TRUE(g_file_set_contents(file.c_str(), "this is no database, just text", -1, nullptr));
    } else
      execute(file, c.sql);
    g_autoptr(WdStatus) status = open_status(file);
    write(status, {"a"});
    EXPECT_EQ(rows(file, "SELECT name FROM processes"), Rows{"a"});
    g_clear_pointer(&status, wd_status_free);
    unlink(file.c_str());
  }
}

TEST_F(Status, ASecondStartGoesOnWithTheFile)
{
  {
    g_autoptr(WdStatus) status = open_status(file);
    write(status, {"a", "b"});
  }
  g_autoptr(WdStatus) status = open_status(file);
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), (Rows{"a", "b"}));
}

TEST_F(Status, AFileOfTheFirstVersionIsBroughtUpToDate)
{
  {
    g_autoptr(WdStatus) status = open_status(file);
    write(status, {"a"});
  }
  execute(file,
          "DROP TABLE samples; DROP TABLE settings; ALTER TABLE processes DROP COLUMN memory_watch;"
          "PRAGMA user_version=1");
  g_autoptr(WdStatus) status = open_status(file);
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), Rows{"a"});
  EXPECT_EQ(rows(file, "SELECT count(*) FROM samples"), Rows{"0"});
}

TEST_F(Status, SettingsAreReplacedAsAWhole)
{
  g_autoptr(WdStatus) status = open_status(file);
  g_autoptr(WdSetting) foreign = wd_setting_new("c\n", "\xff\x1b[2J", "/f\r:1");
  WdSetting *settings[] = {wd_setting_new("b", "1", "default"), wd_setting_new("a", "", "argv"),
                           wd_setting_safe_copy(foreign)};
  ASSERT_TRUE(wd_status_write_settings(status, settings, 3, nullptr));
  EXPECT_EQ(rows(file, "SELECT name, value, source FROM settings ORDER BY id"),
            (Rows{"b|1|default", "a||argv", "c?|\xef\xbf\xbd?[2J|/f?:1"}));
  ASSERT_TRUE(wd_status_write_settings(status, settings + 1, 1, nullptr));
  EXPECT_EQ(rows(file, "SELECT name FROM settings"), Rows{"a"});
  for (WdSetting *setting : settings)
    wd_setting_free(setting);
}

TEST_F(Status, AReaderNeitherWaitsNorIsWaitedFor)
{
  g_autoptr(WdStatus) status = open_status(file);
  write(status, {"old-1", "old-2"});
  g_autoptr(sqlite3) reader = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &reader), SQLITE_OK);
  g_autoptr(sqlite3_stmt) stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(reader, "SELECT name FROM processes", -1, &stmt, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  for (int i = 0; i < 200; i++) // past several of the log's checkpoints
    write(status, {"new-1", "new-2"});
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char *>(sqlite3_column_text(stmt, 0)), "old-2");
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_DONE);
  EXPECT_EQ(rows(file, "SELECT name FROM processes"), (Rows{"new-1", "new-2"}));
}

// Samples: what regular checks measured.
class Samples : public Status
{
protected:
  void SetUp() override
  {
    Status::SetUp();
    status = open_status(file);
    for (const char *name : {"watchdog", "worker"})
      list.push_back(wd_process_status_new(WD_ROLE_WORKER, name, nullptr));
  }

  void TearDown() override
  {
    for (WdProcessStatus *row : list)
      wd_process_status_free(row);
    wd_status_free(status);
    Status::TearDown();
  }

  // Publishes both rows, measured last at these times; 0: not yet.
  void publish(gint64 first_us, gint64 second_us)
  {
    list[0]->regular_check_us = first_us != 0 ? first_us : WD_NONE;
    list[1]->regular_check_us = second_us != 0 ? second_us : WD_NONE;
    g_autoptr(GError) error = nullptr;
    ASSERT_TRUE(wd_status_write(status, list.data(), list.size(), WD_NONE, &error))
        << error->message;
  }

  void reopen()
  {
    g_clear_pointer(&status, wd_status_free);
    status = open_status(file);
  }

  Rows names()
  {
    return rows(file, "SELECT id >> 16, name FROM samples ORDER BY id");
  }

  WdStatus *status = nullptr;
  std::vector<WdProcessStatus *> list;
};

TEST_F(Samples, EveryColumnGetsItsValue)
{
  WdProcessStatus *row = list[1];
  row->last_check_time_s = 1700000000;
  row->pid = 2;
  row->utilization = 2.5;
  row->resident_bytes = 3;
  row->footprint_bytes = -4; // below its baseline
  row->utilization_limit = 5;
  row->memory_limit_bytes = 6;
  publish(0, 1);
  EXPECT_EQ(rows(file, "SELECT * FROM samples"), Rows{"1|1700000000|worker|2|2.5|3|-4|5|6"});
  row->footprint_bytes = WD_NONE;
  row->utilization = NAN;
  publish(0, 2);
  EXPECT_EQ(rows(file, "SELECT utilization, footprint FROM samples WHERE id = 65537"), Rows{"-|-"});
}

TEST_F(Samples, OneForEachRegularCheck)
{
  publish(0, 0); // nothing is measured yet
  EXPECT_EQ(names(), Rows{});
  publish(10, 0); // as it isn't running
  publish(10, 0); // published again for another reason
  EXPECT_EQ(names(), Rows{"0|watchdog"});
  publish(10, 11); // looked at after the other, as an observer does
  EXPECT_EQ(names(), (Rows{"0|watchdog", "1|worker"}));
  publish(20, 20);
  EXPECT_EQ(names(), (Rows{"0|watchdog", "1|worker", "2|watchdog", "2|worker"}));
}

TEST_F(Samples, SurviveARestart)
{
  publish(10, 10);
  reopen();
  publish(0, 0);
  publish(5, 0); // another boot's clock
  EXPECT_EQ(names(), (Rows{"0|watchdog", "0|worker", "1|watchdog"}));
}

TEST_F(Samples, AreBounded)
{
  const gint64 last = WD_SAMPLES_SPAN + 2 * WD_SAMPLES_ALL;
  for (gint64 check = 0; check <= last; check++) {
    publish(check + 1, 0);
    if (check == last / 2)
      reopen();
  }
  Rows kept = rows(file, "SELECT id >> 16 FROM samples ORDER BY id");
  Rows expected;
  for (gint64 check = last - WD_SAMPLES_SPAN; check < last - WD_SAMPLES_ALL; check++)
    if (check % WD_SAMPLES_EVERY == 0)
      expected.push_back(std::to_string(check));
  for (gint64 check = last - WD_SAMPLES_ALL; check <= last; check++)
    expected.push_back(std::to_string(check));
  ASSERT_EQ(last % WD_SAMPLES_EVERY, 0);
  EXPECT_EQ(kept, expected);
}

TEST_F(Samples, KeysThatAreNoneOfOursBeginAnew)
{
  publish(10, 10);
  execute(file, "INSERT INTO samples(id) VALUES(9223372036854775807)");
  reopen();
  publish(20, 0);
  EXPECT_EQ(names(), Rows{"0|watchdog"});
}

TEST_F(Status, ALinkIsRefused)
{
  ASSERT_EQ(symlink("/dev/null", file.c_str()), 0);
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wd_status_open(file.c_str(), &error), nullptr);
  EXPECT_EQ(error->message, file + ": is a symbolic link");
}

} // namespace
