/* Writes replies straight into bytes. Generated structs crash at about 42,000 rows, and the other
 * replies need no generated code. */
#pragma once

#include <glib.h>

#include "thrift/message.h"

G_BEGIN_DECLS

/* Thrift's TApplicationException types. */
typedef enum {
  WIRE_EXCEPTION_UNKNOWN_METHOD = 1,
  WIRE_EXCEPTION_INTERNAL = 6,
  WIRE_EXCEPTION_PROTOCOL = 7,
} WireException;

/* Each of these four appends a whole reply. Texts are made printable, and cut at 1024 bytes. */

/* A T_EXCEPTION. */
void wire_reply_exception(GByteArray *reply, const WireMessage *call, WireException type,
                          const char *text);

/* The exception for a method that we don't have. */
void wire_reply_unknown_method(GByteArray *reply, const WireMessage *call);

/* An ExtensionStatus. */
void wire_reply_status(GByteArray *reply, const WireMessage *call, gint32 code, const char *text,
                       gint64 uuid);

/* The reply of a void method. */
void wire_reply_void(GByteArray *reply, const WireMessage *call);

/* An ExtensionResponse, row by row: wire_rows_begin(); for each row wire_rows_row(), and
 * wire_rows_value() for each value that is not NULL; then wire_rows_end() (status code 0), or
 * wire_rows_fail(), which discards the rows and answers with code 1 and @text. */
typedef struct {
  GByteArray *reply;
  gsize start;     /* offset of this reply in @reply */
  gsize rows_at;   /* offset of the count of rows */
  gsize values_at; /* offset of the count of the present row's values; 0: no row yet */
  guint32 rows;
  guint32 values;
  gboolean full; /* something did not fit */
  WireMessage call;
} WireRows;

void wire_rows_begin(WireRows *rows, GByteArray *reply, const WireMessage *call);
/* Returns: FALSE when the reply is full. Add no more; wire_rows_end() makes it a failure. */
gboolean wire_rows_row(WireRows *rows);
/* @value: valid UTF-8 without NUL. */
void wire_rows_value(WireRows *rows, const char *name, const char *value, gsize value_length);
/* Returns: FALSE when the reply exceeded WIRE_REPLY_BYTES_MAX and so became a failure. */
gboolean wire_rows_end(WireRows *rows);
void wire_rows_fail(WireRows *rows, const char *text);

G_END_DECLS
