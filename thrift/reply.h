/* Writes replies by hand, straight into bytes: generated structs can't do that for large row sets
 * (they crash at about 42,000 rows), and the other replies need no generated code. */
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

/* Appends a whole T_EXCEPTION reply. All texts here are made printable, and cut at 1024 bytes. */
void wire_reply_exception(GByteArray *reply, const WireMessage *call, WireException type,
                          const char *text);

/* The answer to a method that we don't have. */
void wire_reply_unknown_method(GByteArray *reply, const WireMessage *call);

/* Appends a whole reply that returns an ExtensionStatus. */
void wire_reply_status(GByteArray *reply, const WireMessage *call, gint32 code, const char *text,
                       gint64 uuid);

/* Appends a whole reply of a void method. */
void wire_reply_void(GByteArray *reply, const WireMessage *call);

/* An ExtensionResponse, row by row: begin, then for each row wire_rows_row() and as many
 * wire_rows_value() as it has values that are not NULL, then end (status code 0), or fail, which
 * takes all of it back and answers with code 1 and @text. */
typedef struct {
  GByteArray *reply;
  gsize start;     /* where this reply begins in @reply */
  gsize rows_at;   /* where the count of rows stands */
  gsize values_at; /* where the count of the present row's values stands; 0: no row yet */
  guint32 rows;
  guint32 values;
  gboolean full; /* something did not fit */
  WireMessage call;
} WireRows;

void wire_rows_begin(WireRows *rows, GByteArray *reply, const WireMessage *call);
/* Returns: FALSE when the reply is full: add no more, wire_rows_end() makes it a failure. */
gboolean wire_rows_row(WireRows *rows);
/* @value: valid UTF-8 without NUL. */
void wire_rows_value(WireRows *rows, const char *name, const char *value, gsize value_length);
/* Returns: FALSE when the reply would be over WIRE_REPLY_BYTES_MAX; then it has become a failure.
 */
gboolean wire_rows_end(WireRows *rows);
void wire_rows_fail(WireRows *rows, const char *text);

G_END_DECLS
