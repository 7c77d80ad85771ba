// The record of what runs: written where it can be, completed later where it can't.
#include "watchdog/run/leftovers.h"

#include "tests/unit/child-process.h"
#include "tests/unit/store-fixture.h"

namespace
{

constexpr const char *MARK = "7bd9a2b5-1cf3-4cf7-9a4e-1f4f9f6f4b11";
constexpr gint64 GRACE_US = 5 * G_TIME_SPAN_SECOND;

class RunRecord : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("processes");
    runtime_dir = wd_private_directory_new(directory.c_str());
  }

  void TearDown() override
  {
    wd_run_record_finish(record, FALSE);
    wd_private_directory_free(runtime_dir);
    StoreTest::TearDown();
  }

  void begin()
  {
    (void)wd_private_directory_claim(runtime_dir, nullptr);
    record = wd_run_record_open(runtime_dir, "boot", MARK, GRACE_US, &ended);
  }

  void set(guint index, const Child &child)
  {
    WdHandle *handle = hold(child);
    wd_run_record_set(record, index, handle);
    wd_handle_free(handle);
  }

  // The pids that the file has, by line.
  std::vector<gint64> recorded() const
  {
    g_autofree char *text = nullptr;
    std::vector<gint64> pids;
    if (!g_file_get_contents(file.c_str(), &text, nullptr, nullptr))
      return pids;
    EXPECT_TRUE(g_str_has_prefix(text, "boot ")) << text;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 1; lines[i] != nullptr && *lines[i] != '\0'; i++)
      pids.push_back(g_ascii_strtoll(lines[i], nullptr, 10));
    return pids;
  }

  std::string file;
  WdPrivateDirectory *runtime_dir = nullptr;
  WdRunRecord *record = nullptr;
  guint ended = 0;
};

TEST_F(RunRecord, WhatItNamesIsEndedByTheNext)
{
  Child first, second;
  begin();
  EXPECT_EQ(ended, 0u);
  set(1, first);
  set(2, second);
  EXPECT_EQ(recorded(), (std::vector<gint64>{first.pid, second.pid}));
  wd_run_record_finish(record, TRUE);
  begin();
  EXPECT_EQ(ended, 2u);
  EXPECT_EQ(first.reap(), SIGTERM);
  EXPECT_EQ(second.reap(), SIGTERM);
  EXPECT_TRUE(recorded().empty());
}

TEST_F(RunRecord, IsCompletedOnceItsDirectoryCanBeHad)
{
  Child first, second, third;
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  begin();
  set(1, first);
  wd_run_record_complete(record);
  EXPECT_NE(access(file.c_str(), F_OK), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  ASSERT_TRUE(wd_private_directory_claim(runtime_dir, nullptr));
  set(2, second);
  wd_run_record_complete(record);
  EXPECT_EQ(recorded(), (std::vector<gint64>{first.pid, second.pid}));
  set(3, third);
  EXPECT_EQ(recorded(), (std::vector<gint64>{first.pid, second.pid, third.pid}));
}

TEST_F(RunRecord, IsCompletedOnceItCanBeWritten)
{
  Child first;
  ASSERT_EQ(mkdir(file.c_str(), 0700), 0);
  begin();
  set(1, first);
  wd_run_record_complete(record);
  ASSERT_EQ(rmdir(file.c_str()), 0);
  wd_run_record_complete(record);
  EXPECT_EQ(recorded(), std::vector<gint64>{first.pid});
  wd_run_record_finish(record, FALSE);
  record = nullptr;
  EXPECT_NE(access(file.c_str(), F_OK), 0);
}

TEST_F(RunRecord, AnotherWatchdogsIsLeftAlone)
{
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  ASSERT_TRUE(g_file_set_contents(file.c_str(), "theirs", -1, nullptr));
  begin();
  wd_run_record_finish(record, FALSE);
  record = nullptr;
  g_autofree char *text = nullptr;
  ASSERT_TRUE(g_file_get_contents(file.c_str(), &text, nullptr, nullptr));
  EXPECT_STREQ(text, "theirs");
}

} // namespace
