#include "extension/context.h"

#include <gtest/gtest.h>
#include <string>

namespace
{
using std::string;

const WdColumn COLUMNS[] = {
    {"eid", WD_TYPE_BIGINT, WdColumnOptions(WD_OPTION_INDEX | WD_OPTION_OPTIMIZED)},
    {"time", WD_TYPE_BIGINT, WD_OPTION_ADDITIONAL},
    {"event", WD_TYPE_TEXT, WD_OPTION_ADDITIONAL},
};
const WdTable TABLE = {"events", COLUMNS, 3};

class Context : public ::testing::Test
{
protected:
  ~Context() override
  {
    ext_context_free(context_);
  }
  // "eid>42 event=x used:5", or "!" and the error.
  string parse(const char *json)
  {
    g_autoptr(GError) error = nullptr;
    g_autoptr(TableQuery) query = ext_context_parse(context_, json, &TABLE, &error);
    if (query == nullptr)
      return string("!") + error->message;
    string out;
    for (guint i = 0; i < query->constraints->len; i++) {
      const auto *c = &g_array_index(query->constraints, TableConstraint, i);
      const char *op = c->op == TABLE_OP_EQ   ? "="
                       : c->op == TABLE_OP_GT ? ">"
                       : c->op == TABLE_OP_LE ? "<="
                       : c->op == TABLE_OP_LT ? "<"
                                              : ">=";
      out += string(COLUMNS[c->column].name) + op + c->value + " ";
    }
    return out + "used:" +
           (query->columns_used == G_MAXUINT64 ? "all" : std::to_string(query->columns_used));
  }
  ExtContext *context_ = ext_context_new(nullptr);
};

TEST_F(Context, AsOsqueryWritesIt)
{
  EXPECT_EQ(parse(R"({"constraints":[
                        {"name":"eid","list":[{"op":4,"expr":"42"}],"affinity":"BIGINT"},
                        {"name":"time","list":[{"op":32,"expr":"1"},{"op":8,"expr":"9"}],"affinity":"BIGINT"},
                        {"name":"event","list":[],"affinity":"TEXT"}],
                      "colsUsed":["eid","event"],"colsUsedBitset":5})"),
            "eid>42 time>=1 time<=9 used:5");
}

TEST_F(Context, OtherForms)
{
  const struct {
    const char *json;
    const char *expected;
  } cases[] = {
      {nullptr, "used:all"},
      {"", "used:all"},
      {"{}", "used:all"},
      {R"({"constraints":[]})", "used:all"},
      {R"({"constraints":[],"colsUsed":[]})", "used:0"},
      {R"({"colsUsed":["time","unknown",7,null]})", "used:2"},
      {R"({"colsUsed":null})", "used:all"},
      {R"({"colsUsed":"eid"})", "used:all"},
      // op as a text; several = mean OR and all arrive
      {R"({"constraints":[{"name":"eid","list":[{"op":"2","expr":"1"},{"op":"2","expr":"2"}]}]})",
       "eid=1 eid=2 used:all"},
      // a value that is no text
      {R"({"constraints":[{"name":"eid","list":[{"op":16,"expr":7}]}]})", "eid<7 used:all"},
      // operators that are not ours
      {R"({"constraints":[{"name":"event","list":[{"op":65,"expr":"a%"},{"op":66,"expr":"*"},
          {"op":67,"expr":"."},{"op":64,"expr":"m"},{"op":1,"expr":"1"},{"op":"x","expr":"1"},
          {"op":2,"expr":"left"}]}]})",
       "event=left used:all"},
      {R"({"constraints":[{"name":"unknown","list":[{"op":2,"expr":"1"}]}]})", "used:all"},
      {R"({"constraints":[{"name":"eid","list":[{"op":2},{"op":2,"expr":null},{"expr":"3"}]}]})",
       "used:all"},
      // what is due elsewhere
      {R"({"constraints":[1,"two",null,[],{"name":"eid"},{"name":"eid","list":""},
          {"name":"eid","list":{"op":2,"expr":"1"}},{"list":[{"op":2,"expr":"1"}]},
          {"name":7,"list":[{"op":2,"expr":"1"}]},{"name":"eid","list":[3,"x",{"op":2,"expr":"5"}]}]})",
       "eid=5 used:all"},
      {R"({"constraints":{"name":"eid"}})", "used:all"},
      {R"({"constraints":"x"})", "used:all"},
      // texts of all kinds
      {R"({"constraints":[{"name":"event","list":[{"op":2,"expr":"a\"b\\ ä\u00e4\n"}]}]})",
       "event=a\"b\\ ää\n used:all"},
      {R"({"constraints":[{"name":"event","list":[{"op":2,"expr":"'; DROP TABLE events; --"}]}]})",
       "event='; DROP TABLE events; -- used:all"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(parse(c.json), c.expected) << (c.json != nullptr ? c.json : "NULL");
}

TEST_F(Context, WhatIsNoContext)
{
  for (const char *json : {"[]", "1", "\"x\"", "null"})
    EXPECT_EQ(parse(json), "!the query's context is no JSON object") << json;
  // Of the last SQLite's own parser takes an object for a key, and stumbles over it.
  for (const char *json : {"{", "{]", "x", "{\"a\":1}}", "{\"a\":'b'}",
                           R"({"constraints":[{{"":"","":"","":""}:[]}]})"})
    EXPECT_EQ(parse(json), "!the query's context is no valid JSON") << json;
  const string deep = "{\"constraints\":" + string(100000, '[') + string(100000, ']') + "}";
  EXPECT_EQ(parse(deep.c_str()), "!the query's context is no valid JSON");
  EXPECT_EQ(parse("{}"), "used:all"); // and goes on
}

TEST_F(Context, IsBounded)
{
  const string value = R"({"op":2,"expr":"123"},)";
  string list;
  while (list.size() < EXT_CONTEXT_BYTES_MAX - 200)
    list += value;
  list.pop_back();
  string json = R"({"constraints":[{"name":"eid","list":[)" + list + "]}]}";
  const gint64 begin = g_get_monotonic_time();
  EXPECT_EQ(parse(json.c_str()).substr(0, 8), "eid=123 ");
  EXPECT_LT(g_get_monotonic_time() - begin, 5 * G_TIME_SPAN_SECOND); // it was quadratic once
  json += string(EXT_CONTEXT_BYTES_MAX + 1 - json.size(), ' ');
  EXPECT_EQ(parse(json.c_str()).substr(0, 33), "!the query's context is too large");
}
} // namespace
