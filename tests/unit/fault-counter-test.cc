/* Where page faults can't be counted, in containers above all, the same tests expect no counter. */
#include "watchdog/look/fault-counter.h"

#include "tests/unit/child-process.h"

#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <thread>

namespace
{

constexpr size_t BYTES = 4 << 20;

/* A child that takes memory when it is told to. */
class Taker
{
public:
  Taker() : child_([this] { body(); })
  {
    close(go_[0]);
    close(done_[1]);
  }

  ~Taker()
  {
    close(go_[1]);
    close(done_[0]);
  }

  /* How: 't' in a new thread, 'p' in a child of its own. Waits until it is done. */
  void take(char how = ' ')
  {
    char done;
    ASSERT_EQ(write(go_[1], &how, 1), 1);
    ASSERT_EQ(read(done_[0], &done, 1), 1);
  }

  pid_t pid() const
  {
    return child_.pid;
  }

private:
  struct Pipe {
    Pipe()
    {
      EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    }
    int operator[](int i) const
    {
      return ends[i];
    }
    int ends[2];
  };

  static void touch()
  {
    void *memory = mmap(nullptr, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, BYTES, MADV_NOHUGEPAGE);
    memset(memory, 1, BYTES);
  }

  void body() const
  {
    char how;
    while (read(go_[0], &how, 1) == 1) {
      if (how == 't') {
        std::thread(touch).join();
      } else if (how == 'p') {
        const pid_t pid = fork();
        if (pid == 0) {
          touch();
          _exit(0);
        }
        waitpid(pid, nullptr, 0);
      } else {
        touch();
      }
      if (write(done_[1], &how, 1) != 1)
        _exit(1);
    }
  }

  const Pipe go_, done_;
  const Child child_;
};

class FaultCounter : public testing::Test
{
protected:
  void SetUp() override
  {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WD_FAULT_SIGNAL);
    ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, nullptr), 0);
  }

  void TearDown() override
  {
    signalled();
    for (WdFaultCounter *counter : {&counter_, &other_counter_})
      wd_fault_counter_close(counter);
  }

  void open()
  {
    counter_ = wd_fault_counter_open(taker.pid());
    other_counter_ = wd_fault_counter_open(other.pid());
    EXPECT_EQ(counter_.fd >= 0, permitted);
  }

  /* The descriptor that a waiting signal names; -1: there is none. */
  static int signalled()
  {
    sigset_t set;
    siginfo_t info;
    const timespec at_once = {};
    sigemptyset(&set);
    sigaddset(&set, WD_FAULT_SIGNAL);
    return sigtimedwait(&set, &info, &at_once) == WD_FAULT_SIGNAL ? info.si_fd : -1;
  }

  const bool permitted = wd_fault_counter_probe() == 0;
  Taker taker, other;
  WdFaultCounter counter_ = WD_FAULT_COUNTER_NONE, other_counter_ = WD_FAULT_COUNTER_NONE;
};

TEST_F(FaultCounter, SaysWhenTheProcessTakesMemory)
{
  open();
  taker.take();
  EXPECT_EQ(signalled(), -1) << "it isn't armed yet";
  wd_fault_counter_arm(&counter_);
  wd_fault_counter_arm(&other_counter_);
  taker.take();
  const int fd = signalled();
  EXPECT_EQ(fd, counter_.fd);
  EXPECT_EQ(wd_fault_counter_take(&counter_, fd), permitted);
  EXPECT_FALSE(wd_fault_counter_take(&counter_, fd)) << "once";
  EXPECT_FALSE(wd_fault_counter_take(&other_counter_, fd)) << "which is idle";
  signalled();
  taker.take();
  EXPECT_EQ(signalled(), -1) << "it isn't armed any more";
  wd_fault_counter_arm(&counter_);
  taker.take();
  EXPECT_EQ(signalled(), counter_.fd) << "armed again";
}

TEST_F(FaultCounter, CountsThreadsAndChildrenToo)
{
  open();
  for (const char how : {'t', 'p'}) {
    wd_fault_counter_arm(&counter_);
    taker.take(how);
    EXPECT_EQ(wd_fault_counter_take(&counter_, signalled()), permitted) << how;
    signalled();
  }
}

TEST_F(FaultCounter, OneSignalMayStandForTwo)
{
  open();
  wd_fault_counter_arm(&counter_);
  wd_fault_counter_arm(&other_counter_);
  taker.take();
  other.take();
  const int fd = signalled();
  EXPECT_EQ(fd, counter_.fd);
  EXPECT_EQ(wd_fault_counter_take(&other_counter_, fd), permitted);
  EXPECT_EQ(wd_fault_counter_take(&counter_, fd), permitted);
}

TEST_F(FaultCounter, IsNotInherited)
{
  open();
  if (permitted)
    EXPECT_EQ(fcntl(counter_.fd, F_GETFD), FD_CLOEXEC);
  wd_fault_counter_close(&counter_);
  EXPECT_EQ(counter_.fd, -1);
  wd_fault_counter_arm(&counter_);
  EXPECT_FALSE(wd_fault_counter_take(&counter_, -1));
}

TEST_F(FaultCounter, AProcessThatIsGoneHasNone)
{
  pid_t gone;
  {
    const Child child;
    gone = child.pid;
  }
  EXPECT_EQ(wd_fault_counter_open(gone).fd, -1);
}

} // namespace
