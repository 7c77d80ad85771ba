#include "thrift/client.h"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "tests/check-message.h"
#include "tests/stand-in/calls.h"
#include "thrift/ping.h"
#include "thrift/reply.h"
#include "thrift/socket.h"
#include "thrift/types.h"
#include "wire-bytes.h"
#include "wire-peers.h"

using namespace bytes;
using namespace peers;

namespace
{
class Client : public ::testing::Test
{
protected:
  static void SetUpTestSuite()
  {
    wire_init();
  }
  WirePeer peer(gint64 ms = 20000, GCancellable *cancellable = nullptr)
  {
    return {path_.c_str(), in_ms(ms), cancellable, nullptr};
  }
  // A peer that takes @call, byte by byte the same, and answers @answer.
  auto expects(const string &call, const string &answer)
  {
    return [this, call, answer](int fd) {
      received_ = receive(fd, call.size());
      send_all(fd, answer);
    };
  }
  Directory directory_;
  string path_ = directory_.file("peer");
  string received_;
};

const string PING = call("ping", "");

TEST_F(Client, Pings)
{
  {
    Scripted scripted(path_, expects(PING, reply("ping", field(STRUCT, 0, status(0, "OK", 1)))));
    g_autoptr(GError) error = nullptr;
    const WirePeer to = peer();
    EXPECT_TRUE(stand_ping(&to, &error)) << error->message;
  }
  EXPECT_EQ(received_, PING);
}

TEST_F(Client, TellsWhoListens)
{
  Scripted scripted(path_, [](int) {}); // and says nothing
  gint64 pid = 0;
  WirePeer to = peer();
  to.pid = &pid;
  EXPECT_FALSE(stand_ping(&to, nullptr));
  EXPECT_EQ(pid, getpid());
}

TEST_F(Client, PingsManyAtOnce)
{
  const string good = reply("ping", field(STRUCT, 0, status(0, "OK", 1)));
  const string failed = reply("ping", field(STRUCT, 0, status(1, "no", 1)));
  const struct {
    const char *name;
    string answer;
    bool responds;
  } cases[] = {{"a", good, true},
               {"b", failed, false},
               {"c", "HTTP/1.1", false},
               {"d", "", false},
               {"f", good.substr(0, 30), false},
               {"e", good, true}};
  const string silent = directory_.file("silent"), absent = directory_.file("absent");
  g_autoptr(WireListener) listener = wire_listener_new(silent.c_str(), nullptr); // accepts nobody
  std::vector<std::unique_ptr<Scripted>> peers;
  std::vector<string> paths = {silent, silent, absent};
  for (const auto &c : cases) {
    paths.push_back(directory_.file(c.name));
    peers.push_back(std::make_unique<Scripted>(paths.back(), expects(PING, c.answer)));
  }
  g_autoptr(GArray) pinged = g_array_new(FALSE, TRUE, sizeof(WirePinged));
  g_array_set_clear_func(pinged,
                         [](gpointer p) { wire_pinged_clear(static_cast<WirePinged *>(p)); });
  g_array_set_size(pinged, (guint)paths.size() + 1); // the last one has no path
  for (guint i = 0; i < paths.size(); i++)
    g_array_index(pinged, WirePinged, i).path = g_strdup(paths[i].c_str());

  const gint64 begin = g_get_monotonic_time();
  wire_ping_all(pinged, in_ms(4000), nullptr);
  const gint64 took_ms = (g_get_monotonic_time() - begin) / 1000;
  EXPECT_GE(took_ms, 3900);
  EXPECT_LT(took_ms, 8000); // two are silent, and are waited for only once
  const auto at = [&](guint i) { return g_array_index(pinged, WirePinged, i); };
  for (const guint i : {0u, 1u}) {
    EXPECT_EQ(at(i).pid, getpid());
    EXPECT_FALSE(at(i).responded);
  }
  EXPECT_EQ(at(2).pid, 0);
  EXPECT_FALSE(at(2).responded);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    EXPECT_EQ(at(3 + i).pid, getpid());
    EXPECT_EQ((bool)at(3 + i).responded, cases[i].responds) << cases[i].name;
  }
  EXPECT_EQ(at((guint)paths.size()).pid, 0);
}

TEST_F(Client, RefusesWhatIsNotTheReply)
{
  const struct {
    const char *what;
    string answer;
    GQuark domain;
    int code;
    const char *text;
  } cases[] = {
      {"garbage", "HTTP/1.1 400 Bad Request\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
       "header"},
      {"another method's reply", reply("shutdown", ""), G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
       "another call"},
      {"another call's reply", message(2, "ping", field(STRUCT, 0, status(0, "", 0)), 9),
       G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "another call"},
      {"a reply without result", reply("ping", ""), G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
       "no result"},
      {"another shape", reply("ping", field(STRING, 0, text("OK"))), G_IO_ERROR,
       G_IO_ERROR_INVALID_DATA, "another type"},
      {"half a reply", reply("ping", field(STRUCT, 0, status(0, "OK", 1))).substr(0, 30),
       G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "middle"},
      {"nothing", "", G_IO_ERROR, G_IO_ERROR_CLOSED, "closed"},
      {"a failed status", reply("ping", field(STRUCT, 0, status(1, "not\n\x01now\xff", 1))),
       WIRE_ERROR, WIRE_ERROR_STATUS, "not  now\xef\xbf\xbd"},
      {"a failed status without a reason",
       reply("ping", field(STRUCT, 0, field(I32, 1, i32(2)) + u8(0))), WIRE_ERROR,
       WIRE_ERROR_STATUS, "no reason"},
      {"an exception",
       message(3, "ping", field(STRING, 1, text("bad day")) + field(I32, 2, i32(6))), WIRE_ERROR,
       WIRE_ERROR_EXCEPTION, "bad day"},
      {"an exception without a word", message(3, "ping", ""), WIRE_ERROR, WIRE_ERROR_EXCEPTION,
       "no reason"},
      {"an exception of a strange type", message(3, "ping", field(I32, 2, i32(-5))), WIRE_ERROR,
       WIRE_ERROR_EXCEPTION, "no reason"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    Scripted scripted(path_, expects(PING, c.answer));
    const WirePeer to = peer();
    g_autoptr(GError) error = nullptr;
    ASSERT_FALSE(stand_ping(&to, &error));
    EXPECT_TRUE(g_error_matches(error, c.domain, c.code)) << error->message;
    EXPECT_NE(string(error->message).find(c.text), string::npos) << error->message;
  }
}

TEST_F(Client, CutsLongReasons)
{
  Scripted scripted(
      path_, expects(PING, reply("ping", field(STRUCT, 0, status(1, string(100000, 'x'), 1)))));
  const WirePeer to = peer();
  g_autoptr(GError) error = nullptr;
  ASSERT_FALSE(stand_ping(&to, &error));
  EXPECT_EQ(string(error->message), string(512, 'x'));
}

TEST_F(Client, HasAnAbsoluteDeadline)
{
  const string answer = reply("ping", field(STRUCT, 0, status(0, "OK", 1)));
  const struct {
    const char *what;
    std::function<void(int)> script;
  } cases[] = {
      {"a hung peer", [](int fd) { receive(fd, 1 << 20); }},
      {"a dripping peer",
       [&](int fd) {
         for (const char byte : answer) {
           if (!send_all(fd, string(1, byte)))
             break;
           g_usleep(100000);
         }
       }},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    Scripted scripted(path_, c.script);
    const WirePeer to = peer(150);
    g_autoptr(GError) error = nullptr;
    ASSERT_FALSE(stand_ping(&to, &error));
    EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) << error->message;
    EXPECT_LT(g_get_monotonic_time() - to.deadline_us, 10 * G_TIME_SPAN_SECOND);
  }
}

TEST_F(Client, WaitsForRoomInTheBacklogUntilTheDeadline)
{
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  g_strlcpy(address.sun_path, path_.c_str(), sizeof address.sun_path);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 0), 0);
  const int filler = connect_to(path_);
  const WirePeer to = peer(100);
  g_autoptr(GError) error = nullptr;
  EXPECT_FALSE(stand_ping(&to, &error));
  EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) << error->message;
  EXPECT_GE(g_get_monotonic_time(), to.deadline_us);
  close(filler);
  close(fd);
}

TEST_F(Client, FailsAtOnceWithoutAPeer)
{
  const WirePeer to = peer();
  g_autoptr(GError) error = nullptr;
  EXPECT_FALSE(stand_ping(&to, &error));
  EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) << error->message;

  const string longer(WIRE_SOCKET_PATH_MAX + 1, 'x');
  const WirePeer nowhere = {longer.c_str(), in_ms(1000), nullptr, nullptr};
  g_autoptr(GError) too_long = nullptr;
  EXPECT_FALSE(stand_ping(&nowhere, &too_long));
  EXPECT_TRUE(g_error_matches(too_long, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG));
}

TEST_F(Client, IsCancelled)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  std::atomic<bool> there{false};
  Scripted scripted(path_, [&](int fd) {
    there = true;
    receive(fd, 1 << 20);
  });
  std::thread canceller([&] {
    while (!there)
      std::this_thread::yield();
    g_cancellable_cancel(cancellable);
  });
  const WirePeer to = peer(20000, cancellable);
  g_autoptr(GError) error = nullptr;
  EXPECT_FALSE(stand_ping(&to, &error));
  EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) << error->message;
  EXPECT_LT(g_get_monotonic_time(), to.deadline_us - 10000000);
  canceller.join();
}

TEST_F(Client, Registers)
{
  const WireColumn columns[] = {{"eid", "BIGINT", 9}, {"event", "TEXT", 4}};
  const WireTable tables[] = {{"watched", columns, 2}};
  string call;
  {
    Scripted scripted(path_, [&](int fd) {
      char chunk[4096];
      const ssize_t got = recv(fd, chunk, sizeof chunk, 0);
      call.assign(chunk, got > 0 ? static_cast<size_t>(got) : 0);
      send_all(fd, reply("registerExtension", field(STRUCT, 0, status(0, "OK", 4711))));
    });
    const WirePeer to = peer();
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(wire_register_extension(&to, "me", "1.2", tables, 1, &error), 4711);
  }
  WireMessage message;
  ASSERT_EQ(check_message(reinterpret_cast<const guint8 *>(call.data()), call.size(),
                          WIRE_FROM_CLIENT, &message),
            WIRE_COMPLETE);
  EXPECT_STREQ(message.method, "registerExtension");
  // Maps have no order on the wire; lists have.
  for (const string &part :
       {text("me"), text("1.2"), text("table"), text("watched") + list(MAP, 3, ""),
        text("name") + text("eid"), text("type") + text("BIGINT"), text("op") + text("9"),
        text("attributes") + text("0"), text("id") + text("column")})
    EXPECT_NE(call.find(part), string::npos) << part;
  EXPECT_LT(call.find(text("eid")), call.find(text("event")));
}

TEST_F(Client, IsRefusedAsDuplicate)
{
  Scripted scripted(path_, [](int fd) {
    char chunk[4096];
    ASSERT_GT(recv(fd, chunk, sizeof chunk, 0), 0);
    send_all(fd, reply("registerExtension",
                       field(STRUCT, 0, status(1, "Duplicate extension registered", 0))));
  });
  const WirePeer to = peer();
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wire_register_extension(&to, "me", "1.2", nullptr, 0, &error), -1);
  EXPECT_TRUE(g_error_matches(error, WIRE_ERROR, WIRE_ERROR_STATUS));
  EXPECT_STREQ(error->message, "Duplicate extension registered");
}

TEST_F(Client, ReadsExtensionsAndOptions)
{
  {
    Scripted scripted(
        path_, expects(call("extensions", ""),
                       reply("extensions", field(MAP, 0,
                                                 map(I64, STRUCT, 2,
                                                     i64(-3) + field(STRING, 1, text("one")) +
                                                         field(STRING, 2, text("1.0")) + u8(0) +
                                                         i64(4) + u8(0))))));
    const WirePeer to = peer();
    g_autoptr(GPtrArray) entries = wire_extensions(&to, nullptr);
    ASSERT_NE(entries, nullptr);
    ASSERT_EQ(entries->len, 2u);
    const auto *one = static_cast<WireExtensionEntry *>(entries->pdata[0]);
    const auto *two = static_cast<WireExtensionEntry *>(entries->pdata[1]);
    if (one->uuid != -3)
      std::swap(one, two);
    EXPECT_EQ(one->uuid, -3);
    EXPECT_STREQ(one->name, "one");
    EXPECT_STREQ(one->version, "1.0");
    EXPECT_EQ(two->uuid, 4);
    EXPECT_STREQ(two->name, "");
  }
  {
    Scripted scripted(path_,
                      expects(call("options", ""),
                              reply("options", field(MAP, 0,
                                                     map(STRING, STRUCT, 2,
                                                         text("a") + field(STRING, 1, text("1")) +
                                                             u8(0) + text("b") + u8(0))))));
    const WirePeer to = peer();
    g_autoptr(GHashTable) options = wire_options(&to, nullptr);
    ASSERT_NE(options, nullptr);
    EXPECT_EQ(g_hash_table_size(options), 2u);
    EXPECT_STREQ(static_cast<char *>(g_hash_table_lookup(options, "a")), "1");
    EXPECT_STREQ(static_cast<char *>(g_hash_table_lookup(options, "b")), "");
  }
}

const char *
at(GPtrArray *rows, guint row, const char *column)
{
  return static_cast<char *>(
      g_hash_table_lookup(static_cast<GHashTable *>(rows->pdata[row]), column));
}

TEST_F(Client, ReadsRows)
{
  const string rows =
      list(MAP, 3,
           map(STRING, STRING, 2, text("a") + text("1") + text("b") + text("")) +
               map(STRING, STRING, 0, "") + map(STRING, STRING, 1, text("a") + text("ä")));
  Scripted scripted(path_, expects(call("query", field(STRING, 1, text("SELECT 1"))),
                                   reply("query", field(STRUCT, 0, response(rows)))));
  const WirePeer to = peer();
  g_autoptr(GPtrArray) got = wire_query(&to, "SELECT 1", nullptr);
  ASSERT_NE(got, nullptr);
  ASSERT_EQ(got->len, 3u);
  EXPECT_STREQ(at(got, 0, "a"), "1");
  EXPECT_STREQ(at(got, 0, "b"), ""); // empty, not NULL
  EXPECT_EQ(at(got, 1, "a"), nullptr);
  EXPECT_STREQ(at(got, 2, "a"), "ä");
}

TEST_F(Client, ReadsColumnsInOrder)
{
  const string rows = list(MAP, 2,
                           map(STRING, STRING, 1, text("z") + text("TEXT")) +
                               map(STRING, STRING, 1, text("a") + text("BIGINT")));
  Scripted scripted(path_, expects(call("getQueryColumns", field(STRING, 1, text("S"))),
                                   reply("getQueryColumns", field(STRUCT, 0, response(rows)))));
  const WirePeer to = peer();
  g_autoptr(GPtrArray) got = stand_query_columns(&to, "S", nullptr);
  ASSERT_NE(got, nullptr);
  ASSERT_EQ(got->len, 2u);
  EXPECT_STREQ(at(got, 0, "z"), "TEXT");
  EXPECT_STREQ(at(got, 1, "a"), "BIGINT");
}

// Generated structs crash while writing some 42,000 rows; reading them must do.
TEST_F(Client, CallsAndReadsManyRows)
{
  const uint32_t count = 100000;
  const string row = map(STRING, STRING, 1, text("column") + text("value"));
  {
    Scripted scripted(path_, [&](int fd) {
      char chunk[4096];
      const ssize_t got = recv(fd, chunk, sizeof chunk, 0);
      received_.assign(chunk, got > 0 ? static_cast<size_t>(got) : 0);
      send_all(fd, reply("call", field(STRUCT, 0, response(list(MAP, count, repeat(row, count))))));
    });
    g_autoptr(GHashTable) request = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(request, const_cast<char *>("action"), const_cast<char *>("columns"));
    const WirePeer to = peer();
    g_autoptr(GError) error = nullptr;
    g_autoptr(GPtrArray) rows = stand_call(&to, "table", "watched", request, &error);
    ASSERT_NE(rows, nullptr) << error->message;
    EXPECT_EQ(rows->len, count);
  }
  EXPECT_EQ(
      received_,
      call("call", field(STRING, 1, text("table")) + field(STRING, 2, text("watched")) +
                       field(MAP, 3, map(STRING, STRING, 1, text("action") + text("columns")))));
}

TEST_F(Client, DeregistersAndShutsDown)
{
  {
    Scripted scripted(path_,
                      expects(call("deregisterExtension", field(I64, 1, i64(77))),
                              reply("deregisterExtension", field(STRUCT, 0, status(0, "", 0)))));
    const WirePeer to = peer();
    EXPECT_TRUE(wire_deregister_extension(&to, 77, nullptr));
  }
  {
    Scripted scripted(path_, expects(call("shutdown", ""), reply("shutdown", "")));
    const WirePeer to = peer();
    EXPECT_TRUE(stand_shutdown(&to, nullptr));
  }
}
} // namespace
