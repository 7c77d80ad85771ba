// Builds Thrift messages byte by byte, valid ones and others, independently of the code under test.
#pragma once

#include <cstdint>
#include <string>

namespace bytes
{
using std::string;

enum Type : uint8_t {
  STOP = 0,
  BOOL = 2,
  BYTE = 3,
  DOUBLE = 4,
  I16 = 6,
  I32 = 8,
  I64 = 10,
  STRING = 11,
  STRUCT = 12,
  MAP = 13,
  SET = 14,
  LIST = 15,
};

inline string
be(uint64_t value, int size)
{
  string out;
  for (int i = size - 1; i >= 0; i--)
    out += static_cast<char>(value >> (8 * i));
  return out;
}

inline string
u8(unsigned value)
{
  return be(value, 1);
}
inline string
i32(int64_t value)
{
  return be(static_cast<uint64_t>(value), 4);
}
inline string
i64(int64_t value)
{
  return be(static_cast<uint64_t>(value), 8);
}
inline string
text(const string &value)
{
  return i32(static_cast<int64_t>(value.size())) + value;
}
inline string
field(Type type, unsigned id, const string &value)
{
  return u8(type) + be(id, 2) + value;
}
inline string
list(Type type, uint32_t count, const string &values)
{
  return u8(type) + be(count, 4) + values;
}
inline string
map(Type key, Type value, uint32_t count, const string &entries)
{
  return u8(key) + u8(value) + be(count, 4) + entries;
}
inline string
message(unsigned type, const string &method, const string &fields, int32_t seqid = 0)
{
  return be(0x80010000u | type, 4) + text(method) + i32(seqid) + fields + u8(STOP);
}
inline string
call(const string &method, const string &fields)
{
  return message(1, method, fields);
}
inline string
reply(const string &method, const string &fields)
{
  return message(2, method, fields);
}

inline string
status(int32_t code, const string &reason, int64_t uuid)
{
  return field(I32, 1, i32(code)) + field(STRING, 2, text(reason)) + field(I64, 3, i64(uuid)) +
         u8(STOP);
}
inline string
response(const string &rows)
{
  return field(STRUCT, 1, status(0, "OK", 0)) + field(LIST, 2, rows) + u8(STOP);
}
inline string
generate(const string &table, const string &context)
{
  return call("call",
              field(STRING, 1, text("table")) + field(STRING, 2, text(table)) +
                  field(MAP, 3,
                        map(STRING, STRING, 2,
                            text("action") + text("generate") + text("context") + text(context))));
}
inline string
repeat(const string &what, size_t times)
{
  string out;
  out.reserve(what.size() * times);
  for (size_t i = 0; i < times; i++)
    out += what;
  return out;
}
} // namespace bytes
