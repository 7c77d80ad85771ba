#include "watchdog/store/history.h"

#include "tests/unit/store-fixture.h"
#include "watchdog/store/schema.h"

#include <fcntl.h>

namespace
{

class History : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("history.db");
  }

  // A run that records @kinds for pid 42 and then ends without closing anything.
  void crashing_run(const char *run_id, const std::vector<WdEventKind> &kinds)
  {
    g_autoptr(WdHistory) history = open_history(file, run(run_id));
    guint64 seq = 0;
    for (WdEventKind kind : kinds)
      append(history, ++seq, kind);
  }

  std::string file;
};

TEST_F(History, FilesArePrivateWhateverTheUmask)
{
  const mode_t masks[] = {0, 077, 0777};
  for (mode_t mask : masks) {
    mode_t before = umask(mask);
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    umask(before);
    EXPECT_EQ(mode(file), 0600u);
    EXPECT_EQ(mode(file + "-wal"), 0600u);
    EXPECT_EQ(mode(file + "-shm"), 0600u);
    unlink(file.c_str());
    unlink((file + "-wal").c_str());
    unlink((file + "-shm").c_str());
  }
}

TEST_F(History, IsSetUpForDurabilityAndPruning)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  EXPECT_EQ(rows(file, "PRAGMA journal_mode"), Rows{"wal"});
  EXPECT_EQ(rows(file, "PRAGMA auto_vacuum"), Rows{"2"});
  EXPECT_EQ(rows(file, "PRAGMA user_version"), Rows{"3"});
  EXPECT_EQ(rows(file, "PRAGMA application_id"), Rows{std::to_string(0x4f576448)});
}

TEST_F(History, EveryColumnGetsItsValue)
{
  g_autoptr(WdHistory) history = open_history(file, run("run-1"));
  append(history, 1, WD_EVENT_LIMIT_EXCEEDED);
  g_autoptr(WdEvent) event =
      wd_event_new(WD_EVENT_PROCESS_TERMINATED, WD_ROLE_EXTENSION, "a.ext", "/x/a.ext");
  event->seq = 2;
  event->cause_seq = 1;
  event->time_s = 10;
  event->pid = 11;
  event->reason = WD_REASON_CPU;
  event->measured = 12;
  event->limit_value = 13;
  event->unit = WD_UNIT_MS;
  event->peak_bytes = 23;
  event->baseline_bytes = 24;
  event->utilization = 14.5;
  event->utilization_limit = 15;
  event->sustained_s = 16;
  event->outcome = WD_OUTCOME_KILLED;
  event->exit_code = 17;
  event->exit_signal = 18;
  event->signals_sent = static_cast<WdSignals>(WD_SIGNALS_TERM | WD_SIGNALS_KILL);
  event->duration_ms = 19;
  event->lifetime_ms = 20;
  event->delay_s = 21;
  event->restarts = 22;
  event->core_dumped = TRUE;
  event->origin = WD_ORIGIN_SCHEDULE;
  event->query_name = g_strdup("q");
  event->query = g_strdup("SELECT 1");
  event->thread = g_strdup("SchedulerRunner");
  event->last_output = g_strdup("panic\n");
  event->details = g_strdup("{}");
  event->message = g_strdup("gone");
  ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
  EXPECT_EQ(
      rows(file, "SELECT * FROM events WHERE eid = 2"),
      Rows{"2|10|run-1|process_terminated|extension|a.ext|/x/a.ext|11|cpu|12|13|ms|14.5|15|16|"
           "killed|17|18|TERM,KILL|19|20|21|22|q|SELECT "
           "1|1|{}|gone|23|24|1|schedule|SchedulerRunner|"
           "panic\n"});
}

TEST_F(History, AbsentValuesAreNull)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  append(history, 1, WD_EVENT_PROCESS_STARTED, 1000, WD_NONE);
  EXPECT_EQ(
      rows(file, "SELECT * FROM events"),
      Rows{"1|1000|a|process_started|worker|worker|/opt/osqueryd|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|"
           "-|-|-|-|-|-|-|-|-|-|-"});
}

TEST_F(History, TextIsMadeValid)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  g_autoptr(WdEvent) event = new_event(1, WD_EVENT_PROCESS_EXITED);
  event->message = g_strdup("a\xff"
                            "b");
  ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
  EXPECT_EQ(rows(file, "SELECT message FROM events"), Rows{"a\xef\xbf\xbd"
                                                           "b"});
}

TEST_F(History, AppendingTheSameEventAgainChangesNothing)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  append(history, 1, WD_EVENT_PROCESS_STARTED, 1000);
  WdEvent *events[] = {new_event(1, WD_EVENT_PROCESS_EXITED, 2000),
                       new_event(2, WD_EVENT_PROCESS_EXITED, 2000)};
  EXPECT_TRUE(wd_history_append(history, events, 2, nullptr));
  for (WdEvent *event : events)
    wd_event_free(event);
  EXPECT_EQ(rows(file, "SELECT eid, time, event FROM events ORDER BY eid"),
            (Rows{"1|1000|process_started", "2|2000|process_exited"}));
}

TEST_F(History, AppendIsAllOrNothing)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  execute(file, "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.pid = 666"
                " BEGIN SELECT raise(ABORT, 'refused'); END");
  WdEvent *events[] = {new_event(1, WD_EVENT_PROCESS_STARTED, 1000, 1),
                       new_event(2, WD_EVENT_PROCESS_EXITED, 1000, 666)};
  g_autoptr(GError) error = nullptr;
  EXPECT_FALSE(wd_history_append(history, events, 2, &error));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->domain, WD_STORE_ERROR);
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"0"});

  execute(file, "DROP TRIGGER refuse");
  EXPECT_TRUE(wd_history_append(history, events, 2, nullptr));
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"2"});
  for (WdEvent *event : events)
    wd_event_free(event);
}

TEST_F(History, EidsGrowAcrossRuns)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    EXPECT_EQ(wd_history_base(history) + 7, 7);
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    append(history, 2, WD_EVENT_WATCHDOG_STOPPED);
  }
  g_autoptr(WdHistory) history = open_history(file, run("b"));
  EXPECT_EQ(wd_history_base(history) + 1, 3);
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  EXPECT_EQ(rows(file, "SELECT eid, run_id, event FROM events ORDER BY eid"),
            (Rows{"1|a|watchdog_started", "2|a|watchdog_stopped", "3|b|watchdog_started"}));
}

TEST_F(History, ReopeningGoesOnWithTheSameRun)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    append(history, 2, WD_EVENT_LIMIT_EXCEEDED);
  }
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  EXPECT_EQ(wd_history_base(history) + 3, 3);
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"2"});
}

TEST_F(History, TheNextRunRecordsACrash)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a", "boot-1", 100));
    g_autoptr(WdEvent) started =
        wd_event_new(WD_EVENT_WATCHDOG_STARTED, WD_ROLE_WATCHDOG, "watchdog", "/usr/bin/w");
    started->seq = 1;
    ASSERT_TRUE(wd_history_append(history, &started, 1, nullptr));
  }
  g_autoptr(WdHistory) history = open_history(file, run("b", "boot-1", 200, 5000));
  EXPECT_EQ(rows(file, "SELECT eid, time, run_id, event, role, name, path, pid, reason FROM events"
                       " WHERE eid > 1"),
            Rows{"2|5000|a|watchdog_crashed|watchdog|watchdog|/usr/bin/w|100|-"});
  EXPECT_EQ(wd_history_base(history) + 1, 3);
}

TEST_F(History, ARebootIsToldFromACrash)
{
  crashing_run("a", {WD_EVENT_WATCHDOG_STARTED});
  g_autoptr(WdHistory) history = open_history(file, run("b", "boot-2"));
  EXPECT_EQ(rows(file, "SELECT event, reason FROM events WHERE eid > 1"),
            Rows{"watchdog_crashed|reboot"});
}

TEST_F(History, ARunThatRecordedNothingCrashedToo)
{
  crashing_run("a", {});
  g_autoptr(WdHistory) history = open_history(file, run("b"));
  EXPECT_EQ(rows(file, "SELECT eid, run_id, event, path FROM events"),
            Rows{"1|a|watchdog_crashed|-"});
}

TEST_F(History, OnlyTheNewestRunIsJudged)
{
  crashing_run("a", {WD_EVENT_WATCHDOG_STARTED});
  crashing_run("b", {WD_EVENT_WATCHDOG_STARTED, WD_EVENT_WATCHDOG_STOPPED});
  crashing_run("c", {});
  g_autoptr(WdHistory) history = open_history(file, run("d"));
  EXPECT_EQ(rows(file, "SELECT run_id FROM events WHERE event = 'watchdog_crashed'"),
            (Rows{"a", "c"}));
}

TEST_F(History, InterruptedTerminationsAreClosed)
{
  const struct {
    const char *what;
    std::vector<WdEventKind> kinds;
    Rows closed; // cause_eid
  } cases[] = {
      {"open", {WD_EVENT_LIMIT_EXCEEDED}, {"1"}},
      {"stuck", {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_TERMINATION_STUCK}, {"1"}},
      {"closed", {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_PROCESS_TERMINATED}, {}},
      {"gone by itself", {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_PROCESS_EXITED}, {}},
      {"second one open",
       {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_PROCESS_TERMINATED, WD_EVENT_LIMIT_EXCEEDED},
       {"3"}},
      {"stopped", {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_WATCHDOG_STOPPED}, {}},
      {"dry run", {WD_EVENT_WOULD_TERMINATE}, {}},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    crashing_run("a", c.kinds);
    g_autoptr(WdHistory) history = open_history(file, run("b", "boot-1", 200, 5000));
    EXPECT_EQ(rows(file, "SELECT cause_eid FROM events WHERE time = 5000"
                         " AND event = 'process_terminated'"),
              c.closed);
    g_clear_pointer(&history, wd_history_free);
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
  }
}

TEST_F(History, AClosedTerminationTellsWhatItWasFor)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    g_autoptr(WdEvent) event = new_event(1, WD_EVENT_LIMIT_EXCEEDED);
    event->reason = WD_REASON_MEMORY;
    event->measured = 300;
    event->limit_value = 200;
    event->unit = WD_UNIT_BYTES;
    event->peak_bytes = 310;
    event->baseline_bytes = 30;
    ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
    // Another process is being ended at the same time.
    append(history, 2, WD_EVENT_LIMIT_EXCEEDED, 1000, 43);
    append(history, 3, WD_EVENT_PROCESS_TERMINATED, 1000, 43);
  }
  g_autoptr(WdHistory) history = open_history(file, run("b", "boot-1", 200, 5000));
  EXPECT_EQ(rows(file, "SELECT eid, run_id, event, role, name, path, pid, reason, measured,"
                       " limit_value, unit, peak, baseline, outcome, cause_eid, exit_code"
                       " FROM events WHERE time = 5000"),
            (Rows{"4|a|watchdog_crashed|watchdog|watchdog|-|100|-|-|-|-|-|-|-|-|-",
                  "5|a|process_terminated|worker|worker|/opt/osqueryd|42|memory|300|200|bytes|"
                  "310|30|interrupted|1|-"}));
  EXPECT_EQ(wd_history_base(history) + 1, 6);
}

TEST_F(History, OfAnObservationThatCrashedNoEndingWasOpen)
{
  const std::string file = path("history.db");
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    for (guint64 seq : {1, 2}) {
      g_autoptr(WdEvent) event =
          new_event(seq, seq == 1 ? WD_EVENT_WATCHDOG_STARTED : WD_EVENT_LIMIT_EXCEEDED);
      event->details = g_strdup("{\"basis\":\"seen\"}");
      g_autoptr(GError) error = nullptr;
      ASSERT_TRUE(wd_history_append(history, &event, 1, &error)) << error->message;
    }
  }
  wd_history_free(open_history(file, run("b")));
  EXPECT_EQ(
      rows(file, "SELECT event, message FROM events WHERE eid > 2"),
      Rows{"watchdog_crashed|the observation of osqueryd watcher (100) ended without stopping"});
}

TEST_F(History, TheWatchdogsOwnEndIsToldByItsCrash)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    g_autoptr(WdEvent) event =
        wd_event_new(WD_EVENT_LIMIT_EXCEEDED, WD_ROLE_WATCHDOG, "watchdog", "/usr/bin/w");
    event->seq = 1;
    ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
  }
  g_autoptr(WdHistory) history = open_history(file, run("b"));
  EXPECT_EQ(rows(file, "SELECT event FROM events WHERE eid > 1"), Rows{"watchdog_crashed"});
}

TEST_F(History, PrunesInStepsDownToTheBounds)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  for (guint64 seq = 1; seq <= 10; seq++)
    append(history, seq, WD_EVENT_PROCESS_STARTED, static_cast<gint64>(seq) * 100);
  const struct {
    gint64 max_rows;
    gint64 oldest_s;
    guint most;
    guint removed;
    const char *kept; // first and last eid
  } steps[] = {
      {10, 0, 5, 0, "1|10"},    {8, 0, 1, 1, "2|10"},     {8, 0, 5, 1, "3|10"},
      {100, 500, 5, 2, "5|10"}, {100, 501, 5, 1, "6|10"}, {3, 900, 1, 1, "7|10"},
      {3, 900, 5, 2, "9|10"},   {0, 0, 5, 1, "10|10"},    {0, 5000, 5, 0, "10|10"},
  };
  for (const auto &step : steps) {
    guint removed = 77;
    ASSERT_TRUE(
        wd_history_prune(history, step.max_rows, step.oldest_s, step.most, &removed, nullptr));
    EXPECT_EQ(removed, step.removed) << step.kept;
    EXPECT_EQ(rows(file, "SELECT min(eid), max(eid) FROM events"), Rows{step.kept});
  }
}

TEST_F(History, AWrongClockMakesNoHoles)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  const gint64 times[] = {1000, 5, 2000, 3000};
  guint64 seq = 0;
  for (gint64 time_s : times)
    append(history, ++seq, WD_EVENT_PROCESS_STARTED, time_s);
  guint removed;
  ASSERT_TRUE(wd_history_prune(history, 100, 900, 10, &removed, nullptr));
  EXPECT_EQ(removed, 0u);
  ASSERT_TRUE(wd_history_prune(history, 100, 1500, 10, &removed, nullptr));
  EXPECT_EQ(removed, 2u);
}

TEST_F(History, EidsAreNotReusedAfterPruning)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    for (guint64 seq = 1; seq <= 5; seq++)
      append(history, seq, WD_EVENT_WATCHDOG_STOPPED);
    guint removed;
    ASSERT_TRUE(wd_history_prune(history, 0, G_MAXINT64, 100, &removed, nullptr));
    EXPECT_EQ(removed, 4u);
  }
  g_autoptr(WdHistory) history = open_history(file, run("b"));
  EXPECT_EQ(wd_history_base(history) + 1, 6);
}

TEST_F(History, PruningGivesPagesBack)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  std::vector<WdEvent *> events;
  for (guint64 seq = 1; seq <= 2000; seq++) {
    events.push_back(new_event(seq, WD_EVENT_PROCESS_STARTED));
    events.back()->details = g_strnfill(300, 'x');
  }
  ASSERT_TRUE(wd_history_append(history, events.data(), events.size(), nullptr));
  for (WdEvent *event : events)
    wd_event_free(event);
  int pages = std::stoi(rows(file, "PRAGMA page_count")[0]);
  guint removed = 100;
  while (removed == 100)
    ASSERT_TRUE(wd_history_prune(history, 100, 0, 100, &removed, nullptr));
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"100"});
  EXPECT_LT(std::stoi(rows(file, "PRAGMA page_count")[0]), pages / 10);
  EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
}

TEST_F(History, ALockedFileIsBusyWithinTheTimeAllowed)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  g_autoptr(sqlite3) other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  g_autoptr(WdEvent) event = new_event(1, WD_EVENT_PROCESS_STARTED);
  g_autoptr(GError) error = nullptr;
  gint64 began = g_get_monotonic_time();
  EXPECT_FALSE(wd_history_append(history, &event, 1, &error));
  EXPECT_LT(g_get_monotonic_time() - began, 4 * G_TIME_SPAN_SECOND);
  EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_BUSY));

  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_TRUE(wd_history_append(history, &event, 1, nullptr));
}

// Reading while the writer writes: neither waits, and the reader sees one state.
TEST_F(History, AReaderDoesNotHoldUpTheWriter)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  append(history, 1, WD_EVENT_PROCESS_STARTED);
  g_autoptr(sqlite3) reader = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &reader), SQLITE_OK);
  g_autoptr(sqlite3_stmt) stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(reader, "SELECT eid FROM events", -1, &stmt, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  append(history, 2, WD_EVENT_PROCESS_EXITED);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_DONE);
}

TEST_F(History, FilesThatCannotBeUsedAreLeftAlone)
{
  const struct {
    const char *what;
    std::vector<const char *> sql; // nullptr: no database
    WdStoreError code;
    const char *message;
  } cases[] = {
      {"text", {}, WD_STORE_ERROR_CORRUPT, "file is not a database"},
      {"foreign", {"CREATE TABLE t(a)"}, WD_STORE_ERROR_CORRUPT, "is no history"},
      {"foreign id", {"PRAGMA application_id=7"}, WD_STORE_ERROR_CORRUPT, "application_id 7"},
      {"newer",
       {"CREATE TABLE t(a)", "PRAGMA application_id=1331127368", "PRAGMA user_version=4"},
       WD_STORE_ERROR_NEWER,
       "has schema version 4, this program knows up to 3"},
      {"wrong tables",
       {"CREATE TABLE t(a)", "PRAGMA application_id=1331127368", "PRAGMA user_version=1"},
       WD_STORE_ERROR_CORRUPT,
       "no such table"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    if (c.sql.empty()) {
      ASSERT_TRUE(
          g_file_set_contents(file.c_str(), "this is no database, just text\n", -1, nullptr));
    }
    for (const char *sql : c.sql)
      execute(file, sql);
    g_autofree char *before = nullptr;
    gsize length;
    ASSERT_TRUE(g_file_get_contents(file.c_str(), &before, &length, nullptr));

    WdHistoryRun r = run("a");
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(wd_history_open(file.c_str(), &r, &error), nullptr);
    EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, c.code));
    EXPECT_EQ(std::string(error->message).find(file + ": "), 0u) << error->message;
    EXPECT_NE(std::string(error->message).find(c.message), std::string::npos) << error->message;
    EXPECT_EQ(std::string(error->message).find('\n'), std::string::npos);

    if (c.sql.size() < 3 || c.code == WD_STORE_ERROR_NEWER) {
      g_autofree char *after = nullptr;
      gsize after_length;
      ASSERT_TRUE(g_file_get_contents(file.c_str(), &after, &after_length, nullptr));
      EXPECT_EQ(std::string(before, length), std::string(after, after_length));
    }
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
  }
}

TEST_F(History, OnlyRegularFilesAreOpened)
{
  WdHistoryRun r = run("a");
  const struct {
    const char *what;
    const char *message;
  } cases[] = {{"link", "is a symbolic link"},
               {"dangling", "is a symbolic link"},
               {"fifo", "is no regular file"},
               {"missing/history.db", "cannot be created: No such file or directory"}};
  g_autoptr(WdHistory) target = open_history(path("target"), r);
  ASSERT_EQ(symlink(path("target").c_str(), path("link").c_str()), 0);
  ASSERT_EQ(symlink(path("nowhere").c_str(), path("dangling").c_str()), 0);
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  for (const auto &c : cases) {
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(wd_history_open(path(c.what).c_str(), &r, &error), nullptr);
    EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_IO));
    EXPECT_EQ(error->message, path(c.what) + ": " + c.message);
  }
  EXPECT_NE(access(path("nowhere").c_str(), F_OK), 0);
}

TEST_F(History, AnImpossibleEidIsCorruption)
{
  crashing_run("a", {});
  execute(file, "INSERT INTO events(eid, time, run_id, event, role)"
                " VALUES(9223372036854775807, 1, 'a', 'watchdog_stopped', 'watchdog')");
  WdHistoryRun r = run("b");
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wd_history_open(file.c_str(), &r, &error), nullptr);
  EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT));
}

// A file of each older version, as that version made it.
TEST_F(History, AFileOfEachVersionIsMigrated)
{
  const std::string versions[] = {HISTORY_1, HISTORY_2};
  ASSERT_EQ(static_cast<gint32>(G_N_ELEMENTS(versions)) + 1, wd_schema_history.version);
  for (const std::string &sql : versions) {
    execute(file, (sql + "INSERT INTO run VALUES(0, 'old', 'boot-1', 7, 3);"
                         "INSERT INTO events(eid, time, run_id, event, role, pid) VALUES"
                         " (4, 100, 'old', 'watchdog_started', 'watchdog', 7),"
                         " (5, 101, 'old', 'limit_exceeded', 'worker', 8)")
                      .c_str());
    g_autoptr(WdHistory) history = open_history(file, run("new", "boot-1", 9, 200));
    g_autoptr(WdEvent) event = new_event(1, WD_EVENT_PROCESS_EXITED);
    event->peak_bytes = 70;
    event->baseline_bytes = 30;
    ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
    EXPECT_EQ(rows(file, "PRAGMA user_version"), Rows{std::to_string(wd_schema_history.version)});
    EXPECT_EQ(rows(file, "SELECT eid, time, run_id, event, role, pid, cause_eid, peak, baseline"
                         " FROM events"),
              (Rows{"4|100|old|watchdog_started|watchdog|7|-|-|-",
                    "5|101|old|limit_exceeded|worker|8|-|-|-",
                    "6|200|old|watchdog_crashed|watchdog|7|-|-|-",
                    "7|200|old|process_terminated|worker|8|5|-|-",
                    "8|1000|new|process_exited|worker|42|-|70|30"}));
    EXPECT_EQ(rows(file, "SELECT eid, reason, downtime_ms FROM terminations ORDER BY eid"),
              (Rows{"7|-|-", "8|-|-"}));
    EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
    g_clear_pointer(&history, wd_history_free);
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
  }
}

} // namespace
