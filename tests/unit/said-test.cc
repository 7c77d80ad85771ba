#include "watchdog/core/output/said.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

const char begin[] = "I1128 15:11:02.852525 25754 scheduler.cpp:120] ";

class Said : public testing::Test
{
protected:
  WdSaid *said = wd_said_new();

  ~Said() override
  {
    wd_said_free(said);
  }
  void take(const std::string &line, gint64 now_us = 1000, bool cut = false)
  {
    wd_said_take_line(said, line.data(), line.size(), cut, now_us);
  }
  const WdStatement *schedule()
  {
    return wd_said_statement(said, WD_ORIGIN_SCHEDULE);
  }
  const WdStatement *distributed()
  {
    return wd_said_statement(said, WD_ORIGIN_DISTRIBUTED);
  }
};

TEST_F(Said, AScheduledQuery)
{
  const struct {
    std::string text;
    const char *name, *query;
  } rows[] = {
      {"uptime", "uptime", nullptr},
      {"pack/a b/c", "pack/a b/c", nullptr},
      {"uptime: SELECT 1;", "uptime", "SELECT 1;"},
      {"uptime: select 1", "uptime", "select 1"},
      {"uptime: WITH a AS (SELECT 1) SELECT * FROM a", "uptime",
       "WITH a AS (SELECT 1) SELECT * FROM a"},
      {"uptime:  (\tValues(1))", "uptime", " (\tValues(1))"},
      {"uptime: -- why\r", "uptime", "-- why"},
      {"uptime: /* why */ SELECT 1", "uptime", "/* why */ SELECT 1"},
      {"uptime: ", "uptime", ""},
      {"uptime: (", "uptime", "("},
      {"win: old: SELECT ': ', 1", "win: old", "SELECT ': ', 1"},
      {"a: b", "a: b", nullptr},
      {"a: selected", "a: selected", nullptr},
      {"a: select_all", "a: select_all", nullptr},
      {"a:SELECT 1", "a:SELECT 1", nullptr},
      {"a:", "a:", nullptr},
      {": SELECT 1", "", "SELECT 1"},
      {"", "", nullptr},
      {"old: select all", "old", "select all"}, /* as the header says */
      {"a\tb\x1b\xff: SELECT '\x1b\t\xff'", "a b \xef\xbf\xbd", "SELECT ' \t\xef\xbf\xbd'"},
      {std::string("a\0b: SELECT 1", 13),
       "a\xef\xbf\xbd"
       "b",
       "SELECT 1"},
  };
  for (const auto &row : rows) {
    take(begin + ("Executing scheduled query " + row.text), 5000);
    ASSERT_NE(schedule(), nullptr) << row.text;
    EXPECT_STREQ(schedule()->name, row.name) << row.text;
    EXPECT_STREQ(schedule()->query, row.query) << row.text;
    EXPECT_FALSE(schedule()->cut);
    EXPECT_EQ(schedule()->tid, 25754);
    EXPECT_EQ(schedule()->said_us, 5000);
    EXPECT_EQ(schedule()->idle_us, WD_NONE);
    EXPECT_EQ(distributed(), nullptr);
  }
}

TEST_F(Said, ADistributedQuery)
{
  const struct {
    const char *text, *name, *query;
  } rows[] = {
      {"fleet_distributed_query_12: SELECT 1", "fleet_distributed_query_12", "SELECT 1"},
      {"_k2_:a:campaign:17_1:snapshot: SELECT ': '", "_k2_:a:campaign:17_1:snapshot",
       "SELECT ': '"},
      {"a: b: SELECT 1", "a: b", "SELECT 1"},
      {"a: gibberish: 1", "a", "gibberish: 1"},
      {"a", "a", nullptr},
  };
  for (const auto &row : rows) {
    take(std::string(begin) + "Executing distributed query: " + row.text);
    ASSERT_NE(distributed(), nullptr) << row.text;
    EXPECT_STREQ(distributed()->name, row.name);
    EXPECT_STREQ(distributed()->query, row.query);
    EXPECT_EQ(schedule(), nullptr);
  }
}

TEST_F(Said, TheBeginningOfAMessage)
{
  const struct {
    const char *beginning;
    gint64 tid; /* 0: it is none */
  } rows[] = {
      {"I1128 15:11:02.852525 25754 scheduler.cpp:120] ", 25754},
      {"I1128 15:11:02.852525     7 scheduler.cpp:120] ", 7},
      {"I1128 15:11:02.852525 4194304 scheduler.cpp:1] ", 4194304},
      {"I20261128 15:11:02.852525 25754 scheduler.cpp:120] ", 25754},
      {"W1128 15:11:02.852525 25754 a:b:1] ", 25754},
      {"E1128 15:11:02.852525 25754 ]:1] ", 25754},
      {"", 0},
      {" I1128 15:11:02.852525 25754 scheduler.cpp:120] ", 0},
      {"D1128 15:11:02.852525 25754 scheduler.cpp:120] ", 0},
      {"I128 15:11:02.852525 25754 scheduler.cpp:120] ", 0},
      {"I01128 15:11:02.852525 25754 scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.85252 25754 scheduler.cpp:120] ", 0},
      {"I1128 15:11:02,852525 25754 scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.852525 x scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.852525 12345678901 scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.852525 -2 scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.852525 25754scheduler.cpp:120] ", 0},
      {"I1128 15:11:02.852525 25754 scheduler.cpp:] ", 0},
      {"I1128 15:11:02.852525 25754 scheduler.cpp] ", 0},
      {"I1128 15:11:02.852525 25754 :120] ", 0},
      {"I1128 15:11:02.852525 25754 120] ", 0},
      {"I1128 15:11:02.852525 25754 scheduler.cpp:120 ", 0},
      {"I1128 15:11:02.852525 25754 scheduler.cpp:120]", 0},
  };
  for (const auto &row : rows) {
    wd_said_forget(said);
    take(std::string(row.beginning) + "Executing scheduled query a");
    EXPECT_EQ(schedule() != nullptr, row.tid != 0) << row.beginning;
    if (schedule() != nullptr)
      EXPECT_EQ(schedule()->tid, row.tid);
    take(std::string(row.beginning) + "Executing scheduled query a"); /* cut anywhere */
    for (gsize length = 0; length < strlen(row.beginning); length++)
      take(std::string(row.beginning).substr(0, length));
  }
}

TEST_F(Said, OtherMessagesAreNone)
{
  const char *const texts[] = {
      "Executing scheduled query",        "Executing distributed query a: SELECT 1",
      " Executing scheduled query a",     "executing scheduled query a",
      "Found results for query: a",       "Scheduled query may have failed: a",
      "Not: Executing scheduled query a",
  };
  for (const char *text : texts) {
    take(std::string(begin) + text);
    EXPECT_EQ(schedule(), nullptr) << text;
    EXPECT_EQ(distributed(), nullptr) << text;
  }
}

TEST_F(Said, SqlGoesOnInTheNextLines)
{
  take(std::string(begin) + "Executing distributed query: id: SELECT 1,\r");
  take("  2,\r");
  take("");
  take("  'Executing scheduled query a'");
  EXPECT_STREQ(distributed()->query, "SELECT 1,\n  2,\n\n  'Executing scheduled query a'");
  EXPECT_EQ(schedule(), nullptr);
  take(std::string(begin) + "Something else");
  take("that goes on");
  EXPECT_STREQ(distributed()->query, "SELECT 1,\n  2,\n\n  'Executing scheduled query a'");
  EXPECT_FALSE(distributed()->cut);
}

TEST_F(Said, SqlGoesOnInTheQueryThatWasSaidLast)
{
  take(std::string(begin) + "Executing distributed query: id: SELECT 1,");
  take(std::string(begin) + "Executing scheduled query a: SELECT 2,");
  take("3");
  EXPECT_STREQ(distributed()->query, "SELECT 1,");
  EXPECT_STREQ(schedule()->query, "SELECT 2,\n3");
  take(std::string(begin) + "Executing scheduled query name_only");
  take("not SQL");
  EXPECT_EQ(schedule()->query, nullptr);
}

TEST_F(Said, ANameMayHaveLineBreaks)
{
  take(std::string(begin) + "Executing distributed query: new");
  EXPECT_STREQ(distributed()->name, "new");
  take("line\r");
  take("in: id: SELECT 1,");
  take("2");
  EXPECT_STREQ(distributed()->name, "new line in: id");
  EXPECT_STREQ(distributed()->query, "SELECT 1,\n2");
  take(std::string(begin) + "Executing scheduled query new");
  take("line: SELECT 1,");
  take("2");
  EXPECT_STREQ(schedule()->name, "new line");
  EXPECT_STREQ(schedule()->query, "SELECT 1,\n2");
  take(std::string(begin) + "Executing scheduled query name_only");
  take("another program's line");
  take("and its next: SELECT 1");
  EXPECT_STREQ(schedule()->name, "name_only");
  EXPECT_EQ(schedule()->query, nullptr);
}

TEST_F(Said, WhatIsWrittenApartIsNotSql)
{
  take(std::string(begin) + "Executing distributed query: a: SELECT 1");
  take("FROM b");
  wd_said_end_message(said);
  take("terminate called after throwing an instance of 'std::bad_alloc'");
  EXPECT_STREQ(distributed()->query, "SELECT 1\nFROM b");
}

TEST_F(Said, WhatComesLaterIsNotSql)
{
  take(std::string(begin) + "Executing scheduled query a: SELECT 1", 1000000);
  take("-- first", 1000100);
  take("terminate called after throwing an instance of 'std::bad_alloc'", 4000000);
  take("  what():  std::bad_alloc", 4000001);
  EXPECT_STREQ(schedule()->query, "SELECT 1\n-- first");
}

TEST_F(Said, TheNextQueryOfTheSameOriginReplacesIt)
{
  take(std::string(begin) + "Executing scheduled query a: SELECT 1", 1);
  wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, 2);
  take(std::string(begin) + "Executing distributed query: id: SELECT 2", 3);
  take(std::string(begin) + "Executing scheduled query b", 4);
  EXPECT_STREQ(schedule()->name, "b");
  EXPECT_EQ(schedule()->query, nullptr);
  EXPECT_EQ(schedule()->idle_us, WD_NONE);
  EXPECT_STREQ(distributed()->name, "id");
}

TEST_F(Said, TheFirstIdleMomentIsKept)
{
  wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, 1);
  EXPECT_EQ(schedule(), nullptr);
  take(std::string(begin) + "Executing scheduled query a", 10);
  wd_said_note_idle(said, WD_ORIGIN_DISTRIBUTED, 11);
  wd_said_note_idle(said, WD_ORIGIN_EXTENSION, 11);
  wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, 9); /* looked at before it was said */
  EXPECT_EQ(schedule()->idle_us, WD_NONE);
  wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, 12);
  wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, 13);
  EXPECT_EQ(schedule()->idle_us, 12);
}

TEST_F(Said, AnErrorEndsAQuery)
{
  const std::string error = "E1128 15:11:02.852525 25754 x.cpp:1] ";
  const std::string other = "E1128 15:11:02.852525 1 x.cpp:1] ";
  take(error + "Error executing scheduled query a: no such table");
  EXPECT_EQ(schedule(), nullptr);
  take(std::string(begin) + "Executing scheduled query a", 10);
  take(std::string(begin) + "Executing distributed query: id: SELECT 1", 10);
  take(other + "Error executing scheduled query a: no such table", 20);
  EXPECT_EQ(schedule()->idle_us, WD_NONE);
  take(error + "Error executing scheduled query a: no such table", 30);
  EXPECT_EQ(schedule()->idle_us, 30);
  EXPECT_EQ(distributed()->idle_us, WD_NONE);
  take(error + "Error executing distributed query: id: no such table", 40);
  EXPECT_EQ(distributed()->idle_us, 40);
  take(std::string(begin) + "Executing distributed query: id: SELECT 1", 50);
  take(std::string(begin) + "Not executing distributed denylisted query: \"SELECT 2\"", 60);
  EXPECT_EQ(distributed()->idle_us, 60);
}

TEST_F(Said, LongTextsAreCut)
{
  const std::string start = std::string(begin) + "Executing scheduled query ";
  take(start + std::string(5000, 'n') + ": SELECT " + std::string(WD_SAID_QUERY_MAX - 7, 'x'));
  EXPECT_EQ(strlen(schedule()->name), static_cast<gsize>(WD_SAID_NAME_MAX));
  EXPECT_EQ(strlen(schedule()->query), static_cast<gsize>(WD_SAID_QUERY_MAX));
  EXPECT_FALSE(schedule()->cut);
  take("");
  EXPECT_EQ(strlen(schedule()->query), static_cast<gsize>(WD_SAID_QUERY_MAX));
  EXPECT_TRUE(schedule()->cut);

  for (gsize before = 0; before < 4; before++) {
    std::string faces = "SELECT " + std::string(before, 'x');
    while (faces.size() <= WD_SAID_QUERY_MAX)
      faces += "😀";
    take(start + "a: " + faces);
    EXPECT_TRUE(schedule()->cut);
    EXPECT_TRUE(g_utf8_validate(schedule()->query, -1, nullptr));
    EXPECT_TRUE(g_str_has_suffix(schedule()->query, "😀")) << before;
    EXPECT_GT(strlen(schedule()->query), static_cast<gsize>(WD_SAID_QUERY_MAX - 4));
    take("x"); /* there may be room for it, but not for what stands between */
    EXPECT_TRUE(g_str_has_suffix(schedule()->query, "😀")) << before;
  }

  take(std::string(begin) + "Executing distributed query: n");
  for (int i = 0; i < 20000; i++)
    take("n");
  take("id: SELECT 1");
  EXPECT_EQ(strlen(distributed()->name), static_cast<gsize>(WD_SAID_NAME_MAX));
  EXPECT_EQ(distributed()->query, nullptr);

  take(start + "a: SELECT 1");
  for (int i = 0; i < 20000; i++)
    take("\xff");
  EXPECT_TRUE(schedule()->cut);
  EXPECT_LE(strlen(schedule()->query), static_cast<gsize>(WD_SAID_QUERY_MAX));
  EXPECT_TRUE(g_utf8_validate(schedule()->query, -1, nullptr));
}

TEST_F(Said, ACutLineIsTheEndOfItsQuery)
{
  take(std::string(begin) + "Executing scheduled query a: SELECT 1", 1, true);
  take("not the next line");
  EXPECT_STREQ(schedule()->query, "SELECT 1");
  EXPECT_TRUE(schedule()->cut);
  take(std::string(begin) + "Executing scheduled query a: SELECT 1", 1);
  take("2", 1, true);
  take("not the next line");
  EXPECT_STREQ(schedule()->query, "SELECT 1\n2");
  EXPECT_TRUE(schedule()->cut);
}

TEST_F(Said, NothingIsKnownAfterLostLines)
{
  take(std::string(begin) + "Executing scheduled query a: SELECT 1");
  take(std::string(begin) + "Executing distributed query: id: SELECT 1");
  wd_said_forget(said);
  take("2");
  EXPECT_EQ(schedule(), nullptr);
  EXPECT_EQ(distributed(), nullptr);
}

TEST_F(Said, ACopyIsItsOwn)
{
  take(std::string(begin) + "Executing distributed query: id: SELECT 1", 7);
  g_autoptr(WdSaid) copy = wd_said_copy(said);
  take("2");
  wd_said_note_idle(said, WD_ORIGIN_DISTRIBUTED, 8);
  const WdStatement *copied = wd_said_statement(copy, WD_ORIGIN_DISTRIBUTED);
  EXPECT_STREQ(copied->name, "id");
  EXPECT_STREQ(copied->query, "SELECT 1");
  EXPECT_EQ(copied->idle_us, WD_NONE);
  wd_said_forget(said);
  wd_said_take_line(copy, "3", 1, FALSE, 8);
  EXPECT_STREQ(copied->query, "SELECT 1\n3");
}

} // namespace
