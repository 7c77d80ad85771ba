#include "thrift/transport.h"

#include <gtest/gtest.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "thrift/types.h"
extern "C" {
// Generated: it says nothing of C++ itself.
#include "wire_extension_manager.h"
}
#include "wire-bytes.h"

using namespace bytes;

namespace
{
gboolean
answer_ping(WireExtensionIf *, WireExtensionStatus **status, GError **)
{
  g_object_set(*status, "code", 0, "message", "OK", "uuid", G_GINT64_CONSTANT(5), nullptr);
  return TRUE;
}

gboolean
refuse_query(WireExtensionManagerIf *, WireExtensionResponse **, const gchar *, GError **error)
{
  g_set_error_literal(error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                      THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "not today");
  return FALSE;
}

void
handler_init(gpointer class_data, gpointer)
{
  WIRE_EXTENSION_HANDLER_CLASS(class_data)->ping = answer_ping;
  WIRE_EXTENSION_MANAGER_HANDLER_CLASS(class_data)->query = refuse_query;
}

class Transport : public ::testing::Test
{
protected:
  static void SetUpTestSuite()
  {
    wire_init();
    handler_type_ =
        g_type_register_static_simple(WIRE_TYPE_EXTENSION_MANAGER_HANDLER, "TestHandler",
                                      sizeof(WireExtensionManagerHandlerClass), handler_init,
                                      sizeof(WireExtensionManagerHandler), nullptr, GTypeFlags(0));
  }
  void SetUp() override
  {
    g_autoptr(GObject) handler = static_cast<GObject *>(g_object_new(handler_type_, nullptr));
    processor_ = THRIFT_PROCESSOR(
        g_object_new(WIRE_TYPE_EXTENSION_MANAGER_PROCESSOR, "handler", handler, nullptr));
  }
  void TearDown() override
  {
    g_object_unref(processor_);
  }
  string process(const string &call)
  {
    g_autoptr(GByteArray) reply = g_byte_array_new();
    g_autoptr(GObject) in = G_OBJECT(
        wire_protocol_new(reinterpret_cast<const guint8 *>(call.data()), call.size(), nullptr));
    g_autoptr(GObject) out = G_OBJECT(wire_protocol_new(nullptr, 0, reply));
    g_autoptr(GError) error = nullptr;
    EXPECT_TRUE(
        thrift_processor_process(processor_, THRIFT_PROTOCOL(in), THRIFT_PROTOCOL(out), &error))
        << error->message;
    return string(reinterpret_cast<char *>(reply->data), reply->len);
  }
  static GType handler_type_;
  ThriftProcessor *processor_ = nullptr;
};
GType Transport::handler_type_;

TEST_F(Transport, GeneratedProcessorAnswers)
{
  EXPECT_EQ(process(message(1, "ping", "", 77)),
            message(2, "ping", field(STRUCT, 0, status(0, "OK", 5)), 77));
}

TEST_F(Transport, AHandlersErrorIsAnException)
{
  EXPECT_EQ(process(call("query", field(STRING, 1, text("SELECT 1")))),
            message(3, "query", field(STRING, 1, text("not today")) + field(I32, 2, i32(6))));
}

TEST_F(Transport, EndsWithAnErrorWhereTheBytesEnd)
{
  const guint8 bytes[] = {0, 0, 0, 9, 'x'};
  g_autoptr(GObject) in = G_OBJECT(wire_protocol_new(bytes, sizeof bytes, nullptr));
  g_autoptr(GError) error = nullptr;
  g_autofree char *read = nullptr;
  EXPECT_LT(thrift_protocol_read_string(THRIFT_PROTOCOL(in), &read, &error), 0);
  EXPECT_NE(error, nullptr);
  EXPECT_LT(thrift_protocol_write_i32(THRIFT_PROTOCOL(in), 1, nullptr), 0);
}
} // namespace
