// What the tests of the store share: a directory that goes with the test, and SQL on its files.
#pragma once

#include "watchdog/store/database.h"
#include "watchdog/store/history.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

// The tables of history.db as each version made them: never change one that has been released.
static const char *const HISTORY_1 =
    "PRAGMA journal_mode=WAL;"
    "CREATE TABLE events(eid INTEGER PRIMARY KEY, time INTEGER NOT NULL, run_id TEXT NOT NULL,"
    " event TEXT NOT NULL, role TEXT NOT NULL, name TEXT, path TEXT, pid INTEGER, reason TEXT,"
    " measured INTEGER, limit_value INTEGER, unit TEXT, utilization REAL,"
    " utilization_limit INTEGER, sustained INTEGER, outcome TEXT, exit_code INTEGER,"
    " exit_signal INTEGER, signals_sent TEXT, duration_ms INTEGER, lifetime_ms INTEGER,"
    " delay INTEGER, restarts INTEGER, query_name TEXT, query TEXT, cause_eid INTEGER,"
    " details TEXT, message TEXT) STRICT;"
    "CREATE INDEX events_time ON events(time);"
    "CREATE INDEX events_event_time ON events(event, time);"
    "CREATE TABLE run(id INTEGER PRIMARY KEY CHECK(id = 0), run_id TEXT NOT NULL,"
    " boot_id TEXT NOT NULL, pid INTEGER NOT NULL, base INTEGER NOT NULL) STRICT;"
    "PRAGMA application_id=1331127368; PRAGMA user_version=1;";

static const std::string HISTORY_2 = std::string(HISTORY_1) +
                                     "ALTER TABLE events ADD COLUMN peak INTEGER;"
                                     "ALTER TABLE events ADD COLUMN baseline INTEGER;"
                                     "PRAGMA user_version=2;";

class StoreTest : public testing::Test
{
protected:
  void SetUp() override
  {
    g_autofree char *made = g_dir_make_tmp("watchdog-store-XXXXXX", nullptr);
    ASSERT_NE(made, nullptr);
    directory = made;
  }

  void TearDown() override
  {
    g_autoptr(GDir) dir = g_dir_open(directory.c_str(), 0, nullptr);
    while (const char *name = dir != nullptr ? g_dir_read_name(dir) : nullptr)
      unlink((directory + "/" + name).c_str());
    rmdir(directory.c_str());
  }

  std::string path(const char *name) const
  {
    return directory + "/" + name;
  }

  // A run as the watchdog would begin it.
  static WdHistoryRun run(const char *run_id, const char *boot_id = "boot-1", gint64 pid = 100,
                          gint64 now_s = 1000)
  {
    WdHistoryRun result = {};
    result.run_id = run_id;
    result.boot_id = boot_id;
    result.watchdog_pid = pid;
    result.now_s = now_s;
    return result;
  }

  static WdHistory *open_history(const std::string &file, const WdHistoryRun &run)
  {
    g_autoptr(GError) error = nullptr;
    WdHistory *history = wd_history_open(file.c_str(), &run, &error);
    EXPECT_NE(history, nullptr) << (error != nullptr ? error->message : "");
    return history;
  }

  static WdEvent *new_event(guint64 seq, WdEventKind kind, gint64 time_s = 1000, gint64 pid = 42)
  {
    WdEvent *event = wd_event_new(kind, WD_ROLE_WORKER, "worker", "/opt/osqueryd");
    event->seq = seq;
    event->time_s = time_s;
    event->pid = pid;
    return event;
  }

  static void append(WdHistory *history, guint64 seq, WdEventKind kind, gint64 time_s = 1000,
                     gint64 pid = 42)
  {
    g_autoptr(WdEvent) event = new_event(seq, kind, time_s, pid);
    g_autoptr(GError) error = nullptr;
    EXPECT_TRUE(wd_history_append(history, &event, 1, &error)) << error->message;
  }

  // SQLite would remove the -wal when the last connection goes.
  static void open_keeping_wal(const std::string &file, sqlite3 **db)
  {
    int keep = 1;
    EXPECT_EQ(sqlite3_open(file.c_str(), db), SQLITE_OK);
    EXPECT_EQ(sqlite3_file_control(*db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep), SQLITE_OK);
  }

  // Every row of a query, its values joined by '|', NULL as "-".
  static std::vector<std::string> rows(const std::string &file, const char *sql)
  {
    std::vector<std::string> result;
    g_autoptr(sqlite3) db = nullptr;
    open_keeping_wal(file, &db);
    g_autoptr(sqlite3_stmt) stmt = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const unsigned char *text = sqlite3_column_text(stmt, i);
        row += i > 0 ? "|" : "";
        row += text != nullptr ? reinterpret_cast<const char *>(text) : "-";
      }
      result.push_back(row);
    }
    EXPECT_EQ(step, SQLITE_DONE) << sqlite3_errmsg(db);
    return result;
  }

  static void execute(const std::string &file, const char *sql)
  {
    g_autoptr(sqlite3) db = nullptr;
    open_keeping_wal(file, &db);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  }

  static mode_t mode(const std::string &file)
  {
    struct stat info;
    return stat(file.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }

  std::string directory;
};

using Rows = std::vector<std::string>;
