#include "tests/stand-in/process.h"

#include <errno.h>
#include <signal.h>

static void
stop_signals(sigset_t *signals)
{
  sigemptyset(signals);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGUSR1);
}

void
stand_block_signals(void)
{
  sigset_t signals;
  stop_signals(&signals);
  if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
    g_error("cannot set up signals");
}

int
stand_next_signal(const StandMisbehaviour *misbehaviour, gint64 deadline_us)
{
  sigset_t signals;
  stop_signals(&signals);
  for (;;) {
    gint64 left_us = MAX(deadline_us - g_get_monotonic_time(), 0);
    struct timespec timeout = {left_us / G_USEC_PER_SEC, left_us % G_USEC_PER_SEC * 1000};
    int number = sigtimedwait(&signals, NULL, &timeout);
    if (number > 0 && !g_atomic_int_get(&misbehaviour->ignore_term))
      return number;
    if (number < 0 && errno == EAGAIN)
      return 0;
  }
}
