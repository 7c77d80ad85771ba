#include "watchdog/core/event/recovery.h"

#include <gtest/gtest.h>

namespace
{

TEST(Recovery, IsToldToPeopleAndToPrograms)
{
  char problem[] = "/s/history.db: is \"damaged\"\n\xff";
  char moved_to[] = "/s/history.db.aside-20250131T235959";
  const struct {
    WdRecovery recovery;
    const char *message;
    const char *details;
  } cases[] = {
      {{problem, moved_to, 12},
       "the history was begun anew: /s/history.db: is \"damaged\"\n\xff; 12 events were saved; the"
       " old file is now /s/history.db.aside-20250131T235959",
       "{\"problem\":\"/s/history.db: is \\\"damaged\\\"\\u000a\xef\xbf\xbd\","
       "\"moved_to\":\"/s/history.db.aside-20250131T235959\",\"saved\":12}"},
      {{problem, nullptr, 0},
       "the history was begun anew: /s/history.db: is \"damaged\"\n\xff; 0 events were saved",
       "{\"problem\":\"/s/history.db: is \\\"damaged\\\"\\u000a\xef\xbf\xbd\","
       "\"moved_to\":null,\"saved\":0}"},
  };
  for (const auto &c : cases) {
    g_autofree char *message = wd_recovery_message(&c.recovery);
    g_autofree char *details = wd_recovery_details(&c.recovery);
    EXPECT_STREQ(message, c.message);
    EXPECT_STREQ(details, c.details);
  }
}

} // namespace
