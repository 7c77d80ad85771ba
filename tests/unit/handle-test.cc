/* Real children, looked at while they live, as zombies and once they are reaped. */
#include "child-process.h"
#include <string>
#include <thread>
#include <time.h>

namespace
{

class Handle : public OnBothKernels
{
};
INSTANTIATE_TEST_SUITE_P(, Handle, testing::Bool(), [](const auto &info) {
  return info.param ? "WithPidfds" : "WithoutPidfds";
});

bool
samples(const WdHandle *handle)
{
  WdSample sample = {};
  sample.threads = 4711;
  const bool sampled = wd_handle_sample(handle, TRUE, &sample);
  EXPECT_NE(sampled, sample.threads == 4711);
  return sampled;
}

std::string
details_of(const WdHandle *handle)
{
  WdBusiest busiest;
  g_autofree char *details = wd_handle_details(handle, &busiest);
  return details != nullptr ? details : "";
}

TEST_P(Handle, HoldsAProcessUntilItsEnd)
{
  Child child;
  g_autoptr(WdHandle) handle = hold(child);
  ASSERT_NE(handle, nullptr);
  EXPECT_EQ(wd_handle_pid(handle), child.pid);
  EXPECT_EQ(wd_handle_pidfd(handle) >= 0, GetParam());
  EXPECT_TRUE(wd_handle_lives(handle));
  EXPECT_TRUE(samples(handle));
  EXPECT_NE(details_of(handle), "");

  child.end();
  EXPECT_FALSE(wd_handle_lives(handle));
  EXPECT_EQ(samples(handle), GetParam());
  EXPECT_EQ(details_of(handle), "");

  child.reap();
  EXPECT_FALSE(wd_handle_lives(handle));
  EXPECT_FALSE(samples(handle));
  wd_handle_remember_threads(handle);
  EXPECT_EQ(details_of(handle), "");
}

TEST_P(Handle, AZombieCanBeHeldButDoesNotLive)
{
  Child child;
  child.end();
  g_autoptr(WdHandle) handle = hold(child);
  ASSERT_NE(handle, nullptr);
  EXPECT_FALSE(wd_handle_lives(handle));
}

TEST_P(Handle, IsKnownByItsStart)
{
  Child child;
  g_autoptr(WdHandle) handle = hold(child);
  const gint64 start_ticks = wd_handle_start_ticks(handle);
  WdProcStat stat;
  ASSERT_TRUE(wd_procfs_read_stat(child.pid, &stat));
  EXPECT_EQ(start_ticks, stat.start_ticks);
  g_autoptr(WdHandle) same = wd_handle_open_known(child.pid, start_ticks);
  EXPECT_NE(same, nullptr);
  EXPECT_EQ(wd_handle_open_known(child.pid, start_ticks - 1), nullptr);
  EXPECT_EQ(wd_handle_open_known(child.pid, start_ticks + 1), nullptr);
  child.end();
  child.reap();
  EXPECT_EQ(wd_handle_open_known(child.pid, start_ticks), nullptr);
}

TEST_P(Handle, OfAChildNeedsNoPidfd)
{
  Child child;
  g_autoptr(WdHandle) handle = wd_handle_open(child.pid, nullptr);
  EXPECT_EQ(wd_handle_pidfd(handle), -1);
  EXPECT_TRUE(wd_handle_lives(handle));
  EXPECT_TRUE(samples(handle));
  child.end();
  EXPECT_FALSE(wd_handle_lives(handle));
}

TEST_P(Handle, NoSuchProcess)
{
  for (const gint64 pid : {gint64{-1}, gint64{0}, gint64{G_MAXINT32}}) {
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(wd_handle_open(pid, &error), nullptr) << pid;
    EXPECT_TRUE(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) << pid;
  }
  wd_handle_free(nullptr);
}

TEST_P(Handle, ASampleSaysWhatItHasUsed)
{
  constexpr clock_t spun = CLOCKS_PER_SEC / 20;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  Child child([&] {
    while (clock() < spun)
      ;
    (void)!write(ready[1], "", 1);
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  g_autoptr(WdHandle) handle = hold(child);
  WdSample sample;
  ASSERT_TRUE(wd_handle_sample(handle, FALSE, &sample));
  EXPECT_GE(sample.user_ms + sample.system_ms, 20); /* the kernel counts whole ticks */
  EXPECT_GT(sample.resident_bytes, 0);
  EXPECT_EQ(sample.private_bytes, WD_NONE);
  EXPECT_EQ(sample.threads, 1);
  EXPECT_EQ(sample.ppid, getpid());
  ASSERT_TRUE(wd_handle_sample(handle, TRUE, &sample));
  EXPECT_GT(sample.private_bytes, 0);
}

TEST_P(Handle, DetailsCountFromTheRememberedThreads)
{
  Child child;
  g_autoptr(WdHandle) handle = hold(child);
  EXPECT_NE(details_of(handle).find("\"interval_ms\":null"), std::string::npos);
  wd_handle_remember_threads(handle);
  EXPECT_EQ(details_of(handle).find("\"interval_ms\":null"), std::string::npos);
}

/* Its stat says that it is a zombie. */
TEST_P(Handle, AProcessLivesWithoutItsFirstThread)
{
  Child child([] {
    std::thread([] { pause(); }).detach();
    syscall(SYS_exit, 0); /* only this thread */
  });
  g_autoptr(WdHandle) handle = hold(child);
  ASSERT_NE(handle, nullptr);
  const gint64 deadline_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  WdProcStat stat = {};
  while (stat.state != 'Z' && g_get_monotonic_time() < deadline_us)
    ASSERT_TRUE(wd_procfs_read_stat(child.pid, &stat));
  ASSERT_EQ(stat.state, 'Z');
  EXPECT_TRUE(wd_handle_lives(handle));
  EXPECT_TRUE(samples(handle));
  kill(child.pid, SIGKILL);
  child.reap();
  EXPECT_FALSE(wd_handle_lives(handle));
}

} // namespace
