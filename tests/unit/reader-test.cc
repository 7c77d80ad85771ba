#include "watchdog/store/reader.h"

#include "tests/unit/store-fixture.h"

#include "watchdog/store/status.h"

namespace
{

class Reader : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("history.db");
  }

  void write_one_event()
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  }

  void expect_error(const WdSchema &schema, WdStoreError code, const std::string &message)
  {
    g_autoptr(GError) error = nullptr;
    g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &schema, &error);
    EXPECT_EQ(db, nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_TRUE(g_error_matches(error, WD_STORE_ERROR, code)) << error->code;
    EXPECT_EQ(error->message, message);
  }

  std::string file;
};

TEST_F(Reader, ReadsWhileTheWriterIsThereAndAfterIt)
{
  for (bool with_writer : {true, false}) {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STARTED);
    if (!with_writer)
      g_clear_pointer(&history, wd_history_free);
    g_autoptr(GError) error = nullptr;
    g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &wd_schema_history, &error);
    ASSERT_NE(db, nullptr) << error->message;
    gint64 count = 0;
    EXPECT_TRUE(wd_database_integer(db, "SELECT count(*) FROM events", &count, nullptr));
    EXPECT_EQ(count, 1);
  }
}

TEST_F(Reader, CannotWrite)
{
  write_one_event();
  g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &wd_schema_history, nullptr);
  ASSERT_NE(db, nullptr);
  EXPECT_FALSE(wd_database_exec(db, "DELETE FROM events", nullptr));
  EXPECT_EQ(rows(file, "SELECT count(*) FROM events"), Rows{"1"});
}

TEST_F(Reader, AMissingOrEmptyFileIsMissing)
{
  expect_error(wd_schema_history, WD_STORE_ERROR_MISSING, file + ": No such file or directory");
  ASSERT_TRUE(g_file_set_contents(file.c_str(), "", 0, nullptr));
  expect_error(wd_schema_history, WD_STORE_ERROR_MISSING, file + ": is still empty");
  execute(file, "PRAGMA journal_mode=WAL");
  ASSERT_TRUE(g_file_set_contents((file + "-wal").c_str(), "", 0, nullptr));
  expect_error(wd_schema_history, WD_STORE_ERROR_MISSING, file + ": is still empty");
}

// Nothing in it needs keeping, so a status without its log is just one that begins.
TEST_F(Reader, AStatusWithoutALogIsNoFailure)
{
  file = path("status.db");
  execute(file, "PRAGMA journal_mode=WAL");
  ASSERT_FALSE(wd_reader_has_wal(file.c_str()));
  expect_error(wd_schema_status, WD_STORE_ERROR_MISSING, file + ": is still empty");
}

TEST_F(Reader, OtherFilesAreRefused)
{
  ASSERT_TRUE(g_file_set_contents(file.c_str(), "this is no database, just text\n", -1, nullptr));
  expect_error(wd_schema_history, WD_STORE_ERROR_CORRUPT, file + ": file is not a database");
  unlink(file.c_str());
  execute(file, "CREATE TABLE t(a)");
  expect_error(wd_schema_history, WD_STORE_ERROR_CORRUPT,
               file + ": is no history of osquery-watchdog (application_id 0)");
  unlink(file.c_str());
  ASSERT_EQ(mkdir(file.c_str(), 0700), 0);
  expect_error(wd_schema_history, WD_STORE_ERROR_IO, file + ": is no regular file");
  rmdir(file.c_str());
}

TEST_F(Reader, TheHistoryIsNoStatus)
{
  write_one_event();
  expect_error(wd_schema_status, WD_STORE_ERROR_CORRUPT,
               file + ": is no status of osquery-watchdog (application_id 1331127368)");
}

TEST_F(Reader, ANewerSchemaIsNamed)
{
  write_one_event();
  execute(file, "PRAGMA user_version=9");
  expect_error(wd_schema_history, WD_STORE_ERROR_NEWER,
               file + ": has schema version 9, this program knows up to 3");
}

TEST_F(Reader, ACopyThatLacksItsLogIsRefusedAndStaysAsItIs)
{
  const std::string message =
      file +
      "-wal: is missing although the watchdog never stopped: copy it along with the database,"
      " or create it empty to read what is there";
  g_autoptr(WdHistory) history = open_history(path("live.db"), run("a"));
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  // A copy of nothing but the database: first while all is in the log, then with a part.
  for (bool moved_into_database : {false, true}) {
    if (moved_into_database)
      execute(path("live.db"), "PRAGMA wal_checkpoint");
    g_autofree char *text = nullptr;
    gsize length;
    ASSERT_TRUE(g_file_get_contents(path("live.db").c_str(), &text, &length, nullptr));
    ASSERT_TRUE(g_file_set_contents(file.c_str(), text, static_cast<gssize>(length), nullptr));
    expect_error(wd_schema_history, WD_STORE_ERROR_IO, message);
    EXPECT_FALSE(wd_reader_has_wal(file.c_str()));
    EXPECT_NE(access((file + "-shm").c_str(), F_OK), 0);
  }
  // The way out that the message offers.
  ASSERT_TRUE(g_file_set_contents((file + "-wal").c_str(), "", 0, nullptr));
  g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &wd_schema_history, nullptr);
  EXPECT_NE(db, nullptr);
}

TEST_F(Reader, AStoppedHistoryNeedsNoLog)
{
  {
    g_autoptr(WdHistory) history = open_history(file, run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STOPPED);
  }
  ASSERT_EQ(unlink((file + "-wal").c_str()), 0);
  ASSERT_EQ(unlink((file + "-shm").c_str()), 0);
  g_autoptr(GError) error = nullptr;
  g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &wd_schema_history, &error);
  ASSERT_NE(db, nullptr) << error->message;
  gint64 count = 0;
  EXPECT_TRUE(wd_database_integer(db, "SELECT count(*) FROM events", &count, nullptr));
  EXPECT_EQ(count, 1);
  EXPECT_FALSE(wd_reader_has_wal(file.c_str()));
}

TEST_F(Reader, PathsAreTakenLiterally)
{
  for (const char *name : {"a?mode=rw", "a#b", "a%41", "a b"}) {
    file = path(name);
    write_one_event();
    g_autoptr(GError) error = nullptr;
    g_autoptr(sqlite3) db = wd_reader_open(file.c_str(), &wd_schema_history, &error);
    EXPECT_NE(db, nullptr) << error->message;
  }
}

TEST_F(Reader, AFileWithoutPermissionIsNamed)
{
  // Root may read everything, so as root the test becomes somebody else for a moment.
  uid_t us = geteuid();
  write_one_event();
  ASSERT_EQ(chmod(directory.c_str(), 0711), 0);
  ASSERT_EQ(us == 0 ? seteuid(65534) : chmod(file.c_str(), 0), 0);
  expect_error(wd_schema_history, WD_STORE_ERROR_IO, file + ": Permission denied");
  ASSERT_EQ(seteuid(us), 0);
}

} // namespace
