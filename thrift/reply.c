#include "thrift/reply.h"

#include <string.h>

#include "thrift/shape.h"
#include "thrift/text.h"

/* The most bytes of a text that are sent. */
#define TEXT_MAX 1024

static void
put(GByteArray *to, const void *bytes, gsize length)
{
  g_byte_array_append(to, bytes, (guint)length);
}

static void
put_u8(GByteArray *to, guint8 value)
{
  put(to, &value, 1);
}

static void
put_u16(GByteArray *to, guint16 value)
{
  const guint16 wire = GUINT16_TO_BE(value);
  put(to, &wire, sizeof wire);
}

static void
put_u32(GByteArray *to, guint32 value)
{
  const guint32 wire = GUINT32_TO_BE(value);
  put(to, &wire, sizeof wire);
}

static void
put_u64(GByteArray *to, guint64 value)
{
  const guint64 wire = GUINT64_TO_BE(value);
  put(to, &wire, sizeof wire);
}

static void
put_string(GByteArray *to, const char *value, gsize length)
{
  put_u32(to, (guint32)length);
  put(to, value, length);
}

static void
put_text(GByteArray *to, const char *text)
{
  g_autofree char *line = wire_text_printable(text, TEXT_MAX);
  put_string(to, line, strlen(line));
}

static void
put_field(GByteArray *to, WireType type, guint16 id)
{
  put_u8(to, (guint8)type);
  put_u16(to, id);
}

/* Overwrites 4 bytes that were appended before. */
static void
set_u32(GByteArray *at, gsize offset, guint32 value)
{
  const guint32 wire = GUINT32_TO_BE(value);
  memcpy(at->data + offset, &wire, sizeof wire);
}

static void
put_header(GByteArray *to, const WireMessage *call, guint8 type)
{
  const guint8 version[] = {0x80, 0x01, 0, type};
  put(to, version, sizeof version);
  put_string(to, call->method, strlen(call->method));
  put_u32(to, (guint32)call->seqid);
}

static void
put_status(GByteArray *to, gint32 code, const char *text, gint64 uuid)
{
  put_field(to, WIRE_I32, 1);
  put_u32(to, (guint32)code);
  put_field(to, WIRE_STRING, 2);
  put_text(to, text);
  put_field(to, WIRE_I64, 3);
  put_u64(to, (guint64)uuid);
  put_u8(to, WIRE_STOP);
}

void
wire_reply_exception(GByteArray *reply, const WireMessage *call, WireException type,
                     const char *text)
{
  put_header(reply, call, WIRE_MESSAGE_EXCEPTION);
  put_field(reply, WIRE_STRING, 1);
  put_text(reply, text);
  put_field(reply, WIRE_I32, 2);
  put_u32(reply, (guint32)type);
  put_u8(reply, WIRE_STOP);
}

void
wire_reply_unknown_method(GByteArray *reply, const WireMessage *call)
{
  g_autofree char *text = g_strdup_printf("unknown method %s", call->method);
  wire_reply_exception(reply, call, WIRE_EXCEPTION_UNKNOWN_METHOD, text);
}

void
wire_reply_status(GByteArray *reply, const WireMessage *call, gint32 code, const char *text,
                  gint64 uuid)
{
  put_header(reply, call, WIRE_MESSAGE_REPLY);
  put_field(reply, WIRE_STRUCT, 0);
  put_status(reply, code, text, uuid);
  put_u8(reply, WIRE_STOP);
}

void
wire_reply_void(GByteArray *reply, const WireMessage *call)
{
  put_header(reply, call, WIRE_MESSAGE_REPLY);
  put_u8(reply, WIRE_STOP);
}

/* Appends an ExtensionResponse up to its rows, with a count of 0. */
static void
begin_response(WireRows *rows, gint32 code, const char *text)
{
  put_header(rows->reply, &rows->call, WIRE_MESSAGE_REPLY);
  put_field(rows->reply, WIRE_STRUCT, 0);
  put_field(rows->reply, WIRE_STRUCT, 1);
  put_status(rows->reply, code, text, 0);
  put_field(rows->reply, WIRE_LIST, 2);
  put_u8(rows->reply, WIRE_MAP);
  rows->rows_at = rows->reply->len;
  rows->rows = 0;
  rows->values_at = 0;
  put_u32(rows->reply, 0);
}

static void
end_response(WireRows *rows)
{
  put_u8(rows->reply, WIRE_STOP);
  put_u8(rows->reply, WIRE_STOP);
}

static gboolean
fits(const WireRows *rows, gsize more)
{
  const gsize used = rows->reply->len - rows->start;
  return !rows->full && more <= WIRE_REPLY_BYTES_MAX - used;
}

void
wire_rows_begin(WireRows *rows, GByteArray *reply, const WireMessage *call)
{
  *rows = (WireRows){.reply = reply, .start = reply->len, .call = *call};
  begin_response(rows, 0, "OK");
}

static void
end_row(WireRows *rows)
{
  if (rows->values_at != 0)
    set_u32(rows->reply, rows->values_at, rows->values);
}

gboolean
wire_rows_row(WireRows *rows)
{
  static const guint8 BEGIN[] = {WIRE_STRING, WIRE_STRING, 0, 0, 0, 0};
  end_row(rows);
  if (!fits(rows, sizeof BEGIN + 2)) {
    rows->full = TRUE;
    return FALSE;
  }
  rows->rows++;
  rows->values = 0;
  put(rows->reply, BEGIN, sizeof BEGIN);
  rows->values_at = rows->reply->len - 4;
  return TRUE;
}

void
wire_rows_value(WireRows *rows, const char *name, const char *value, gsize value_length)
{
  const gsize name_length = strlen(name);
  if (value_length > WIRE_REPLY_BYTES_MAX || !fits(rows, 8 + name_length + value_length + 2)) {
    rows->full = TRUE;
    return;
  }
  /* Grows it once, because a large reply spends its time here. */
  const guint before = rows->reply->len;
  g_byte_array_set_size(rows->reply, before + (guint)(8 + name_length + value_length));
  guint8 *at = rows->reply->data + before;
  set_u32(rows->reply, before, (guint32)name_length);
  memcpy(at + 4, name, name_length);
  set_u32(rows->reply, before + 4 + name_length, (guint32)value_length);
  memcpy(at + 8 + name_length, value, value_length);
  rows->values++;
}

gboolean
wire_rows_end(WireRows *rows)
{
  if (rows->full) {
    wire_rows_fail(rows, "the rows are too many for one reply: constrain the query");
    return FALSE;
  }
  end_row(rows);
  set_u32(rows->reply, rows->rows_at, rows->rows);
  end_response(rows);
  return TRUE;
}

void
wire_rows_fail(WireRows *rows, const char *text)
{
  g_byte_array_set_size(rows->reply, (guint)rows->start);
  begin_response(rows, 1, text);
  end_response(rows);
}
