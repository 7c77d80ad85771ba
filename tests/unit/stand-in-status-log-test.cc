#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/stand-in/status-log.h"

namespace
{

class StatusLine : public testing::Test
{
protected:
  void SetUp() override
  {
    ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
  }
};

TEST_F(StatusLine, HasGlogsForm)
{
  g_autofree char *line = stand_status_line(STAND_SEVERITY_INFO, 1795878662052525, 25754,
                                            "scheduler.cpp:122", "Executing scheduled query a b");
  EXPECT_STREQ(line, "I1128 15:11:02.052525 25754 scheduler.cpp:122] "
                     "Executing scheduled query a b\n");
  g_autofree char *error =
      stand_status_line(STAND_SEVERITY_ERROR, 1795878662000000, 7, "x.cpp:1", "a\nb");
  EXPECT_STREQ(error, "E1128 15:11:02.000000     7 x.cpp:1] a\nb\n");
}

TEST_F(StatusLine, LosesItsEndWhereGlogCutsIt)
{
  const std::string text(40000, 'x');
  g_autofree char *line =
      stand_status_line(STAND_SEVERITY_WARNING, 1795878662000000, 7, "x.cpp:1", text.c_str());
  EXPECT_EQ(std::string(line).size(), 30001U);
  EXPECT_EQ(line[30000], '\n');
}

} // namespace
