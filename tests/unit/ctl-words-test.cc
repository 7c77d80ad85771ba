#include "tables/ctl/print/words.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
words(WdEventKind kind, WdReason reason = WD_REASON_NONE, gint64 code = WD_NONE,
      gint64 signal = WD_NONE)
{
  g_autofree char *text = ctl_words_of_event(kind, reason, code, signal);
  return text;
}

TEST(CtlWords, Events)
{
  const struct {
    std::string text;
    const char *expected;
  } cases[] = {
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_EXIT, 3), "exited with status 3"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_SIGNAL, WD_NONE, 11), "killed by SIGSEGV"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_SIGNAL, WD_NONE, 40), "killed by signal 40"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_SIGNAL, WD_NONE, 4000), "killed by signal 4000"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_OOM, WD_NONE, 9),
       "killed by the kernel, out of memory"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_WORKER_GONE, 0), "ended with its worker"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_WORKER_SILENT, 1),
       "gave up: its worker did not answer"},
      {words(WD_EVENT_PROCESS_EXITED, WD_REASON_REGISTRATION, 1), "gave up: its worker refused it"},
      {words(WD_EVENT_PROCESS_EXITED), "ended by itself"},
      {words(WD_EVENT_PROCESS_TERMINATED, WD_REASON_MEMORY), "killed: over its memory limit"},
      {words(WD_EVENT_PROCESS_TERMINATED, WD_REASON_REQUEST), "stopped as requested"},
      {words(WD_EVENT_WOULD_TERMINATE, WD_REASON_CPU), "would be killed: over its CPU limit"},
      {words(WD_EVENT_LIMIT_EXCEEDED, WD_REASON_MEMORY), "over its memory limit"},
      {words(WD_EVENT_LIMIT_EXCEEDED, WD_REASON_CPU), "over its CPU limit"},
      {words(WD_EVENT_LIMIT_EXCEEDED, WD_REASON_UNRESPONSIVE), "did not answer for too long"},
      {words(WD_EVENT_PROCESS_TERMINATED, WD_REASON_UNRESPONSIVE), "killed: did not answer"},
      {words(WD_EVENT_WOULD_TERMINATE, WD_REASON_UNRESPONSIVE), "would be killed: did not answer"},
      {words(WD_EVENT_WATCHDOG_CRASHED, WD_REASON_REBOOT), "went down with the host"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(c.text, c.expected);
}

TEST(CtlWords, EveryWordOfTheTablesIsKnown)
{
  for (guint i = 0; i <= WD_EVENT_HISTORY_RECOVERED; i++) {
    WdEventKind kind;
    ASSERT_TRUE(ctl_word_event(wd_event_kind_name((WdEventKind)i), &kind));
    EXPECT_EQ(kind, (WdEventKind)i);
    EXPECT_NE(words(kind), "");
    ctl_colour_of_event(kind);
  }
  for (guint i = WD_REASON_MEMORY; i <= WD_REASON_REBOOT; i++) {
    WdReason reason;
    ASSERT_TRUE(ctl_word_reason(wd_reason_name((WdReason)i), &reason));
    EXPECT_EQ(reason, (WdReason)i);
  }
  WdEventKind kind;
  WdReason reason;
  WdRole role;
  EXPECT_TRUE(ctl_word_role("extension", &role));
  EXPECT_EQ(role, WD_ROLE_EXTENSION);
  for (const char *word : {(const char *)nullptr, "", "process", "MEMORY"}) {
    EXPECT_FALSE(ctl_word_event(word, &kind));
    EXPECT_FALSE(ctl_word_reason(word, &reason));
    EXPECT_FALSE(ctl_word_role(word, &role));
  }
}

TEST(CtlWords, Queries)
{
  const struct {
    const char *word;
    WdOrigin origin;
    const char *named;
    const char *unnamed;
  } cases[] = {
      {nullptr, WD_ORIGIN_NONE, "the query q", nullptr},
      {"schedule", WD_ORIGIN_SCHEDULE, "the scheduled query q", "a scheduled query"},
      {"distributed", WD_ORIGIN_DISTRIBUTED, "the distributed query q", "a distributed query"},
      {"extension", WD_ORIGIN_EXTENSION, "a query through the extension socket",
       "a query through the extension socket"},
  };
  for (const auto &c : cases) {
    WdOrigin origin = WD_ORIGIN_NONE;
    EXPECT_EQ(ctl_word_origin(c.word, &origin), c.word != nullptr);
    EXPECT_EQ(origin, c.origin);
    g_autofree char *named = ctl_words_of_query(origin, "q");
    g_autofree char *unnamed = ctl_words_of_query(origin, nullptr);
    EXPECT_STREQ(named, c.named);
    EXPECT_STREQ(unnamed, c.unnamed);
  }
}

TEST(CtlWords, ColourFollowsThePriority)
{
  EXPECT_EQ(ctl_colour_of_event(WD_EVENT_TERMINATION_STUCK), CTL_COLOUR_RED);
  EXPECT_EQ(ctl_colour_of_event(WD_EVENT_LIMIT_EXCEEDED), CTL_COLOUR_YELLOW);
  EXPECT_EQ(ctl_colour_of_event(WD_EVENT_PROCESS_TERMINATED), CTL_COLOUR_BOLD);
  EXPECT_EQ(ctl_colour_of_event(WD_EVENT_PROCESS_STARTED), CTL_COLOUR_NONE);
}

} // namespace
