#include "thrift/types.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "thrift/transport.h"
#include "wire_extension_manager.h"

typedef struct {
  void (*finalize)(GObject *object);
} Mended;

/* Keeps the finalizer that a mended class had, by type. */
G_DEFINE_QUARK(wire - type - mended, mended)
/* Data of an object that notices when GObject's own finalizer runs, because that clears it. */
G_DEFINE_QUARK(wire - type - probe, probe)

static GObjectClass *
object_class(void)
{
  return g_type_class_peek(G_TYPE_OBJECT);
}

static void
finalize_both(GObject *object)
{
  const Mended *mended = g_type_get_qdata(G_OBJECT_TYPE(object), mended_quark());
  mended->finalize(object);
  object_class()->finalize(object);
}

static void
note(gpointer data)
{
  gboolean *reached = data;
  *reached = TRUE;
}

/* Ends one object of @type by hand, so that nothing leaks either way. */
static gboolean
chains_up(GType type, void (*finalize)(GObject *object))
{
  gboolean reached = FALSE;
  GObject *object = g_object_new(type, NULL);
  g_object_set_qdata_full(object, probe_quark(), &reached, note);
  finalize(object);
  const gboolean chained = reached;
  if (!chained)
    object_class()->finalize(object);
  g_type_free_instance((GTypeInstance *)object);
  return chained;
}

gboolean
wire_type_mend(GType type)
{
  GObjectClass *class =
      g_type_class_ref(type); /* for good: a class built anew would not be mended */
  if (class->finalize == object_class()->finalize || class->finalize == finalize_both ||
      chains_up(type, class->finalize))
    return FALSE;
  Mended *mended = g_new(Mended, 1);
  mended->finalize = class->finalize;
  g_type_set_qdata(type, mended_quark(), mended);
  class->finalize = finalize_both;
  return TRUE;
}

void
wire_init(void)
{
  /* Structs that others contain come first: probing the others makes and ends some of them. */
  static GType (*const STRUCTS[])(void) = {
      wire_internal_option_info_get_type,
      wire_internal_extension_info_get_type,
      wire_extension_status_get_type,
      wire_extension_response_get_type,
      wire_extension_exception_get_type,
      wire_extension_ping_args_get_type,
      wire_extension_ping_result_get_type,
      wire_extension_call_args_get_type,
      wire_extension_call_result_get_type,
      wire_extension_shutdown_args_get_type,
      wire_extension_shutdown_result_get_type,
      wire_extension_manager_extensions_args_get_type,
      wire_extension_manager_extensions_result_get_type,
      wire_extension_manager_options_args_get_type,
      wire_extension_manager_options_result_get_type,
      wire_extension_manager_register_extension_args_get_type,
      wire_extension_manager_register_extension_result_get_type,
      wire_extension_manager_deregister_extension_args_get_type,
      wire_extension_manager_deregister_extension_result_get_type,
      wire_extension_manager_query_args_get_type,
      wire_extension_manager_query_result_get_type,
      wire_extension_manager_get_query_columns_args_get_type,
      wire_extension_manager_get_query_columns_result_get_type,
      thrift_application_exception_get_type,
  };
  for (gsize i = 0; i < G_N_ELEMENTS(STRUCTS); i++)
    wire_type_mend(STRUCTS[i]());

  static GType (*const OTHERS[])(void) = {
      thrift_binary_protocol_get_type,   wire_transport_get_type,
      wire_extension_client_get_type,    wire_extension_manager_client_get_type,
      wire_extension_handler_get_type,   wire_extension_manager_handler_get_type,
      wire_extension_processor_get_type, wire_extension_manager_processor_get_type,
  };
  for (gsize i = 0; i < G_N_ELEMENTS(OTHERS); i++)
    g_type_class_ref(OTHERS[i]());
}
