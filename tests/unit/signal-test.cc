/* Signals to real children. */
#include "child-process.h"

extern "C" {
#include "watchdog/run/signal.h"
}

namespace
{

class Signal : public OnBothKernels
{
};
INSTANTIATE_TEST_SUITE_P(, Signal, testing::Bool(), [](const auto &info) {
  return info.param ? "WithPidfds" : "WithoutPidfds";
});

TEST_P(Signal, ReachesTheProcess)
{
  Child child;
  g_autoptr(WdHandle) handle = hold(child);
  EXPECT_TRUE(wd_signal_send(handle, SIGTERM));
  EXPECT_EQ(child.reap(), SIGTERM);
}

TEST_P(Signal, ReachesNobodyOnceTheProcessIsReaped)
{
  Child child;
  g_autoptr(WdHandle) handle = hold(child);
  child.end();
  child.reap();
  EXPECT_FALSE(wd_signal_send(handle, SIGTERM));
}

} // namespace
