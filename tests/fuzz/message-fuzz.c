/* Fuzzes the check of messages, and generated code with what it lets through.
 * Input: one byte whose lowest bit is the direction, then the bytes from the socket.
 *
 * Build: clang -fsanitize=fuzzer,address,undefined … with the sources of thrift/. */
#include <stdint.h>
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "tests/check-message.h"
#include "thrift/transport.h"
#include "thrift/types.h"
#include "wire_extension_manager.h"

static GType
struct_of(const char *method, WireDirection direction)
{
  static const struct {
    const char *name;
    GType (*arguments)(void);
    GType (*result)(void);
  } METHODS[] = {
      {"ping", wire_extension_ping_args_get_type, wire_extension_ping_result_get_type},
      {"call", wire_extension_call_args_get_type, wire_extension_call_result_get_type},
      {"shutdown", wire_extension_shutdown_args_get_type, wire_extension_shutdown_result_get_type},
      {"extensions", wire_extension_manager_extensions_args_get_type,
       wire_extension_manager_extensions_result_get_type},
      {"options", wire_extension_manager_options_args_get_type,
       wire_extension_manager_options_result_get_type},
      {"registerExtension", wire_extension_manager_register_extension_args_get_type,
       wire_extension_manager_register_extension_result_get_type},
      {"deregisterExtension", wire_extension_manager_deregister_extension_args_get_type,
       wire_extension_manager_deregister_extension_result_get_type},
      {"query", wire_extension_manager_query_args_get_type,
       wire_extension_manager_query_result_get_type},
      {"getQueryColumns", wire_extension_manager_get_query_columns_args_get_type,
       wire_extension_manager_get_query_columns_result_get_type},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(METHODS); i++)
    if (strcmp(METHODS[i].name, method) == 0)
      return direction == WIRE_FROM_CLIENT ? METHODS[i].arguments() : METHODS[i].result();
  return G_TYPE_INVALID;
}

/* Generated code must read all of what was found complete, and nothing else. */
static void
read_generated(const guint8 *bytes, const WireMessage *message, WireDirection direction)
{
  g_autoptr(GObject) in = G_OBJECT(wire_protocol_new(bytes, message->size, NULL));
  ThriftProtocol *protocol = THRIFT_PROTOCOL(in);
  g_autoptr(GError) error = NULL;
  g_autofree char *method = NULL;
  ThriftMessageType type;
  gint32 seqid;
  g_assert_cmpint(thrift_protocol_read_message_begin(protocol, &method, &type, &seqid, &error), >,
                  0);
  g_assert_no_error(error);
  g_assert_cmpstr(method, ==, message->method);
  g_assert_cmpint(seqid, ==, message->seqid);

  const GType of = message->exception ? THRIFT_TYPE_APPLICATION_EXCEPTION
                                      : struct_of(message->method, direction);
  g_assert_true(message->exception || message->known == (of != G_TYPE_INVALID));
  gint32 read;
  if (of == G_TYPE_INVALID) {
    read = thrift_protocol_skip(protocol, T_STRUCT, &error);
  } else {
    g_autoptr(GObject) object = g_object_new(of, NULL);
    read = thrift_struct_read(THRIFT_STRUCT(object), protocol, &error);
  }
  g_assert_no_error(error);
  g_assert_cmpint(read, >, -1);
  gint8 more;
  g_assert_cmpint(thrift_protocol_read_byte(protocol, &more, NULL), <, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  wire_init();
  return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return -1;
  const WireDirection direction = data[0] & 1 ? WIRE_FROM_SERVER : WIRE_FROM_CLIENT;
  const gsize length = size - 1;
  /* Exactly as large as it is, so that a read past the end is seen. */
  g_autofree guint8 *bytes = g_memdup2(data + 1, length);

  WireMessage message;
  const WireVerdict verdict = check_message(bytes, length, direction, &message);
  g_assert_true((message.problem != NULL) == (verdict == WIRE_INVALID));
  g_assert_cmpuint(strlen(message.method), <=, WIRE_METHOD_MAX);

  /* In two pieces, cut anywhere, it is the same. */
  const gsize cut = length == 0 ? 0 : (gsize)data[0] * 40503u % (length + 1);
  WireWalk walk;
  wire_walk_begin(&walk, direction);
  const WireVerdict early = wire_walk_on(&walk, bytes, cut);
  g_assert_true(early == WIRE_INCOMPLETE || early == verdict);
  g_assert_cmpint(wire_walk_on(&walk, bytes, length), ==, verdict);
  g_assert_cmpuint(walk.message.size, ==, message.size);

  if (verdict != WIRE_COMPLETE) {
    g_assert_cmpuint(message.size, ==, 0);
    return 0;
  }
  g_assert_cmpuint(message.size, >, 0);
  g_assert_cmpuint(message.size, <=, length);
  const gsize prefixes[] = {0, 3, message.size / 2, cut % message.size, message.size - 1};
  for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
    WireMessage shorter;
    g_assert_cmpint(check_message(bytes, prefixes[i], direction, &shorter), ==, WIRE_INCOMPLETE);
  }
  read_generated(bytes, &message, direction);
  return 0;
}
