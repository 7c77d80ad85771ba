#include "thrift/message.h"

#include <gtest/gtest.h>

#include "tests/check-message.h"
#include "thrift/call-arguments.h"
#include "thrift/types.h"
#include "wire-bytes.h"

using namespace bytes;

namespace
{
WireVerdict
check(const string &message, WireDirection direction, WireMessage *out)
{
  // A copy of the exact size, so that a sanitizer sees any read past the end.
  const std::vector<guint8> copy(message.begin(), message.end());
  return check_message(copy.data(), copy.size(), direction, out);
}

struct Case {
  const char *what;
  WireDirection direction;
  string message;
};

const string INFO = field(STRING, 1, text("name")) + field(STRING, 2, text("1.0")) +
                    field(STRING, 3, text("5.0.0")) + field(STRING, 4, text("5.0.0")) + u8(STOP);
const string ROW = map(STRING, STRING, 1, text("id") + text("column"));
const string REGISTRY =
    map(STRING, MAP, 1,
        text("table") + map(STRING, LIST, 1, text("watched") + list(MAP, 2, ROW + ROW)));

std::vector<Case>
valid_messages()
{
  return {
      {"ping", WIRE_FROM_CLIENT, call("ping", "")},
      {"oneway ping", WIRE_FROM_CLIENT, message(4, "ping", "")},
      {"shutdown", WIRE_FROM_CLIENT, call("shutdown", "")},
      {"generate", WIRE_FROM_CLIENT, generate("watched", "{\"constraints\":[]}")},
      {"call without arguments", WIRE_FROM_CLIENT, call("call", "")},
      {"call with empty texts", WIRE_FROM_CLIENT,
       call("call", field(STRING, 1, text("")) + field(STRING, 2, text("")) +
                        field(MAP, 3, map(STRING, STRING, 1, text("k") + text(""))))},
      {"call with an empty map", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 0, "")))},
      {"call with fields of a later version", WIRE_FROM_CLIENT,
       call("call", field(STRING, 2, text("x")) + field(I32, 9, i32(1)) +
                        field(LIST, 900, list(STRUCT, 2, field(BOOL, 1, u8(1)) + u8(0) + u8(0))) +
                        field(SET, 33, list(I16, 3, string(6, 'x'))) +
                        field(MAP, 34, map(I64, DOUBLE, 1, i64(1) + i64(2))) +
                        field(STRING, 35, text(string("a\0b", 3))) + field(BYTE, 0xffff, u8(7)))},
      {"register", WIRE_FROM_CLIENT,
       call("registerExtension", field(STRUCT, 1, INFO) + field(MAP, 2, REGISTRY))},
      {"deregister", WIRE_FROM_CLIENT, call("deregisterExtension", field(I64, 1, i64(-1)))},
      {"query", WIRE_FROM_CLIENT, call("query", field(STRING, 1, text("SELECT 1")))},
      {"query columns", WIRE_FROM_CLIENT,
       call("getQueryColumns", field(STRING, 1, text("SELECT 1")))},
      {"extensions", WIRE_FROM_CLIENT, call("extensions", "")},
      {"options", WIRE_FROM_CLIENT, call("options", "")},
      {"an unknown method", WIRE_FROM_CLIENT, call("dance", field(I32, 1, i32(1)))},
      {"an unknown method with a NUL in a text", WIRE_FROM_CLIENT,
       call("dance", field(STRING, 1, text(string(3, '\0'))))},
      {"256 entries", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 256, repeat(text("k") + text(""), 256))))},
      {"as deep as allowed", WIRE_FROM_CLIENT,
       call("dance", repeat(field(STRUCT, 1, ""), 15) + string(15, '\0'))},
      {"ping's reply", WIRE_FROM_SERVER, reply("ping", field(STRUCT, 0, status(0, "OK", 7)))},
      {"an empty status", WIRE_FROM_SERVER, reply("ping", field(STRUCT, 0, u8(STOP)))},
      {"shutdown's reply", WIRE_FROM_SERVER, reply("shutdown", "")},
      {"an exception", WIRE_FROM_SERVER,
       message(3, "ping", field(STRING, 1, text("no")) + field(I32, 2, i32(6)))},
      {"rows", WIRE_FROM_SERVER,
       reply("query", field(STRUCT, 0, response(list(MAP, 2, ROW + ROW))))},
      {"no rows", WIRE_FROM_SERVER, reply("query", field(STRUCT, 0, response(list(MAP, 0, ""))))},
      {"many rows", WIRE_FROM_SERVER,
       reply("query", field(STRUCT, 0, response(list(MAP, 50000, repeat(ROW, 50000)))))},
      {"extensions' reply", WIRE_FROM_SERVER,
       reply("extensions", field(MAP, 0, map(I64, STRUCT, 1, i64(5) + INFO)))},
      {"options' reply", WIRE_FROM_SERVER,
       reply("options",
             field(MAP, 0,
                   map(STRING, STRUCT, 400,
                       repeat(text("flag") + field(STRING, 1, text("1")) + u8(STOP), 400))))},
  };
}

TEST(Message, CompleteOnes)
{
  for (const Case &c : valid_messages()) {
    SCOPED_TRACE(c.what);
    WireMessage message;
    ASSERT_EQ(check(c.message, c.direction, &message), WIRE_COMPLETE) << message.problem;
    EXPECT_EQ(message.size, c.message.size());
    EXPECT_EQ(message.problem, nullptr);
    // What follows is another message's.
    ASSERT_EQ(check(c.message + "\xff\xff", c.direction, &message), WIRE_COMPLETE);
    EXPECT_EQ(message.size, c.message.size());
  }
}

TEST(Message, EveryPrefixIsIncomplete)
{
  for (const Case &c : valid_messages()) {
    SCOPED_TRACE(c.what);
    const size_t step = c.message.size() > 5000 ? c.message.size() / 97 : 1;
    for (size_t length = 0; length < c.message.size(); length += step) {
      WireMessage message;
      ASSERT_EQ(check(c.message.substr(0, length), c.direction, &message), WIRE_INCOMPLETE)
          << length << ": " << message.problem;
    }
  }
}

TEST(Message, WalkInPiecesSaysTheSame)
{
  for (const Case &c : valid_messages()) {
    SCOPED_TRACE(c.what);
    WireWalk walk;
    wire_walk_begin(&walk, c.direction);
    const size_t step = c.message.size() > 5000 ? 997 : 1;
    for (size_t length = 0; length < c.message.size(); length += step) {
      const std::vector<guint8> moved(c.message.begin(),
                                      c.message.begin() + static_cast<long>(length));
      ASSERT_EQ(wire_walk_on(&walk, moved.data(), moved.size()), WIRE_INCOMPLETE) << length;
    }
    const auto *whole = reinterpret_cast<const guint8 *>(c.message.data());
    EXPECT_EQ(wire_walk_on(&walk, whole, c.message.size()), WIRE_COMPLETE);
    EXPECT_EQ(walk.message.size, c.message.size());
  }
}

TEST(Message, TellsWhatItIs)
{
  WireMessage message;
  ASSERT_EQ(check(bytes::message(4, "call", "", 0x01020304), WIRE_FROM_CLIENT, &message),
            WIRE_COMPLETE);
  EXPECT_STREQ(message.method, "call");
  EXPECT_EQ(message.seqid, 0x01020304);
  EXPECT_TRUE(message.oneway);
  EXPECT_TRUE(message.known);
  EXPECT_FALSE(message.exception);
  ASSERT_EQ(check(bytes::message(3, "dance", "", -1), WIRE_FROM_SERVER, &message), WIRE_COMPLETE);
  EXPECT_EQ(message.seqid, -1);
  EXPECT_TRUE(message.exception);
  EXPECT_FALSE(message.known);
  EXPECT_FALSE(message.oneway);
}

// Everything that hostile bytes were seen to do to Thrift's own reading of them, and its relatives.
TEST(Message, Attacks)
{
  const string plain = call("ping", "");
  const string huge = i32(0x7fffffff);
  const struct {
    const char *what;
    WireDirection direction;
    string message;
    const char *problem;
  } cases[] = {
      {"an old-style header", WIRE_FROM_CLIENT, text("ping") + u8(1) + i32(0) + u8(STOP),
       "strict header"},
      {"http", WIRE_FROM_CLIENT, "GET / HTTP/1.1\r\n", "strict header"},
      {"a framed message", WIRE_FROM_CLIENT, i32(17) + plain, "strict header"},
      {"version 2", WIRE_FROM_CLIENT, be(0x80020001u, 4) + plain.substr(4), "strict header"},
      {"a byte in the header that nobody uses", WIRE_FROM_CLIENT,
       be(0x80010101u, 4) + plain.substr(4), "strict header"},
      {"a reply to a server", WIRE_FROM_CLIENT, reply("ping", ""), "direction"},
      {"an exception to a server", WIRE_FROM_CLIENT, message(3, "ping", ""), "direction"},
      {"a call to a client", WIRE_FROM_SERVER, call("ping", ""), "direction"},
      {"a oneway to a client", WIRE_FROM_SERVER, message(4, "ping", ""), "direction"},
      {"no type of message", WIRE_FROM_CLIENT, message(0, "ping", ""), "direction"},
      {"a method without name", WIRE_FROM_CLIENT, call("", ""), "name"},
      {"a method with a long name", WIRE_FROM_CLIENT, call(string(65, 'x'), ""), "name"},
      {"a method's name of 2 GiB", WIRE_FROM_CLIENT, plain.substr(0, 4) + huge, "name"},
      {"a method's name of -1", WIRE_FROM_CLIENT, plain.substr(0, 4) + i32(-1), "name"},
      {"a method's name with a NUL", WIRE_FROM_CLIENT, call(string("pi\0ng", 5), ""), "NUL"},
      {"nested too deep, structs", WIRE_FROM_CLIENT,
       call("dance", repeat(field(STRUCT, 1, ""), 16)), "deep"},
      {"nested too deep, 60,000 levels of lists", WIRE_FROM_CLIENT,
       call("ping", field(LIST, 1, "") + repeat(list(LIST, 1, ""), 60000)), "deep"},
      {"nested too deep, maps in an unknown field", WIRE_FROM_CLIENT,
       call("call", field(MAP, 9, "") + repeat(map(MAP, MAP, 1, ""), 16)), "deep"},
      {"a text of 2 GiB", WIRE_FROM_CLIENT, call("call", field(STRING, 1, huge)), "longer"},
      {"a text of -1", WIRE_FROM_CLIENT, call("call", field(STRING, 1, i32(-1))), "longer"},
      {"a text just too long", WIRE_FROM_CLIENT,
       call("call", field(STRING, 1, i32(WIRE_CALL_BYTES_MAX - 16 - 7 + 1))), "longer"},
      {"a reply's text too long", WIRE_FROM_SERVER,
       reply("ping", field(STRUCT, 0, field(STRING, 2, huge))), "longer"},
      {"a map of 2^31 entries", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 0x7fffffff, ""))), "more values than fit"},
      {"a map of -1 entries", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 0xffffffff, ""))), "more values than fit"},
      {"a list of 2^31 structs", WIRE_FROM_CLIENT,
       call("dance", field(LIST, 1, list(STRUCT, 0x7fffffff, ""))), "more values than fit"},
      {"257 entries", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 257, repeat(text("k") + text(""), 257)))),
       "too many entries"},
      {"60,000 entries, by number alone", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 60000, ""))), "too many entries"},
      {"2049 columns", WIRE_FROM_SERVER,
       reply("query", field(STRUCT, 0, response(list(MAP, 1, map(STRING, STRING, 2049, ""))))),
       "too many entries"},
      {"400,000 empty maps", WIRE_FROM_CLIENT,
       call("registerExtension",
            field(MAP, 2,
                  map(STRING, MAP, 1,
                      text("table") +
                          map(STRING, LIST, 1,
                              text("t") +
                                  list(MAP, 400000, repeat(map(STRING, STRING, 0, ""), 400000)))))),
       "too many maps and lists"},
      {"a field twice", WIRE_FROM_CLIENT,
       call("call", field(STRING, 1, text("a")) + field(STRING, 1, text("b"))), "twice"},
      {"a status twice", WIRE_FROM_SERVER,
       reply("ping", field(STRUCT, 0, u8(STOP)) + field(STRUCT, 0, u8(STOP))), "twice"},
      {"a code twice", WIRE_FROM_SERVER,
       reply("ping", field(STRUCT, 0, field(I32, 1, i32(1)) + field(I32, 1, i32(0)) + u8(STOP))),
       "twice"},
      {"a NUL in the registry", WIRE_FROM_CLIENT,
       call("call", field(STRING, 1, text(string("ta\0ble", 6)))), "NUL"},
      {"a NUL in a key", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 1, text(string(1, '\0')) + text("")))),
       "NUL"},
      {"a NUL in a value", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 1, text("k") + text(string(1, '\0'))))),
       "NUL"},
      {"an empty key", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRING, 1, text("") + text("v")))), "empty key"},
      {"a registry that is a number", WIRE_FROM_CLIENT, call("call", field(I32, 1, i32(1))),
       "another type"},
      {"a registry that is a map", WIRE_FROM_CLIENT,
       call("call", field(MAP, 1, map(STRING, STRING, 0, ""))), "another type"},
      {"a request of numbers, which readers would take for lengths", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(I32, I32, 1, i32(4) + i32(4)))), "another type"},
      {"a request of structs", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, STRUCT, 1, text("k") + u8(STOP)))), "another type"},
      {"an empty request of another type", WIRE_FROM_CLIENT,
       call("call", field(MAP, 3, map(STRING, I64, 0, ""))), "another type"},
      {"rows that are texts", WIRE_FROM_SERVER,
       reply("query", field(STRUCT, 0, response(list(STRING, 1, text("x"))))), "another type"},
      {"extensions by name", WIRE_FROM_SERVER,
       reply("extensions", field(MAP, 0, map(STRING, STRUCT, 0, ""))), "another type"},
      {"a type that does not exist", WIRE_FROM_CLIENT, call("dance", field(Type(7), 1, "")),
       "unknown type"},
      {"type void", WIRE_FROM_CLIENT, call("dance", field(Type(1), 1, "")), "unknown type"},
      {"type 255", WIRE_FROM_CLIENT, call("dance", field(Type(255), 1, "")), "unknown type"},
      {"a list of nothing", WIRE_FROM_CLIENT, call("dance", field(LIST, 1, list(STOP, 1, ""))),
       "unknown type"},
      {"a map to an unknown type", WIRE_FROM_CLIENT,
       call("dance", field(MAP, 1, map(STRING, Type(16), 0, ""))), "unknown type"},
      {"a reply without result", WIRE_FROM_SERVER, reply("ping", ""), "no result"},
      {"a reply with something else", WIRE_FROM_SERVER, reply("query", field(I32, 1, i32(1))),
       "no result"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    WireMessage message;
    ASSERT_EQ(check(c.message, c.direction, &message), WIRE_INVALID);
    EXPECT_NE(string(message.problem).find(c.problem), string::npos) << message.problem;
  }
}

TEST(Message, LengthsUpToTheLimitAreWaitedFor)
{
  const string head = call("call", field(STRING, 1, ""));
  const size_t before = head.size() - 1; // without the last STOP
  WireMessage message;
  const string most = head.substr(0, before) + i32(int64_t(WIRE_CALL_BYTES_MAX - before - 4));
  EXPECT_EQ(check(most, WIRE_FROM_CLIENT, &message), WIRE_INCOMPLETE);
  // But no byte more fits then, not even the one that ends the message.
  const string full = most + string(WIRE_CALL_BYTES_MAX - before - 4, 'x');
  EXPECT_EQ(check(full + u8(STOP), WIRE_FROM_CLIENT, &message), WIRE_INVALID);
  const string fits =
      head.substr(0, before) + text(string(WIRE_CALL_BYTES_MAX - before - 5, 'x')) + u8(STOP);
  ASSERT_EQ(check(fits, WIRE_FROM_CLIENT, &message), WIRE_COMPLETE);
  EXPECT_EQ(message.size, WIRE_CALL_BYTES_MAX);
}

TEST(Message, NoFlippedByteReachesGeneratedCodeUnchecked)
{
  wire_init();
  const string valid = generate("watched", "{}");
  for (size_t at = 0; at < valid.size(); at++) {
    for (const int value : {0, 1, 11, 13, 15, 127, 128, 255}) {
      string changed = valid;
      changed[at] = static_cast<char>(value);
      WireMessage message;
      if (check(changed, WIRE_FROM_CLIENT, &message) != WIRE_COMPLETE ||
          strcmp(message.method, "call") != 0)
        continue;
      g_auto(WireCallArguments) arguments = {};
      g_autoptr(GError) error = nullptr;
      EXPECT_TRUE(wire_call_arguments_read(reinterpret_cast<const guint8 *>(changed.data()),
                                           &message, &arguments, &error))
          << at << " " << value << " " << error->message;
    }
  }
}
} // namespace
