#include "thrift/types.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "thrift/transport.h"
#include "wire_extension_manager.h"

typedef struct {
  void (*finalize)(GObject *object);
} Repaired;

/* A repaired type's data: the finalizer that its class had. */
G_DEFINE_QUARK(wire - type - repaired, repaired)
/* An object's data. GObject's own finalizer clears it, which shows that it ran. */
G_DEFINE_QUARK(wire - type - probe, probe)

static GObjectClass *
object_class(void)
{
  return g_type_class_peek(G_TYPE_OBJECT);
}

static void
finalize_both(GObject *object)
{
  const Repaired *repaired = g_type_get_qdata(G_OBJECT_TYPE(object), repaired_quark());
  repaired->finalize(object);
  object_class()->finalize(object);
}

static void
note(gpointer data)
{
  gboolean *reached = data;
  *reached = TRUE;
}

/* Finalizes one object of @type by hand, so that nothing leaks either way. */
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
wire_type_repair(GType type)
{
  /* Never released, because a class built anew would not be repaired. */
  GObjectClass *class = g_type_class_ref(type);
  if (class->finalize == object_class()->finalize || class->finalize == finalize_both ||
      chains_up(type, class->finalize))
    return FALSE;
  Repaired *repaired = g_new(Repaired, 1);
  repaired->finalize = class->finalize;
  g_type_set_qdata(type, repaired_quark(), repaired);
  class->finalize = finalize_both;
  return TRUE;
}

void
wire_init(void)
{
  /* Structs that others contain come first, because probing the others creates some of them. */
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
    wire_type_repair(STRUCTS[i]());

  static GType (*const OTHERS[])(void) = {
      thrift_binary_protocol_get_type,   wire_transport_get_type,
      wire_extension_client_get_type,    wire_extension_manager_client_get_type,
      wire_extension_handler_get_type,   wire_extension_manager_handler_get_type,
      wire_extension_processor_get_type, wire_extension_manager_processor_get_type,
  };
  for (gsize i = 0; i < G_N_ELEMENTS(OTHERS); i++)
    g_type_class_ref(OTHERS[i]());
}
