#include "extension/denylist.h"

#include <gtest/gtest.h>

#include "watchdog/store/history.h"
#include "wire-peers.h"

namespace
{
using std::string;

const gint64 DAY = 86400;

TEST(Denylist, IsNewsOnceItHasExpired)
{
  const struct {
    gint64 recorded_start_s, worker_start_s;
    bool news;
  } cases[] = {
      {0, 1000000, true},        // never told
      {1000000, 1000000, false}, // of this worker
      {1000000, 1000500, false}, // a worker later, still the same
      {1000000, 1000000 + DAY - 1, false},
      {1000000, 1000000 + DAY, true}, // the old one is over: it did it again
      {1000000, 999000, false},       // the clock was set back
  };
  for (const auto &c : cases)
    EXPECT_EQ((bool)ext_denylist_is_news(c.recorded_start_s, c.worker_start_s), c.news)
        << c.recorded_start_s << " " << c.worker_start_s;
}

class DenylistStore : public ::testing::Test
{
protected:
  void record(gint64 time_s, WdEventKind kind, const char *query, gint64 lifetime_ms)
  {
    const WdHistoryRun run = {"run", "boot", 1, 1000};
    g_autoptr(GError) error = nullptr;
    g_autoptr(WdHistory) history =
        wd_history_open(directory_.file(WD_HISTORY_FILE).c_str(), &run, &error);
    ASSERT_NE(history, nullptr) << error->message;
    g_autoptr(WdEvent) event = wd_event_new(kind, WD_ROLE_WORKER, "worker", nullptr);
    event->seq = ++seq_;
    event->time_s = time_s;
    event->query_name = g_strdup(query);
    event->lifetime_ms = lifetime_ms;
    ASSERT_TRUE(wd_history_append(history, &event, 1, &error)) << error->message;
  }
  GHashTable *read(gint64 now_s)
  {
    const string directory = directory_.file("");
    TableStore *store = table_store_new(directory.c_str(), directory.c_str());
    g_autoptr(GError) error = nullptr;
    GHashTable *starts = ext_denylist_read(store, now_s, &error);
    EXPECT_NE(starts, nullptr) << error->message;
    table_store_free(store);
    return starts;
  }
  static gint64 start_of(GHashTable *starts, const char *query)
  {
    const auto *start_s = static_cast<const gint64 *>(g_hash_table_lookup(starts, query));
    return start_s != nullptr ? *start_s : 0;
  }
  peers::Directory directory_;
  guint64 seq_ = 0;
};

TEST_F(DenylistStore, WithoutAHistoryNothingWasTold)
{
  g_autoptr(GHashTable) starts = read(5000000);
  EXPECT_EQ(g_hash_table_size(starts), 0u);
}

TEST_F(DenylistStore, RemembersTheLatestWorkerOfEachQuery)
{
  record(5000000, WD_EVENT_QUERY_DENYLISTED, "heavy", 2000);
  record(5000000, WD_EVENT_QUERY_DENYLISTED, "heavier", WD_NONE);
  record(5000100, WD_EVENT_PROCESS_EXITED, "not this", 1000);
  record(5090000, WD_EVENT_QUERY_DENYLISTED, "heavy", 500);
  g_autoptr(GHashTable) starts = read(5090001);
  EXPECT_EQ(g_hash_table_size(starts), 2u);
  EXPECT_EQ(start_of(starts, "heavy"), 5090000);
  EXPECT_EQ(start_of(starts, "heavier"), 5000000);
  g_autoptr(GHashTable) later = read(5000000 + 2 * DAY);
  EXPECT_EQ(start_of(later, "heavy"), 5090000);
  EXPECT_EQ(start_of(later, "heavier"), 0); // long over
}
} // namespace
