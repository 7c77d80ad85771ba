#include "thrift/call-arguments.h"

#include "thrift/transport.h"
#include "wire_extension.h"

gboolean
wire_call_arguments_read(const guint8 *bytes, const WireMessage *message,
                         WireCallArguments *arguments, GError **error)
{
  g_autoptr(GObject) in = G_OBJECT(wire_protocol_new(bytes, message->size, NULL));
  g_autoptr(GObject) read = g_object_new(WIRE_TYPE_EXTENSION_CALL_ARGS, NULL);
  WireExtensionCallArgs *args = WIRE_EXTENSION_CALL_ARGS(read);
  g_autofree char *method = NULL;
  ThriftMessageType type;
  gint32 seqid;
  if (thrift_protocol_read_message_begin(THRIFT_PROTOCOL(in), &method, &type, &seqid, error) < 0 ||
      thrift_struct_read(THRIFT_STRUCT(args), THRIFT_PROTOCOL(in), error) < 0)
    return FALSE;
  arguments->registry = args->registry != NULL ? g_steal_pointer(&args->registry) : g_strdup("");
  arguments->item = args->item != NULL ? g_steal_pointer(&args->item) : g_strdup("");
  arguments->request = g_steal_pointer(&args->request);
  return TRUE;
}

void
wire_call_arguments_clear(WireCallArguments *arguments)
{
  g_clear_pointer(&arguments->registry, g_free);
  g_clear_pointer(&arguments->item, g_free);
  g_clear_pointer(&arguments->request, g_hash_table_unref);
}
