#include "watchdog/record/history-keeper.h"

#include "tests/unit/store-fixture.h"

namespace
{

class HistoryKeeper : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    state_dir = wd_private_directory_new(directory.c_str());
    keeper.directory = state_dir;
    keeper.path = g_strdup(path("history.db").c_str());
    keeper.run_id = g_strdup("run");
    keeper.boot_id = g_strdup("boot");
    keeper.max_rows = 1000;
    keeper.expiry_s = 1000;
    keeper.base = WD_NONE;
  }

  void TearDown() override
  {
    wd_history_keeper_clear(&keeper);
    wd_private_directory_free(state_dir);
    StoreTest::TearDown();
  }

  bool append(guint64 seq)
  {
    g_autoptr(WdEvent) event = new_event(seq, WD_EVENT_PROCESS_EXITED);
    WdRecovery *recovery = nullptr;
    const bool done = wd_history_keeper_append(&keeper, &event, seq != 0 ? 1 : 0, &recovery);
    recovered = recovered || recovery != nullptr;
    wd_recovery_free(recovery);
    return done;
  }

  bool is_due() const
  {
    return wd_history_keeper_due_us(&keeper) <= g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
  }

  WdPrivateDirectory *state_dir = nullptr;
  WdHistoryKeeper keeper = {};
  bool recovered = false;
};

TEST_F(HistoryKeeper, AHistoryIsOpenedAtOnceAndThenPrunedNowAndThen)
{
  EXPECT_TRUE(is_due());
  EXPECT_TRUE(append(0));
  EXPECT_TRUE(is_due());
  wd_history_keeper_prune(&keeper);
  EXPECT_FALSE(is_due());
}

// Nothing else may happen for a long time.
TEST_F(HistoryKeeper, WhatPruningFindsIsSeenToSoon)
{
  ASSERT_TRUE(append(1));
  for (const char *suffix : {"", "-wal", "-shm"})
    ASSERT_EQ(unlink((keeper.path + std::string(suffix)).c_str()), 0);
  wd_history_keeper_prune(&keeper);
  EXPECT_FALSE(recovered);
  EXPECT_TRUE(is_due());
  EXPECT_TRUE(append(0));
  EXPECT_TRUE(recovered);
  EXPECT_FALSE(is_due());
}

TEST_F(HistoryKeeper, WhatCannotBeOpenedIsTriedAgainSoon)
{
  ASSERT_EQ(mkdir(keeper.path, 0700), 0);
  EXPECT_FALSE(append(0));
  EXPECT_TRUE(is_due());
  EXPECT_GT(wd_history_keeper_due_us(&keeper), g_get_monotonic_time());
  ASSERT_EQ(rmdir(keeper.path), 0);
  EXPECT_TRUE(append(0));
}

TEST_F(HistoryKeeper, ADirectoryThatCannotBeHadIsTriedAgainSoon)
{
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  EXPECT_FALSE(append(1));
  EXPECT_NE(access(keeper.path, F_OK), 0);
  EXPECT_TRUE(is_due());
  EXPECT_GT(wd_history_keeper_due_us(&keeper), g_get_monotonic_time());
  ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  EXPECT_TRUE(append(1));
}

} // namespace
