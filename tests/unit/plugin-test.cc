#include "extension/plugin.h"

#include <gtest/gtest.h>

#include "tests/check-message.h"
#include "thrift/types.h"
#include "watchdog/store/history.h"
#include "wire-bytes.h"
#include "wire-peers.h"

using namespace bytes;

namespace
{
class Plugin : public ::testing::Test
{
protected:
  static void SetUpTestSuite()
  {
    wire_init();
  }
  void SetUp() override
  {
    const string state = directory_.file("");
    store_ = table_store_new(state.c_str(), state.c_str());
    g_autoptr(GError) error = nullptr;
    plugin_ = ext_plugin_new(
        store_, [](gpointer data) { ++*static_cast<int *>(data); }, &shutdowns_, &error);
    ASSERT_NE(plugin_, nullptr) << error->message;
  }
  void TearDown() override
  {
    ext_plugin_free(plugin_);
    table_store_free(store_);
  }
  void record(guint n)
  {
    const WdHistoryRun run = {"run", "boot", 1, 1000};
    g_autoptr(GError) error = nullptr;
    g_autoptr(WdHistory) history =
        wd_history_open(directory_.file(WD_HISTORY_FILE).c_str(), &run, &error);
    ASSERT_NE(history, nullptr) << error->message;
    for (guint i = 1; i <= n; i++) {
      g_autoptr(WdEvent) event =
          wd_event_new(WD_EVENT_PROCESS_STARTED, WD_ROLE_WORKER, "worker", nullptr);
      event->seq = i;
      event->time_s = 1000 + i;
      ASSERT_TRUE(wd_history_append(history, &event, 1, &error)) << error->message;
    }
  }
  string answer(const string &call)
  {
    const auto *data = reinterpret_cast<const guint8 *>(call.data());
    WireMessage message;
    EXPECT_EQ(check_message(data, call.size(), WIRE_FROM_CLIENT, &message), WIRE_COMPLETE);
    g_autoptr(GByteArray) reply = g_byte_array_new();
    WireRest rest = {};
    ext_plugin_answer(&message, data, reply, &rest, plugin_);
    if (rest.next != nullptr) {
      while (rest.next(rest.data, reply))
        slices_++;
      rest.free(rest.data);
    }
    WireMessage replied;
    EXPECT_EQ(check_message(reply->data, reply->len, WIRE_FROM_SERVER, &replied), WIRE_COMPLETE)
        << replied.problem;
    EXPECT_EQ(replied.size, reply->len);
    return string(reinterpret_cast<char *>(reply->data), reply->len);
  }
  static string failure(const string &reason)
  {
    return reply("call", field(STRUCT, 0,
                               field(STRUCT, 1, status(1, reason, 0)) +
                                   field(LIST, 2, list(MAP, 0, "")) + u8(STOP)));
  }
  static string rows(uint32_t n, const string &values)
  {
    return reply("call", field(STRUCT, 0, response(list(MAP, n, values))));
  }
  static string ask(const string &registry, const string &item, const string &action)
  {
    return call("call", field(STRING, 1, text(registry)) + field(STRING, 2, text(item)) +
                            field(MAP, 3, map(STRING, STRING, 1, text("action") + text(action))));
  }

  peers::Directory directory_;
  TableStore *store_ = nullptr;
  ExtPlugin *plugin_ = nullptr;
  int shutdowns_ = 0;
  int slices_ = 0; // but the last of each
};

TEST_F(Plugin, Pings)
{
  EXPECT_EQ(answer(call("ping", "")), reply("ping", field(STRUCT, 0, status(0, "OK", 0))));
}

TEST_F(Plugin, ShutsDown)
{
  EXPECT_EQ(answer(call("shutdown", "")), reply("shutdown", ""));
  EXPECT_EQ(shutdowns_, 1);
}

TEST_F(Plugin, HasNoOtherMethods)
{
  for (const char *method : {"dance", "query", "extensions", "registerExtension"})
    EXPECT_EQ(answer(call(method, "")),
              message(3, method,
                      field(STRING, 1, text(string("unknown method ") + method)) +
                          field(I32, 2, i32(1))));
}

TEST_F(Plugin, SaysWhatItDoesNotHave)
{
  EXPECT_EQ(answer(ask("logger", "watchdog_events", "columns")),
            failure("unknown registry: logger"));
  EXPECT_EQ(answer(ask("table", "users", "columns")), failure("unknown table: users"));
  EXPECT_EQ(answer(ask("table", "watchdog_events", "dance\n")), failure("unknown action: dance "));
  EXPECT_EQ(answer(call("call", "")), failure("unknown registry: "));
  EXPECT_EQ(answer(call("call", field(STRING, 1, text("table")))), failure("unknown table: "));
  EXPECT_EQ(answer(call("call", field(STRING, 1, text("table")) +
                                    field(STRING, 2, text("watchdog_events")))),
            failure("unknown action: (none)"));
}

TEST_F(Plugin, TellsItsColumnsAsItRegistersThem)
{
  guint n;
  const WireTable *tables = ext_plugin_tables(plugin_, &n);
  ASSERT_EQ(n, 5u);
  for (guint i = 0; i < n; i++) {
    const string columns = answer(ask("table", tables[i].name, "columns"));
    size_t at = 0;
    for (guint j = 0; j < tables[i].n_columns; j++) {
      const WireColumn *column = &tables[i].columns[j];
      const size_t found = columns.find(text("name") + text(column->name), at);
      ASSERT_NE(found, string::npos) << column->name;
      at = found;
    }
    EXPECT_NE(columns.find(text("id") + text("column")), string::npos);
    EXPECT_NE(columns.find(text("type") + text(tables[i].columns[0].type)), string::npos);
    EXPECT_NE(columns.find(text("attributes") + text("0")), string::npos);
  }
  EXPECT_STREQ(tables[1].name, "watchdog_events");
  EXPECT_STREQ(tables[1].columns[0].name, "eid");
  EXPECT_STREQ(tables[1].columns[0].type, "BIGINT");
  EXPECT_EQ(tables[1].columns[0].options, 9u); // INDEX | OPTIMIZED
}

TEST_F(Plugin, GeneratesTheRowsAndColumnsThatAreAskedFor)
{
  EXPECT_EQ(answer(generate("watchdog_events", "{}")), rows(0, "")); // no history yet
  record(3);
  EXPECT_EQ(
      answer(generate("watchdog_events",
                      R"({"constraints":[{"name":"eid","list":[{"op":4,"expr":"1"}]}],
                                "colsUsed":["time","eid","path"]})")),
      rows(2, map(STRING, STRING, 2, text("eid") + text("2") + text("time") + text("1002")) +
                  map(STRING, STRING, 2, text("eid") + text("3") + text("time") + text("1003"))));
  const string all = answer(generate("watchdog_events", ""));
  EXPECT_NE(all.find(text("name") + text("worker")), string::npos);
  EXPECT_EQ(all.find(text("path")), string::npos); // NULL is absent
  // only counted
  EXPECT_EQ(answer(generate("watchdog_events", R"({"colsUsed":[]})")),
            rows(3, repeat(map(STRING, STRING, 0, ""), 3)));
}

TEST_F(Plugin, SaysWhyItCanNotGenerate)
{
  EXPECT_EQ(answer(generate("watchdog_events", "{")),
            failure("the query's context is no valid JSON"));
  const string file = directory_.file(WD_HISTORY_FILE);
  ASSERT_TRUE(g_file_set_contents(file.c_str(), "this is no database, is it", -1, nullptr));
  const string failed = answer(generate("watchdog_events", "{}"));
  EXPECT_NE(failed.find(file), string::npos) << failed;
  EXPECT_NE(failed.find(field(I32, 1, i32(1))), string::npos);
}
} // namespace
