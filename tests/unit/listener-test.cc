#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "watchdog/run/listener.h"
}

static void
eventually(const std::function<bool()> &condition)
{
  const gint64 deadline_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  while (!condition() && g_get_monotonic_time() < deadline_us)
    g_usleep(1000);
  EXPECT_TRUE(condition());
}

static size_t
open_descriptors()
{
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

static bool
put(int fd, const std::string &text)
{
  return write(fd, text.data(), text.size()) == static_cast<gssize>(text.size());
}

/* A listener whose stderr, which is ours, is a file in memory. */
class Listener : public testing::Test
{
protected:
  Listener() : old_stderr(dup(STDERR_FILENO)), file(memfd_create("stderr", MFD_CLOEXEC))
  {
    EXPECT_EQ(dup2(file, STDERR_FILENO), STDERR_FILENO);
    listener = wd_listener_start(nullptr);
    EXPECT_NE(listener, nullptr);
  }

  ~Listener() override
  {
    finish();
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    close(file);
  }

  void finish()
  {
    wd_listener_finish(listener);
    listener = nullptr;
  }

  /* A process whose stderr is @fd. */
  WdOutput *open(int *fd, bool says_queries = false) const
  {
    WdOutput *output = wd_listener_open(listener, says_queries, fd);
    EXPECT_NE(output, nullptr);
    wd_output_begin(output, wd_speaker_new("name", WD_ROLE_EXTENSION, "/opt/name.ext", 42),
                    getpid());
    wd_listener_add(listener, output);
    return output;
  }

  /* What the process wrote last. */
  static std::string end(WdOutput *output)
  {
    WdSaid *said = nullptr;
    char *last = nullptr;
    wd_output_end(output, &said, &last);
    const std::string text = last != nullptr ? last : "nothing";
    wd_said_free(said);
    g_free(last);
    return text;
  }

  std::string passed_on() const
  {
    std::string text(1 << 20, '\0');
    const gssize n = pread(file, text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
  }

  const int old_stderr;
  const int file;
  WdListener *listener;
};

TEST_F(Listener, PassesOnAndKeepsTheEnd)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd);
  EXPECT_TRUE(put(fd, "one\ntwo\nthr"));
  EXPECT_EQ(end(output), "one\ntwo\nthr\n");
  eventually([this] { return passed_on() == "one\ntwo\nthr"; });
  close(fd);
}

TEST_F(Listener, KeepsNothingOfAProcessThatWroteNothing)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd);
  close(fd);
  EXPECT_EQ(end(output), "nothing");
}

/* So the process won't get a SIGPIPE. */
TEST_F(Listener, GivesTheProcessBothEnds)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd);
  EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  close(fd);
}

TEST_F(Listener, GoesOnWhileSomebodyElseHoldsThePipe)
{
  int fd;
  const size_t before = open_descriptors();
  WdOutput *output = open(&fd);
  const int kept = dup(fd);
  EXPECT_TRUE(put(fd, "the process\n"));
  close(fd);
  EXPECT_EQ(end(output), "the process\n");
  wd_output_unref(output);
  EXPECT_TRUE(put(kept, "its child\n"));
  eventually([this] { return passed_on() == "the process\nits child\n"; });
  EXPECT_TRUE(put(kept, "is gone"));
  close(kept);
  eventually([this] { return passed_on() == "the process\nits child\nis gone"; });
  eventually([before] { return open_descriptors() == before; });
}

TEST_F(Listener, GivesUpTheOldestPipesThatOthersHold)
{
  enum { MANY = 80, KEPT = 64 };
  const size_t before = open_descriptors();
  std::vector<int> held;
  for (int i = 0; i < MANY; i++) {
    int fd;
    g_autoptr(WdOutput) output = open(&fd);
    held.push_back(fd);
    end(output);
  }
  int fd;
  g_autoptr(WdOutput) living = open(&fd); /* it looks when there is something new */
  eventually([before] { return open_descriptors() == before + MANY + KEPT + 2; });
  EXPECT_TRUE(put(held.back(), "the youngest\n"));
  eventually([this] { return passed_on() == "the youngest\n"; });
  EXPECT_TRUE(put(held.front(), "the oldest\n")); /* nobody reads it */
  EXPECT_TRUE(put(fd, "alive\n"));
  eventually([this] { return passed_on() == "the youngest\nalive\n"; });
  close(fd);
  for (const int one : held)
    close(one);
}

TEST_F(Listener, KnowsWhatAWorkerSaidLast)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd, true);
  for (const char *name : {"first", "second"}) {
    const std::string line = "I1128 15:11:02.852525 25754 scheduler.cpp:120] Executing scheduled "
                             "query " +
                             std::string(name) + ": SELECT 1\n";
    EXPECT_TRUE(put(fd, line));
    /* At once: nobody need have read it yet. */
    g_autoptr(WdSaid) said = wd_output_said(output);
    const WdStatement *statement = wd_said_statement(said, WD_ORIGIN_SCHEDULE);
    ASSERT_NE(statement, nullptr);
    EXPECT_STREQ(statement->name, name);
  }
  WdSaid *said = nullptr;
  char *last = nullptr;
  wd_output_end(output, &said, &last);
  EXPECT_STREQ(wd_said_statement(said, WD_ORIGIN_SCHEDULE)->name, "second");
  wd_said_free(said);
  g_free(last);
  close(fd);
}

/* However late they are read. */
TEST_F(Listener, TellsAQueryFromWhatIsWrittenAfterIt)
{
  const std::string sql = "SELECT '" + std::string(3 * PIPE_BUF, 'x') + "',\n2";
  int fd;
  g_autoptr(WdOutput) output = open(&fd, true);
  EXPECT_TRUE(put(
      fd, "I1128 15:11:02.852525 25754 f.cpp:1] Executing distributed query: a: " + sql + "\n"));
  EXPECT_TRUE(put(fd, "terminate called\n"));
  WdSaid *said = nullptr;
  char *last = nullptr;
  wd_output_end(output, &said, &last);
  EXPECT_EQ(wd_said_statement(said, WD_ORIGIN_DISTRIBUTED)->query, sql);
  wd_said_free(said);
  g_free(last);
  close(fd);
}

/* Whoever asks is faster than the thread, which then has to learn that a line lacks its end. */
TEST_F(Listener, CaresForWhatOthersHaveRead)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd, true);
  std::string expected;
  for (int i = 0; i < 3; i++) {
    EXPECT_TRUE(put(fd, "whole\n"));
    expected += "whole\n";
    eventually([&] { return passed_on() == expected; });
    EXPECT_TRUE(put(fd, "begun "));
    wd_said_free(wd_output_said(output));
    expected += "begun ";
    eventually([&] { return passed_on() == expected; });
  }
  close(fd);
}

TEST_F(Listener, AsksNoOtherProcessForQueries)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd);
  EXPECT_TRUE(put(fd, "I1128 15:11:02.852525 25754 s.cpp:1] Executing scheduled query a: b\n"));
  EXPECT_EQ(wd_output_said(output), nullptr);
  close(fd);
}

TEST_F(Listener, PassesOnTheRestWhenItFinishes)
{
  int fd;
  g_autoptr(WdOutput) output = open(&fd);
  EXPECT_TRUE(put(fd, "no line break"));
  finish();
  EXPECT_EQ(passed_on(), "no line break");
  close(fd);
}

TEST_F(Listener, GoesOnWithoutPipes)
{
  struct rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const struct rlimit none = {3, limit.rlim_max};
  int fd = -1;
  int opened = 0;
  WdListener *const same = listener;
  /* Nothing but this, because a sanitizer's checks need descriptors, too. */
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 3; i++)
    opened += wd_listener_open(same, FALSE, &fd) != nullptr ? 1 : 0;
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(passed_on(), "what processes write can't be captured: pipe: Too many open files\n");
  g_autoptr(WdOutput) output = open(&fd);
  close(fd);
}
