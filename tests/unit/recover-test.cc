#include "watchdog/store/recover.h"

#include "tests/unit/store-fixture.h"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <random>

namespace
{

constexpr guint64 EVENTS = 400;

class Recover : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("history.db");
  }

  WdHistory *open_or_recover(const WdHistoryRun &run)
  {
    recovery.reset();
    WdRecovery *told = nullptr;
    g_autoptr(GError) error = nullptr;
    WdHistory *history = wd_history_open_or_recover(file.c_str(), &run, &told, &error);
    EXPECT_NE(history, nullptr) << (error != nullptr ? error->message : "");
    recovery.reset(told);
    return history;
  }

  // A run that stops, of many events with something in them.
  void fill(const char *run_id = "a")
  {
    g_autoptr(WdHistory) history = open_history(file, run(run_id));
    std::vector<WdEvent *> events;
    for (guint64 seq = 1; seq <= EVENTS; seq++) {
      events.push_back(new_event(seq,
                                 seq < EVENTS ? WD_EVENT_PROCESS_EXITED : WD_EVENT_WATCHDOG_STOPPED,
                                 1000 + static_cast<gint64>(seq)));
      events.back()->message = g_strdup_printf("%03d%0100d", static_cast<int>(seq), 0);
    }
    ASSERT_TRUE(wd_history_append(history, events.data(), events.size(), nullptr));
    for (WdEvent *event : events)
      wd_event_free(event);
  }

  void checkpoint()
  {
    execute(file, "PRAGMA wal_checkpoint(TRUNCATE)");
  }

  std::string read_file(const std::string &from) const
  {
    std::ifstream stream(from, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  void write_file(const std::string &to, const std::string &content) const
  {
    std::ofstream stream(to, std::ios::binary);
    stream << content;
  }

  std::vector<std::string> asides() const
  {
    std::vector<std::string> found;
    g_autoptr(GDir) dir = g_dir_open(directory.c_str(), 0, nullptr);
    while (const char *name = g_dir_read_name(dir))
      if (std::string(name).find(".aside") != std::string::npos)
        found.push_back(name);
    std::sort(found.begin(), found.end());
    return found;
  }

  void remove_asides()
  {
    for (const std::string &name : asides())
      unlink((directory + "/" + name).c_str());
  }

  struct FreeRecovery {
    void operator()(WdRecovery *told) const
    {
      wd_recovery_free(told);
    }
  };

  std::string file;
  std::unique_ptr<WdRecovery, FreeRecovery> recovery;
};

TEST_F(Recover, ASoundHistoryIsJustOpened)
{
  fill();
  g_autoptr(WdHistory) history = open_or_recover(run("b"));
  EXPECT_EQ(recovery, nullptr);
  EXPECT_EQ(wd_history_base(history), static_cast<gint64>(EVENTS));
  EXPECT_EQ(asides(), std::vector<std::string>());
}

TEST_F(Recover, AForeignFileIsPutAsideWithItsTime)
{
  const std::string contents[] = {"this is no database, just text\n", std::string(5000, '\0')};
  for (const std::string &content : contents) {
    write_file(file, content);
    g_autoptr(WdHistory) history = open_or_recover(run("a"));
    ASSERT_NE(recovery, nullptr);
    EXPECT_EQ(recovery->saved, 0);
    EXPECT_EQ(std::string(recovery->problem).find(file + ": "), 0u) << recovery->problem;
    EXPECT_TRUE(g_regex_match_simple("/history\\.db\\.aside-\\d{8}T\\d{6}$", recovery->moved_to,
                                     static_cast<GRegexCompileFlags>(0),
                                     static_cast<GRegexMatchFlags>(0)))
        << recovery->moved_to;
    EXPECT_TRUE(read_file(recovery->moved_to) == content);
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    g_clear_pointer(&history, wd_history_free);
    EXPECT_EQ(asides().size(), 1u);
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
    remove_asides();
  }
}

TEST_F(Recover, AnEmptyFileIsNotWorthKeeping)
{
  write_file(file, "");
  WdHistoryRun again = run("a");
  again.begun = TRUE;
  again.base = 70;
  again.stored = 3;
  g_autoptr(WdHistory) history = open_or_recover(again);
  ASSERT_NE(recovery, nullptr);
  EXPECT_EQ(wd_history_base(history), 70);
}

TEST_F(Recover, ANewerHistoryIsLeftAlone)
{
  fill();
  execute(file, "PRAGMA user_version=4");
  checkpoint();
  const std::string before = read_file(file);
  WdHistoryRun next = run("b");
  WdRecovery *told = nullptr;
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wd_history_open_or_recover(file.c_str(), &next, &told, &error), nullptr);
  EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_NEWER));
  EXPECT_TRUE(read_file(file) == before);
  EXPECT_EQ(asides(), std::vector<std::string>());
}

TEST_F(Recover, WhatIsBesideTheDamageIsSaved)
{
  fill();
  checkpoint();
  std::string content = read_file(file);
  // One leaf of the table, in the middle of it: that of event 200.
  const size_t text = content.find("200" + std::string(100, '0'));
  ASSERT_NE(text, std::string::npos);
  std::fill_n(content.begin() + static_cast<long>(text / 4096 * 4096), 4096, '\x55');
  write_file(file, content);

  g_autoptr(WdHistory) history = open_or_recover(run("b", "boot-1", 200, 1000));
  ASSERT_NE(recovery, nullptr);
  EXPECT_NE(std::string(recovery->problem).find("is damaged: "), std::string::npos);
  const Rows saved = rows(file, "SELECT eid FROM events");
  EXPECT_EQ(recovery->saved, static_cast<gint64>(saved.size()));
  EXPECT_GT(saved.size(), EVENTS - 40);
  EXPECT_LT(saved.size(), EVENTS);
  // All that is missing is in one row: what lay on that page.
  const Rows gaps = rows(file, "SELECT eid FROM events e WHERE eid > 1 AND NOT EXISTS"
                               " (SELECT 1 FROM events WHERE eid = e.eid - 1)");
  EXPECT_EQ(gaps.size(), 1u);
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events WHERE time <> 1000 + eid"), Rows{"0"});
  EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
  EXPECT_TRUE(read_file(recovery->moved_to) == content);
}

TEST_F(Recover, OfAnOlderVersionAsMuchIsSaved)
{
  execute(file, (std::string(HISTORY_1) +
                 "INSERT INTO run VALUES(0, 'old', 'boot-1', 7, 0);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
                 "INSERT INTO events(eid, time, run_id, event, role, message)"
                 " SELECT i, 1000 + i, 'old', 'process_exited', 'worker', printf('%03d%0100d', i, "
                 "0) FROM n")
                    .c_str());
  checkpoint();
  std::string content = read_file(file);
  const size_t text = content.find("200" + std::string(100, '0'));
  ASSERT_NE(text, std::string::npos);
  std::fill_n(content.begin() + static_cast<long>(text / 4096 * 4096), 4096, '\x55');
  write_file(file, content);

  g_autoptr(WdHistory) history = open_or_recover(run("b", "boot-1", 200, 1000));
  ASSERT_NE(recovery, nullptr);
  EXPECT_GT(recovery->saved, static_cast<gint64>(EVENTS) - 40);
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events WHERE run_id = 'old' AND time = 1000 + eid"
                       " AND message LIKE printf('%03d%%', eid) AND peak IS NULL"),
            Rows{std::to_string(recovery->saved)});
  // Its run is known, and closed.
  EXPECT_EQ(rows(file, "SELECT run_id FROM events WHERE event = 'watchdog_crashed'"), Rows{"old"});
  EXPECT_EQ(rows(file, "PRAGMA user_version"), Rows{"3"});
  EXPECT_EQ(rows(file, "SELECT count(*) FROM terminations WHERE run_id = 'old'"),
            Rows{std::to_string(recovery->saved)});
}

TEST_F(Recover, DamageAtEitherEndCostsOnlyThat)
{
  for (const char *where : {"001", "399"}) {
    SCOPED_TRACE(where);
    fill();
    checkpoint();
    std::string content = read_file(file);
    const size_t text = content.find(where + std::string(100, '0'));
    ASSERT_NE(text, std::string::npos);
    std::fill_n(content.begin() + static_cast<long>(text / 4096 * 4096), 4096, '\x55');
    write_file(file, content);
    {
      g_autoptr(WdHistory) history = open_or_recover(run("b", "boot-1", 200, 1000));
      ASSERT_NE(recovery, nullptr);
      EXPECT_GT(recovery->saved, static_cast<gint64>(EVENTS) - 40);
      // 1000 s are a million ms: more than any eid before, seen or lost.
      EXPECT_GE(wd_history_base(history), 1000000);
    }
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
    remove_asides();
  }
}

TEST_F(Recover, TheNextRunClosesACrashAboveWhatMayHaveBeenUsed)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a", "boot-1", 100));
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    append(history, 2, WD_EVENT_LIMIT_EXCEEDED);
  }
  WdHistoryRun next = run("b", "boot-1", 200, 5000);
  next.floor = 40; // shown in the state, never stored
  g_autoptr(WdHistory) history = open_or_recover(next);
  EXPECT_EQ(recovery, nullptr);
  EXPECT_EQ(rows(file, "SELECT eid, event, cause_eid FROM events WHERE eid > 2"),
            (Rows{"41|watchdog_crashed|-", "42|process_terminated|2"}));
  EXPECT_EQ(wd_history_base(history), 42);
}

TEST_F(Recover, ARunKeepsItsBase)
{
  fill("a");
  g_autoptr(WdHistory) history = open_or_recover(run("b"));
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  append(history, 2, WD_EVENT_LIMIT_EXCEEDED);
  const struct {
    const char *what;
    std::vector<const char *> removed;
    const char *replacement;
  } cases[] = {
      {"removed", {"", "-wal", "-shm"}, nullptr},
      {"only the database removed", {""}, nullptr},
      {"only the log removed", {"-wal"}, nullptr},
      {"only the -shm removed", {"-shm"}, nullptr},
      {"replaced", {"", "-wal", "-shm"}, "no database"},
  };
  guint64 seq = 2;
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    const std::string told_before = rows(file, "SELECT group_concat(eid || event) FROM events")[0];
    for (const char *suffix : c.removed)
      ASSERT_EQ(unlink((file + suffix).c_str()), 0);
    if (c.replacement != nullptr)
      write_file(file, c.replacement);

    g_autoptr(WdEvent) event = new_event(seq + 1, WD_EVENT_PROCESS_TERMINATED);
    event->cause_seq = 2;
    g_autoptr(GError) error = nullptr;
    EXPECT_FALSE(wd_history_append(history, &event, 1, &error));
    ASSERT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_MOVED));

    WdHistoryRun again = run("b");
    again.begun = TRUE;
    again.base = wd_history_base(history);
    again.stored = seq;
    WdRecovery *told = nullptr;
    WdHistory *anew =
        wd_history_recover(file.c_str(), &again, history, error->message, &told, nullptr);
    ASSERT_NE(anew, nullptr);
    recovery.reset(told);
    EXPECT_EQ(recovery->saved, static_cast<gint64>(EVENTS + seq));
    wd_history_free(history);
    history = anew;
    EXPECT_EQ(rows(file, "SELECT group_concat(eid || event) FROM events")[0], told_before);
    ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
    seq++;
    EXPECT_EQ(rows(file, "SELECT eid, cause_eid FROM events ORDER BY eid DESC LIMIT 1"),
              Rows{std::to_string(EVENTS + seq) + "|" + std::to_string(EVENTS + 2)});
    EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
    remove_asides();
  }
}

TEST_F(Recover, AnInterruptedRecoveryIsTakenUp)
{
  const struct {
    const char *what;
    std::vector<std::pair<const char *, const char *>> renamed;
    const char *after; // what stands in the place by then
  } cases[] = {
      {"the log moved", {{"-wal", ".aside-wal"}}, nullptr},
      {"both moved", {{"-wal", ".aside-wal"}, {"", ".aside"}}, nullptr},
      {"begun", {{"-wal", ".aside-wal"}, {"", ".aside"}}, ""},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    fill();
    for (const auto &names : c.renamed)
      ASSERT_EQ(rename((file + names.first).c_str(), (file + names.second).c_str()), 0);
    if (c.after != nullptr)
      write_file(file, c.after);
    {
      g_autoptr(WdHistory) history = open_or_recover(run("b"));
      ASSERT_NE(recovery, nullptr);
      EXPECT_EQ(recovery->saved, static_cast<gint64>(EVENTS));
      EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{std::to_string(EVENTS)});
      EXPECT_NE(access((file + ".aside").c_str(), F_OK), 0);
    }
    g_autoptr(WdHistory) next = open_or_recover(run("c"));
    EXPECT_EQ(recovery, nullptr);
    for (const char *suffix : {"", "-wal", "-shm"})
      unlink((file + suffix).c_str());
    remove_asides();
  }
}

TEST_F(Recover, OnlyTheNewestStayAside)
{
  for (int i = 0; i < 8; i++)
    for (const char *suffix : {"", "-wal"})
      write_file(file + ".aside-2020010" + std::to_string(i) + "T000000" + suffix, "old");
  write_file(file, "no database");
  g_autoptr(WdHistory) history = open_or_recover(run("a"));
  const std::vector<std::string> left = asides();
  EXPECT_EQ(left.size(), 9u); // four old ones with their logs, and this one
  EXPECT_EQ(left.front(), "history.db.aside-20200104T000000");
  EXPECT_EQ(directory + "/" + left.back(), recovery->moved_to);
}

// While the run had it open, or while nobody had.
TEST_F(Recover, TruncationIsNoticed)
{
  for (bool while_open : {true, false})
    for (const char *suffix : {"", "-wal"})
      for (off_t kept : {0, 100, 4096, 20000}) {
        SCOPED_TRACE(std::string(suffix) + " to " + std::to_string(kept));
        SCOPED_TRACE(while_open);
        fill("a");
        if (*suffix == '\0')
          checkpoint();
        WdHistoryRun again = run("b");
        g_autoptr(WdHistory) history = open_history(file, again);
        // So few that all of them are still in the log.
        for (guint64 seq = 1; seq <= 40; seq++)
          append(history, seq, WD_EVENT_PROCESS_EXITED);
        again.begun = TRUE;
        again.base = wd_history_base(history);
        again.stored = 40;
        ASSERT_EQ(truncate((file + suffix).c_str(), kept), 0);
        g_autoptr(WdEvent) event = new_event(41, WD_EVENT_PROCESS_EXITED);
        g_autoptr(GError) error = nullptr;
        WdRecovery *told = nullptr;
        WdHistory *anew;
        if (while_open) {
          ASSERT_FALSE(wd_history_append(history, &event, 1, &error));
          ASSERT_TRUE(g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT))
              << error->message;
          anew = wd_history_recover(file.c_str(), &again, history, error->message, &told, nullptr);
        } else {
          g_clear_pointer(&history, wd_history_free);
          anew = wd_history_open_or_recover(file.c_str(), &again, &told, nullptr);
        }
        recovery.reset(told);
        g_clear_pointer(&history, wd_history_free);
        ASSERT_NE(anew, nullptr);
        history = anew;
        EXPECT_TRUE(wd_history_append(history, &event, 1, nullptr));
        EXPECT_EQ(rows(file, "SELECT max(eid) FROM events"), Rows{std::to_string(EVENTS + 41)});
        EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
        g_clear_pointer(&history, wd_history_free);
        for (const char *each : {"", "-wal", "-shm"})
          unlink((file + each).c_str());
        remove_asides();
      }
}

TEST_F(Recover, AShortenedIndexOfTheLogIsBuiltAnew)
{
  g_autoptr(WdHistory) history = open_history(file, run("a"));
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  ASSERT_EQ(truncate((file + "-shm").c_str(), 0), 0);
  append(history, 2, WD_EVENT_PROCESS_STARTED);
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"2"});
}

TEST_F(Recover, ShorteningByOneWhoMayIsNoDamage)
{
  fill();
  g_autoptr(WdHistory) history = open_history(file, run("b"));
  for (guint64 seq = 1; seq <= 30; seq++)
    append(history, seq, WD_EVENT_PROCESS_STARTED);
  checkpoint();
  append(history, 31, WD_EVENT_PROCESS_STARTED);
  execute(file, "VACUUM");
  append(history, 32, WD_EVENT_PROCESS_STARTED);
  EXPECT_EQ(rows(file, "SELECT max(eid) FROM events"), Rows{std::to_string(EVENTS + 32)});
}

// Whatever was damaged: the history opens, is sound, holds only what was there, and goes on above.
TEST_F(Recover, CorruptBytesAnywhere)
{
  fill();
  checkpoint();
  const std::string sound = read_file(file);
  const Rows all = rows(file, "SELECT eid || event || time || message FROM events");
  const unsigned rounds =
      g_getenv("WATCHDOG_LONG") != nullptr && *g_getenv("WATCHDOG_LONG") ? 5000 : 60;
  guint recovered = 0;
  gint64 saved = 0;
  for (unsigned seed = 1; seed <= rounds; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string content = sound;
    for (unsigned n = 1 + random() % 8; n > 0; n--) {
      const size_t at = random() % (random() % 4 == 0 ? 8192 : content.size());
      const size_t length = 1 + random() % (random() % 2 == 0 ? 4 : 2000);
      for (size_t i = at; i < MIN(at + length, content.size()); i++)
        content[i] = static_cast<char>(random());
    }
    write_file(file, content);
    for (const char *suffix : {"-wal", "-shm"})
      unlink((file + suffix).c_str());
    WdHistoryRun next = run("b", "boot-1", 200, 1700000000);
    WdRecovery *told = nullptr;
    g_autoptr(GError) error = nullptr;
    g_autoptr(WdHistory) history = wd_history_open_or_recover(file.c_str(), &next, &told, &error);
    recovery.reset(told);
    if (g_error_matches(error, WD_STORE_ERROR, WD_STORE_ERROR_NEWER))
      continue; // the version itself was hit
    ASSERT_NE(history, nullptr) << error->message;
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    recovered += recovery != nullptr;
    saved += recovery != nullptr ? recovery->saved : 0;
    EXPECT_EQ(rows(file, "PRAGMA integrity_check"), Rows{"ok"});
    EXPECT_EQ(rows(file, "SELECT eid FROM events WHERE run_id = 'b' ORDER BY eid DESC LIMIT 1"),
              Rows{std::to_string(wd_history_base(history) + 1)});
    EXPECT_EQ(rows(file, "SELECT max(eid) FROM events"),
              Rows{std::to_string(wd_history_base(history) + 1)});
    EXPECT_GE(wd_history_base(history), static_cast<gint64>(EVENTS));
    g_clear_pointer(&history, wd_history_free);
    remove_asides();
  }
  EXPECT_GT(recovered, rounds / 2);
  printf("%u of %u recovered, %.0f%% of the events saved\n", recovered, rounds,
         100.0 * static_cast<double>(saved) / static_cast<double>(recovered * EVENTS));
}

} // namespace
