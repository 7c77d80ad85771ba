/* Real processes to look at, on a kernel with pidfds or one that has none. */
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "watchdog/look/handle.h"
#include "watchdog/look/procfs.h"
}

static bool kernel_has_pidfds = true;

/* In place of the C library's. */
extern "C" int
pidfd_open(pid_t pid, unsigned int flags) noexcept
{
  if (kernel_has_pidfds)
    return static_cast<int>(syscall(SYS_pidfd_open, pid, flags));
  errno = ENOSYS;
  return -1;
}

/* A child that is in @body, and then waits for signals. Killed and reaped at the latest with the
 * object. */
class Child
{
public:
  explicit Child(const std::function<void()> &body = [] {}) : pid(fork())
  {
    EXPECT_GE(pid, 0);
    if (pid != 0)
      return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    for (;;)
      pause();
  }

  ~Child()
  {
    if (reaped)
      return;
    kill(pid, SIGKILL);
    reap();
  }

  /* It is a zombie then. */
  void end() const
  {
    siginfo_t info;
    kill(pid, SIGKILL);
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }

  /* Returns: the signal that ended it. */
  int reap()
  {
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    reaped = true;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  const pid_t pid;

private:
  bool reaped = false;
};

inline WdHandle *
hold(const Child &child)
{
  WdProcStat stat;
  EXPECT_TRUE(wd_procfs_read_stat(child.pid, &stat));
  return wd_handle_open_known(child.pid, stat.start_ticks);
}

/* Each test runs with pidfds and without. */
class OnBothKernels : public testing::TestWithParam<bool>
{
protected:
  OnBothKernels()
  {
    kernel_has_pidfds = GetParam();
  }

  ~OnBothKernels() override
  {
    kernel_has_pidfds = true;
  }
};
