#include "tables/ctl/explain/chain.h"

#include <gtest/gtest.h>
#include <vector>

namespace
{

struct Row {
  gint64 eid;
  WdEventKind kind;
  const char *name;
  gint64 pid;
  gint64 cause = WD_NONE;
  const char *run = "run";
};

// The story that begins with the first row.
struct Story {
  explicit Story(const std::vector<Row> &rows)
  {
    g_autoptr(CtlChain) chain = nullptr;
    for (const Row &row : rows) {
      const CtlLink link = {row.eid, row.cause, row.pid, row.run, row.name, row.kind};
      if (chain == nullptr)
        chain = ctl_chain_new(&link);
      else
        ctl_chain_take(chain, &link);
    }
    const GArray *array = ctl_chain_eids(chain);
    for (guint i = 0; i < array->len; i++)
      eids.push_back(g_array_index(array, gint64, i));
    main = ctl_chain_main(chain);
    breach = ctl_chain_breach(chain);
  }
  std::vector<gint64> eids;
  gint64 main;
  gint64 breach;
};

using Eids = std::vector<gint64>;

TEST(CtlChain, ATerminationAndWhatCameOfIt)
{
  Story story({
      {7, WD_EVENT_LIMIT_EXCEEDED, "worker", 10},
      {8, WD_EVENT_PROCESS_EXITED, "a.ext", 11, 7},
      {9, WD_EVENT_EXTENSION_UNREGISTERED, "a.ext", 11, 8},
      {10, WD_EVENT_TERMINATION_STUCK, "worker", 10, 7},
      {11, WD_EVENT_PROCESS_TERMINATED, "worker", 10, 7},
      {12, WD_EVENT_RESPAWN_DELAYED, "worker", WD_NONE, 11},
      {13, WD_EVENT_PROCESS_STARTED, "worker", 12},
      {14, WD_EVENT_PROCESS_STARTED, "a.ext", 13},
      {15, WD_EVENT_QUERY_DENYLISTED, "worker", 12, 11},
      {16, WD_EVENT_EXTENSION_REGISTERED, "a.ext", 13},
      {17, WD_EVENT_LIMIT_EXCEEDED, "worker", 12},
      {18, WD_EVENT_PROCESS_TERMINATED, "worker", 12, 17},
      {19, WD_EVENT_PROCESS_STARTED, "worker", 14},
      {20, WD_EVENT_QUERY_DENYLISTED, "worker", 14, 11}, // late
  });
  EXPECT_EQ(story.eids, (Eids{7, 8, 9, 10, 11, 12, 13, 15, 20}));
  EXPECT_EQ(story.main, 11);
  EXPECT_EQ(story.breach, 7);
}

TEST(CtlChain, ItWentByItselfBeforeTheFirstSignal)
{
  Story story({
      {1, WD_EVENT_LIMIT_EXCEEDED, "worker", 10},
      {2, WD_EVENT_PROCESS_EXITED, "a.ext", 10, WD_NONE, "other run"},
      {3, WD_EVENT_PROCESS_EXITED, "worker", 10},
      {4, WD_EVENT_PROCESS_STARTED, "worker", 10},
      {5, WD_EVENT_PROCESS_EXITED, "worker", 10}, // the pid again, another process
  });
  EXPECT_EQ(story.eids, (Eids{1, 3, 4}));
  EXPECT_EQ(story.main, 3);
}

TEST(CtlChain, AnExtensionIsRegisteredAgain)
{
  Story story({
      {1, WD_EVENT_PROCESS_EXITED, "a.ext", 10},
      {2, WD_EVENT_EXTENSION_UNREGISTERED, "a.ext", 10, 1},
      {3, WD_EVENT_PROCESS_STARTED, "b.ext", 20},
      {4, WD_EVENT_SPAWN_FAILED, "a.ext", WD_NONE},
      {5, WD_EVENT_PROCESS_STARTED, "a.ext", 11},
      {6, WD_EVENT_EXTENSION_REGISTERED, "b.ext", 20},
      {7, WD_EVENT_EXTENSION_REGISTERED, "a.ext", 11},
      {8, WD_EVENT_EXTENSION_UNREGISTERED, "a.ext", 11},
      {9, WD_EVENT_EXTENSION_REGISTERED, "a.ext", 11},
  });
  EXPECT_EQ(story.eids, (Eids{1, 2, 4, 5, 7}));
  EXPECT_EQ(story.main, 1);
  EXPECT_EQ(story.breach, WD_NONE);
}

TEST(CtlChain, ALostRegistrationMayEndTheExtensionOrNot)
{
  Story ended({
      {1, WD_EVENT_EXTENSION_UNREGISTERED, "a.ext", 10},
      {2, WD_EVENT_PROCESS_TERMINATED, "a.ext", 10, 1},
      {3, WD_EVENT_PROCESS_STARTED, "a.ext", 11},
      {4, WD_EVENT_EXTENSION_REGISTERED, "a.ext", 11},
  });
  EXPECT_EQ(ended.eids, (Eids{1, 2, 3, 4}));
  EXPECT_EQ(ended.main, 2);
  Story returned({
      {1, WD_EVENT_EXTENSION_UNREGISTERED, "a.ext", 10},
      {2, WD_EVENT_EXTENSION_REGISTERED, "a.ext", 10},
      {3, WD_EVENT_PROCESS_EXITED, "a.ext", 10},
  });
  EXPECT_EQ(returned.eids, (Eids{1, 2}));
  EXPECT_EQ(returned.main, 1);
}

TEST(CtlChain, WhatWouldHaveBeenHasNoEnd)
{
  Story story({
      {1, WD_EVENT_WOULD_TERMINATE, "worker", 10},
      {2, WD_EVENT_WOULD_TERMINATE, "worker", 10},
      {3, WD_EVENT_PROCESS_EXITED, "worker", 10},
  });
  EXPECT_EQ(story.eids, (Eids{1}));
  EXPECT_EQ(story.main, 1);
  EXPECT_EQ(story.breach, 1);
}

TEST(CtlChain, ALife)
{
  Story story({
      {1, WD_EVENT_PROCESS_STARTED, "worker", 10},
      {2, WD_EVENT_SETTINGS_CHANGED, "watchdog", 1},
      {3, WD_EVENT_LIMIT_EXCEEDED, "worker", 10},
      {4, WD_EVENT_PROCESS_TERMINATED, "worker", 10, 3},
  });
  EXPECT_EQ(story.eids, (Eids{1, 3, 4}));
  EXPECT_EQ(story.main, 4);
  EXPECT_EQ(story.breach, 3);
}

TEST(CtlChain, AnotherRunIsAnotherStory)
{
  Story story({
      {1, WD_EVENT_PROCESS_EXITED, "worker", 10},
      {2, WD_EVENT_PROCESS_STARTED, "worker", 11, WD_NONE, "next"},
  });
  EXPECT_EQ(story.eids, (Eids{1}));
}

TEST(CtlChain, IsBounded)
{
  std::vector<Row> rows = {{1, WD_EVENT_PROCESS_EXITED, "worker", 10}};
  for (gint64 eid = 2; eid < 2 * CTL_CHAIN_MAX; eid++)
    rows.push_back({eid, WD_EVENT_PROCESS_EXITED, "a.ext", eid, 1});
  EXPECT_EQ(Story(rows).eids.size(), (gsize)CTL_CHAIN_MAX);
}

TEST(CtlChain, Select)
{
  const CtlLink root = {3, WD_NONE, 10, "run", "worker", WD_EVENT_PROCESS_EXITED};
  const CtlLink next = {5, 3, WD_NONE, "run", "worker", WD_EVENT_RESPAWN_DELAYED};
  g_autoptr(CtlChain) chain = ctl_chain_new(&root);
  ctl_chain_take(chain, &next);
  g_autofree char *sql = ctl_chain_select(chain, "eid, time");
  EXPECT_STREQ(sql, "SELECT eid, time FROM watchdog_events WHERE eid IN (3,5) ORDER BY eid");
}

} // namespace
