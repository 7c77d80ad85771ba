#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" {
#include "watchdog/record/outlet.h"
}

/* What the outlet's thread does; it hangs while @closed. */
static std::vector<int> written;
static std::atomic<int> freed;
static GMutex closed;

static void
write_item(gpointer item)
{
  g_mutex_lock(&closed);
  written.push_back(*static_cast<int *>(item));
  g_mutex_unlock(&closed);
}

static void
free_item(gpointer item)
{
  delete static_cast<int *>(item);
  freed++;
}

class Outlet : public testing::Test
{
protected:
  Outlet()
  {
    written.clear();
    freed = 0;
    outlet = wd_outlet_start("test", 10000, write_item, free_item, nullptr);
    EXPECT_NE(outlet, nullptr);
  }

  bool offer(int number, gsize size) const
  {
    return wd_outlet_offer(outlet, new int(number), size);
  }

  WdOutlet *outlet;
};

static gint64
soon()
{
  return g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
}

TEST_F(Outlet, WritesEverythingInOrderAndFreesIt)
{
  for (int i = 0; i < 50; i++)
    EXPECT_TRUE(offer(i, 1));
  ASSERT_TRUE(wd_outlet_finish(outlet, soon()));
  ASSERT_EQ(written.size(), 50u);
  for (int i = 0; i < 50; i++)
    EXPECT_EQ(written[static_cast<size_t>(i)], i);
  EXPECT_EQ(freed, 50);
}

TEST_F(Outlet, RefusesWhatFindsNoRoomAndFreesIt)
{
  g_mutex_lock(&closed);
  EXPECT_FALSE(offer(0, 10001));
  EXPECT_FALSE(offer(0, G_MAXSIZE - 1000));
  EXPECT_TRUE(wd_outlet_await_room(outlet, 0));
  EXPECT_TRUE(offer(1, 4000));
  EXPECT_TRUE(wd_outlet_await_room(outlet, 0));
  EXPECT_TRUE(offer(2, 4000)); /* the first one still counts while it is being written */
  EXPECT_FALSE(wd_outlet_await_room(outlet, 0));
  EXPECT_FALSE(offer(3, 4000));
  EXPECT_TRUE(offer(4, 1));
  EXPECT_EQ(freed, 3);
  g_mutex_unlock(&closed);
  ASSERT_TRUE(wd_outlet_finish(outlet, soon()));
  EXPECT_EQ(written, (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(freed, 6);
}

TEST_F(Outlet, IsWaitedForUntilThereIsRoom)
{
  g_mutex_lock(&closed);
  EXPECT_TRUE(offer(1, 6000));
  EXPECT_FALSE(wd_outlet_await_room(outlet, g_get_monotonic_time() + 20000));
  g_mutex_unlock(&closed);
  EXPECT_TRUE(wd_outlet_await_room(outlet, soon()));
  EXPECT_EQ(written, std::vector<int>{1});
  ASSERT_TRUE(wd_outlet_finish(outlet, soon()));
}

TEST_F(Outlet, BoundsManySmallItems)
{
  g_mutex_lock(&closed);
  int taken = 0;
  while (taken < 10000 && offer(taken, 1))
    taken++;
  EXPECT_LT(taken, 100);
  g_mutex_unlock(&closed);
  ASSERT_TRUE(wd_outlet_finish(outlet, soon()));
  EXPECT_EQ(written.size(), static_cast<size_t>(taken));
}

TEST_F(Outlet, DoesNotWaitForAThreadThatHangs)
{
  g_mutex_lock(&closed);
  offer(1, 1);
  EXPECT_FALSE(wd_outlet_finish(outlet, g_get_monotonic_time() + 50000));
  EXPECT_EQ(freed, 0);
  g_mutex_unlock(&closed);
  EXPECT_TRUE(wd_outlet_finish(outlet, soon()));
}

TEST_F(Outlet, TellsTheCpuTimeOfItsThread)
{
  EXPECT_EQ(wd_outlet_cpu_us(outlet), 0);
  gint64 used_us = 0;
  for (const gint64 deadline_us = soon(); used_us == 0 && g_get_monotonic_time() < deadline_us;) {
    offer(1, 1);
    used_us = wd_outlet_cpu_us(outlet);
  }
  EXPECT_GT(used_us, 0);
  ASSERT_TRUE(wd_outlet_finish(outlet, soon()));
}
