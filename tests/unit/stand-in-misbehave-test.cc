#include <gtest/gtest.h>

#include <string>

#include "tests/stand-in/misbehave.h"

namespace
{

struct Good {
  const char *text;
  std::vector<StandRequest> requests;
};

class Understood : public testing::TestWithParam<Good>
{
};

TEST_P(Understood, AsTheseRequests)
{
  g_autoptr(GError) error = nullptr;
  g_autoptr(GArray) requests = stand_misbehave_parse(GetParam().text, &error);
  ASSERT_NE(requests, nullptr) << error->message;
  ASSERT_EQ(requests->len, GetParam().requests.size());
  for (guint i = 0; i < requests->len; i++) {
    const StandRequest &request = g_array_index(requests, StandRequest, i);
    EXPECT_EQ(request.mode, GetParam().requests[i].mode);
    EXPECT_EQ(request.arguments[0], GetParam().requests[i].arguments[0]);
    EXPECT_EQ(request.arguments[1], GetParam().requests[i].arguments[1]);
    EXPECT_STREQ(request.text, GetParam().requests[i].text);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Misbehave, Understood,
    testing::Values(Good{"", {}}, Good{"hang", {{STAND_MODE_HANG, {0, 0}}}},
                    Good{"ignore-term,spin:4",
                         {{STAND_MODE_IGNORE_TERM, {0, 0}}, {STAND_MODE_SPIN, {4, 0}}}},
                    Good{"grow:0.5:20", {{STAND_MODE_GROW, {0.5, 20}}}},
                    Good{"exit:3", {{STAND_MODE_EXIT, {3, 0}}}},
                    Good{"exit:255:1.5", {{STAND_MODE_EXIT, {255, 1.5}}}},
                    Good{"crash", {{STAND_MODE_CRASH, {0, 0}}}},
                    Good{"crash:2", {{STAND_MODE_CRASH, {2, 0}}}},
                    Good{"abort", {{STAND_MODE_ABORT, {0, 0}}}},
                    Good{"burn:2.5,grow-here:60:120",
                         {{STAND_MODE_BURN, {2.5, 0}}, {STAND_MODE_GROW_HERE, {60, 120}}}},
                    Good{"flood:1000:0.2", {{STAND_MODE_FLOOD, {1000, 0.2}}}},
                    Good{"say:No%3A a%2C b: c%0Ad%FF,exit:1",
                         {{STAND_MODE_SAY, {0, 0}, const_cast<char *>("No: a, b: c\nd\xFF")},
                          {STAND_MODE_EXIT, {1, 0}}}},
                    Good{"say:", {{STAND_MODE_SAY, {0, 0}, const_cast<char *>("")}}},
                    Good{"slow-socket:2,sleep:1",
                         {{STAND_MODE_SLOW_SOCKET, {2, 0}}, {STAND_MODE_SLEEP, {1, 0}}}}));

struct Bad {
  const char *text;
  const char *part;
};

class NotUnderstood : public testing::TestWithParam<Bad>
{
};

TEST_P(NotUnderstood, NamesThePart)
{
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(stand_misbehave_parse(GetParam().text, &error), nullptr);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->message, "cannot misbehave as '" + std::string(GetParam().part) + "'");
}

INSTANTIATE_TEST_SUITE_P(Misbehave, NotUnderstood,
                         testing::Values(Bad{"dance", "dance"}, Bad{"hang,", ""},
                                         Bad{"spin", "spin"}, Bad{"spin:", "spin:"},
                                         Bad{"spin:x", "spin:x"}, Bad{"spin:-1", "spin:-1"},
                                         Bad{"spin:1e9", "spin:1e9"}, Bad{"spin:1:2", "spin:1:2"},
                                         Bad{"hang,exit:256", "exit:256"}, Bad{"hang:1", "hang:1"},
                                         Bad{"say", "say"}, Bad{"say:%0", "say:%0"},
                                         Bad{"say:%00", "say:%00"}, Bad{"flood:1", "flood:1"},
                                         Bad{"grow-here:1", "grow-here:1"},
                                         Bad{"grow:nan", "grow:nan"}, Bad{"sleep: 1", "sleep: 1"}));

TEST(Misbehave, AWrongListChangesNothing)
{
  StandMisbehaviour misbehaviour = {};
  EXPECT_FALSE(stand_misbehave(&misbehaviour, "hang,dance", nullptr));
  EXPECT_FALSE(misbehaviour.hang);
  EXPECT_TRUE(stand_misbehave(&misbehaviour, "hang,ignore-term,slow-socket:1.5", nullptr));
  EXPECT_TRUE(misbehaviour.hang);
  EXPECT_TRUE(misbehaviour.ignore_term);
  EXPECT_EQ(misbehaviour.slow_socket_ms, 1500);
}

} // namespace
