#include "watchdog/core/event/json.h"

#include <gtest/gtest.h>
#include <string>

#include "watchdog/core/event/event.h"

namespace
{

TEST(Json, WhatIsValid)
{
  for (const char *text : {"{}",
                           "[]",
                           " [ ] ",
                           "{ }",
                           "\"\"",
                           "\t\r\n 0",
                           "-0",
                           "10",
                           "-1.5e+30",
                           "0.0",
                           "1E5",
                           "1e-9",
                           "true",
                           "false",
                           "null",
                           "[1,2 , 3]",
                           "[[],[[]],{}]",
                           R"({"a":1})",
                           R"({ "a" : { "b" : [ true , null ] } , "a" : "twice" })",
                           R"("\"\\\/\b\f\n\r\t\u00e4\uD83d")",
                           "\"\xc3\xa4\xff\x7f\"",
                           R"({"":""})"})
    EXPECT_TRUE(wd_json_is_valid(text)) << text;
}

TEST(Json, WhatIsNot)
{
  for (const char *text : {"",
                           " ",
                           "x",
                           "{",
                           "}",
                           "[",
                           "]",
                           "{]",
                           "[}",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{,}",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1,})",
                           R"({"a" 1})",
                           R"({"a"::1})",
                           "{1:2}",
                           "{a:1}",
                           "{null:1}",
                           R"({["a"]:1})",
                           R"({{"":""}:1})",
                           R"(["a":1])",
                           R"({"a":1}})",
                           "[] []",
                           "1 2",
                           "tru",
                           "nul",
                           "True",
                           "truefalse",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           ".5",
                           "1.",
                           "1.e5",
                           "1e",
                           "1e+",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "'a'",
                           "\"",
                           "\"a",
                           "\"\\\"",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\u",
                           "\"\n\"",
                           "\"\x01\"",
                           "/**/1"})
    EXPECT_FALSE(wd_json_is_valid(text)) << text;
}

TEST(Json, NestsSoDeep)
{
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(wd_json_is_valid(nested(100).c_str()));
  EXPECT_FALSE(wd_json_is_valid(nested(101).c_str()));
  EXPECT_FALSE(wd_json_is_valid(std::string(1000000, '[').c_str()));
  std::string objects;
  for (int i = 0; i < 101; i++)
    objects += "{\"a\":";
  EXPECT_FALSE(wd_json_is_valid((objects + "1" + std::string(101, '}')).c_str()));
}

TEST(Json, StringsAreWrittenValid)
{
  const struct {
    const char *text;
    const char *json;
  } cases[] = {
      {"", "\"\""},
      {"a\"b\\c/", R"("a\"b\\c/")"},
      {"\x01\n\x7f", R"("\u0001\u000a\u007f")"},
      {"\xc3\xa4", "\"\xc3\xa4\""},
      {"\xff", "\"\xef\xbf\xbd\""},
  };
  for (const auto &c : cases) {
    g_autoptr(GString) json = g_string_new(nullptr);
    wd_json_append_string(json, c.text);
    EXPECT_STREQ(json->str, c.json);
    EXPECT_TRUE(wd_json_is_valid(json->str)) << json->str;
  }
}

TEST(Json, MembersHaveTheirCommas)
{
  g_autoptr(GString) json = g_string_new("{");
  wd_json_append_text(json, "text", "{");
  wd_json_append_text(json, "absent", nullptr);
  wd_json_append_key(json, "list");
  g_string_append_c(json, '[');
  for (const char *text : {"[", "b"}) {
    wd_json_separate(json);
    wd_json_append_string(json, text);
  }
  g_string_append_c(json, ']');
  wd_json_append_number(json, "number", -7);
  wd_json_append_number(json, "none", WD_NONE);
  g_string_append_c(json, '}');
  EXPECT_STREQ(json->str, R"({"text":"{","absent":null,"list":["[","b"],"number":-7,"none":null})");
  EXPECT_TRUE(wd_json_is_valid(json->str));
}

TEST(Json, AnObjectOfOneNumber)
{
  g_autofree char *json = wd_json_number("uuid", 4711);
  EXPECT_STREQ(json, R"({"uuid":4711})");
}
} // namespace
