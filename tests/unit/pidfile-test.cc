/* Real processes that hold the pidfile. */
#include "child-process.h"
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/prctl.h>

extern "C" {
#include "watchdog/run/pidfile.h"
}

namespace
{

class Pidfile : public OnBothKernels
{
protected:
  Pidfile()
  {
    fd = g_file_open_tmp("pidfile-XXXXXX", &path, nullptr);
    EXPECT_GE(fd, 0);
  }

  ~Pidfile() override
  {
    close(fd);
    unlink(path);
    g_free(path);
  }

  /* What a process called @name does that takes the pidfile. */
  std::function<void()> owning(const char *name)
  {
    return [this, name] {
      const int own_fd = open(path, O_RDWR);
      const std::string pid = std::to_string(getpid());
      prctl(PR_SET_NAME, name);
      flock(own_fd, LOCK_EX);
      (void)!write(own_fd, pid.data(), pid.size());
    };
  }

  void wait_until_owned() const
  {
    const gint64 deadline_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
    char byte;
    while (pread(fd, &byte, 1, 0) != 1 && g_get_monotonic_time() < deadline_us)
      g_usleep(1000);
  }

  int fd;
  char *path;
};
INSTANTIATE_TEST_SUITE_P(, Pidfile, testing::Bool(), [](const auto &info) {
  return info.param ? "WithPidfds" : "WithoutPidfds";
});

TEST_P(Pidfile, ForceKillsAnOsqueryd)
{
  Child owner(owning("osqueryd"));
  wait_until_owned();
  WdPidfile *pidfile = wd_pidfile_take(path, TRUE, nullptr);
  EXPECT_NE(pidfile, nullptr);
  EXPECT_EQ(owner.reap(), SIGKILL);
  wd_pidfile_free(pidfile);
}

TEST_P(Pidfile, ForceKillsNobodyElse)
{
  Child owner(owning("something"));
  wait_until_owned();
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wd_pidfile_take(path, TRUE, &error), nullptr);
  EXPECT_TRUE(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN));
  EXPECT_EQ(waitpid(owner.pid, nullptr, WNOHANG), 0);
}

TEST_P(Pidfile, WhatItsOwnerRemovesMeanwhileIsMadeAnew)
{
  Child owner([this] {
    owning("osqueryd")();
    g_usleep(100 * G_TIME_SPAN_MILLISECOND);
    unlink(path);
    _exit(0);
  });
  wait_until_owned();
  WdPidfile *pidfile = wd_pidfile_take(path, FALSE, nullptr);
  ASSERT_NE(pidfile, nullptr);
  g_autofree char *text = nullptr;
  EXPECT_TRUE(g_file_get_contents(path, &text, nullptr, nullptr)) << "nobody would find us";
  EXPECT_EQ(text, std::to_string(getpid()));
  wd_pidfile_free(pidfile);
  EXPECT_NE(access(path, F_OK), 0);
}

} // namespace
