#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <unistd.h>

extern "C" {
#include "watchdog/record/log.h"
#include "watchdog/record/relay.h"
}

/* Our stderr is a pipe that holds one page. Somebody reads a page of it only when the log has got
 * on meanwhile, so a log that waits for the reader waits for ever. */
class SmallPipe : public testing::Test
{
protected:
  static constexpr int PAGE = 4096;

  SmallPipe() : old_stderr(dup(STDERR_FILENO))
  {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends[1], F_SETPIPE_SZ, PAGE), PAGE);
    EXPECT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    fd = ends[0];
  }

  ~SmallPipe() override
  {
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    close(fd);
  }

  bool log_gets_on() const
  {
    const guint before = logged;
    const gint64 deadline_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    while (logged - before < 2 && g_get_monotonic_time() < deadline_us)
      std::this_thread::yield();
    return logged - before >= 2;
  }

  void read_pages(int n)
  {
    char page[PAGE];
    while (n-- > 0 && gets_on) {
      gets_on = log_gets_on();
      EXPECT_GT(read(fd, page, sizeof page), 0);
    }
    over = true;
    while (read(fd, page, sizeof page) > 0) /* until stderr is another one */
      ;
  }

  const int old_stderr;
  int fd;
  std::atomic<guint> logged = 0;
  std::atomic<bool> gets_on = true;
  std::atomic<bool> over = false;
};

TEST_F(SmallPipe, TheLogDoesNotWaitWhereTheRelayDoes)
{
  WdRelay *relay = wd_relay_start(nullptr);
  ASSERT_NE(relay, nullptr);
  WdSpeaker *speaker = wd_speaker_new("name", WD_ROLE_EXTENSION, "/opt/name.ext", 42);
  const std::string line = std::string(PAGE - 1, 'x') + "\n";
  std::thread reader([this] { read_pages(10000); });
  std::thread writer([&] {
    while (!over)
      if (wd_relay_await_room(relay, g_get_monotonic_time() + G_USEC_PER_SEC))
        wd_relay_pass(relay, speaker, line.data(), line.size());
  });
  while (!over) {
    wd_log("text");
    logged++;
  }
  writer.join();
  wd_relay_finish(relay, g_get_monotonic_time() + 30 * G_USEC_PER_SEC);
  dup2(old_stderr, STDERR_FILENO);
  reader.join();
  wd_speaker_unref(speaker);
  EXPECT_TRUE(gets_on);
}
