#include "thrift/reply.h"

#include <gtest/gtest.h>

#include "tests/check-message.h"
#include "wire-bytes.h"

using namespace bytes;

namespace
{
WireMessage
call_of(const char *method, gint32 seqid)
{
  WireMessage call = {};
  g_strlcpy(call.method, method, sizeof call.method);
  call.seqid = seqid;
  return call;
}

class Reply : public ::testing::Test
{
protected:
  ~Reply() override
  {
    g_byte_array_unref(out_);
  }
  string written() const
  {
    return string(reinterpret_cast<char *>(out_->data), out_->len);
  }
  WireVerdict verdict() const
  {
    WireMessage message;
    return check_message(out_->data, out_->len, WIRE_FROM_SERVER, &message);
  }
  GByteArray *out_ = g_byte_array_new();
};

TEST_F(Reply, Exception)
{
  const WireMessage call = call_of("ping", 7);
  wire_reply_exception(out_, &call, WIRE_EXCEPTION_INTERNAL, "no\nwonder");
  EXPECT_EQ(written(),
            message(3, "ping", field(STRING, 1, text("no wonder")) + field(I32, 2, i32(6)), 7));
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}

TEST_F(Reply, UnknownMethodOfAnyBytes)
{
  const WireMessage call = call_of("d\xff\x1bnce", 0);
  wire_reply_unknown_method(out_, &call);
  EXPECT_NE(written().find("unknown method d\xef\xbf\xbd nce"), string::npos) << written();
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}

TEST_F(Reply, Status)
{
  const WireMessage call = call_of("ping", -1);
  wire_reply_status(out_, &call, 1, "no", -2);
  EXPECT_EQ(written(), message(2, "ping", field(STRUCT, 0, status(1, "no", -2)), -1));
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}

TEST_F(Reply, Void)
{
  const WireMessage call = call_of("shutdown", 0);
  wire_reply_void(out_, &call);
  EXPECT_EQ(written(), reply("shutdown", ""));
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}

TEST_F(Reply, Rows)
{
  const WireMessage call = call_of("call", 3);
  WireRows rows;
  wire_rows_begin(&rows, out_, &call);
  EXPECT_TRUE(wire_rows_row(&rows));
  wire_rows_value(&rows, "a", "12", 2);
  wire_rows_value(&rows, "b", "", 0);
  EXPECT_TRUE(wire_rows_row(&rows)); // all of it NULL
  EXPECT_TRUE(wire_rows_row(&rows));
  wire_rows_value(&rows, "a", "value, cut", 5);
  EXPECT_TRUE(wire_rows_end(&rows));
  const string expected =
      list(MAP, 3,
           map(STRING, STRING, 2, text("a") + text("12") + text("b") + text("")) +
               map(STRING, STRING, 0, "") + map(STRING, STRING, 1, text("a") + text("value")));
  EXPECT_EQ(written(), message(2, "call", field(STRUCT, 0, response(expected)), 3));
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}

TEST_F(Reply, NoRows)
{
  const WireMessage call = call_of("call", 3);
  WireRows rows;
  wire_rows_begin(&rows, out_, &call);
  EXPECT_TRUE(wire_rows_end(&rows));
  EXPECT_EQ(written(), message(2, "call", field(STRUCT, 0, response(list(MAP, 0, ""))), 3));
}

TEST_F(Reply, FailureTakesTheRowsBack)
{
  const WireMessage call = call_of("call", 3);
  g_byte_array_append(out_, reinterpret_cast<const guint8 *>("before"), 6);
  WireRows rows;
  wire_rows_begin(&rows, out_, &call);
  EXPECT_TRUE(wire_rows_row(&rows));
  wire_rows_value(&rows, "a", "1", 1);
  wire_rows_fail(&rows, "the disk is gone");
  const string failed = field(STRUCT, 1, status(1, "the disk is gone", 0)) +
                        field(LIST, 2, list(MAP, 0, "")) + u8(STOP);
  EXPECT_EQ(written(), "before" + message(2, "call", field(STRUCT, 0, failed), 3));
}

TEST_F(Reply, RowsHaveABound)
{
  const WireMessage call = call_of("call", 3);
  const string value(1 << 20, 'x');
  WireRows rows;
  wire_rows_begin(&rows, out_, &call);
  guint n = 0;
  while (n < 100 && wire_rows_row(&rows)) {
    wire_rows_value(&rows, "a", value.data(), value.size());
    n++;
  }
  EXPECT_EQ(n, 64u); // the 64th value didn't fit, and the next row says so
  EXPECT_LE(out_->len, WIRE_REPLY_BYTES_MAX);
  EXPECT_FALSE(wire_rows_end(&rows));
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
  EXPECT_LT(out_->len, 200u);
}

TEST_F(Reply, RowsUpToTheBoundArrive)
{
  const WireMessage call = call_of("call", 3);
  WireRows rows;
  wire_rows_begin(&rows, out_, &call);
  EXPECT_TRUE(wire_rows_row(&rows));
  // The row's name, the value's length, and the two bytes that end it all.
  const string value(WIRE_REPLY_BYTES_MAX - out_->len - 5 - 4 - 2, 'x');
  wire_rows_value(&rows, "a", value.data(), value.size());
  ASSERT_TRUE(wire_rows_end(&rows));
  EXPECT_LE(out_->len, WIRE_REPLY_BYTES_MAX);
  EXPECT_GE(out_->len, WIRE_REPLY_BYTES_MAX - 1);
  EXPECT_EQ(verdict(), WIRE_COMPLETE);
}
} // namespace
