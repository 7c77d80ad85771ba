#include "extension/job.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace
{
struct Course {
  GThread *worked_in = nullptr;
  GThread *done_in = nullptr;
  gint64 deadline_us = 0;
  std::atomic<bool> cancelled{false};
  int done = 0;
  ExtJob *job = nullptr;
};

// Lets the default main context run until the job is done; a hang fails.
void
iterate_until_done(const Course &run)
{
  const gint64 end_us = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
  while (run.done == 0 && g_get_monotonic_time() < end_us) {
    g_main_context_iteration(nullptr, FALSE);
    std::this_thread::yield();
  }
  ASSERT_EQ(run.done, 1);
}

void
iterate_a_while()
{
  for (int i = 0; i < 100; i++)
    g_main_context_iteration(nullptr, FALSE);
}

void
note(gpointer data, gint64 deadline_us, GCancellable *)
{
  auto *run = static_cast<Course *>(data);
  run->worked_in = g_thread_self();
  run->deadline_us = deadline_us;
}

// Ends with the deadline, or when it is cancelled.
void
hang(gpointer data, gint64 deadline_us, GCancellable *cancellable)
{
  auto *run = static_cast<Course *>(data);
  GPollFD poll;
  ASSERT_TRUE(g_cancellable_make_pollfd(cancellable, &poll));
  const gint64 left_us = deadline_us - g_get_monotonic_time();
  run->cancelled = g_poll(&poll, 1, static_cast<gint>(left_us / 1000)) > 0;
  g_cancellable_release_fd(cancellable);
}

void
count(gpointer data, const GError *error)
{
  auto *run = static_cast<Course *>(data);
  EXPECT_EQ(error, nullptr);
  run->done_in = g_thread_self();
  run->done++;
}

void
free_and_count(gpointer data, const GError *error)
{
  auto *run = static_cast<Course *>(data);
  g_clear_pointer(&run->job, ext_job_free);
  count(data, error);
}

TEST(Job, WorksInAThreadAndIsDoneInTheLoop)
{
  Course run;
  const gint64 before_us = g_get_monotonic_time();
  g_autoptr(ExtJob) job = ext_job_new("test", 5 * G_TIME_SPAN_SECOND, note, count, &run);
  const gint64 after_us = g_get_monotonic_time();
  EXPECT_EQ(run.done, 0); // never from within the call that starts it
  iterate_until_done(run);
  EXPECT_NE(run.worked_in, nullptr);
  EXPECT_NE(run.worked_in, g_thread_self());
  EXPECT_EQ(run.done_in, g_thread_self());
  EXPECT_GE(run.deadline_us, before_us + 5 * G_TIME_SPAN_SECOND);
  EXPECT_LE(run.deadline_us, after_us + 5 * G_TIME_SPAN_SECOND);
  iterate_a_while();
  EXPECT_EQ(run.done, 1);
}

TEST(Job, IsDoneWhenItIsCancelled)
{
  Course run;
  g_autoptr(ExtJob) job = ext_job_new("test", 60 * G_TIME_SPAN_SECOND, hang, count, &run);
  ext_job_cancel(job);
  iterate_until_done(run);
  EXPECT_TRUE(run.cancelled);
}

TEST(Job, FreedBeforeTheEndItIsCancelledAndNotDone)
{
  Course run;
  ExtJob *job = ext_job_new("test", 60 * G_TIME_SPAN_SECOND, hang, count, &run);
  ext_job_free(job);
  EXPECT_TRUE(run.cancelled); // and the thread has ended
  iterate_a_while();
  EXPECT_EQ(run.done, 0);
}

TEST(Job, FreedAfterTheWorkButBeforeTheLoopItIsNotDone)
{
  Course run;
  ExtJob *job = ext_job_new("test", G_TIME_SPAN_SECOND, note, count, &run);
  while (!g_main_context_pending(nullptr)) // the thread has ended its work
    std::this_thread::yield();
  ext_job_free(job);
  iterate_a_while();
  EXPECT_EQ(run.done, 0);
}

TEST(Job, MayBeFreedWhenItIsDone)
{
  Course run;
  run.job = ext_job_new("test", G_TIME_SPAN_SECOND, note, free_and_count, &run);
  iterate_until_done(run);
  iterate_a_while();
  EXPECT_EQ(run.done, 1);
}
} // namespace
