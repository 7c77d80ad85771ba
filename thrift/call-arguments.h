/* Reads a call's arguments, with generated code, from a message that the walk of message.h found
 * complete. */
#pragma once

#include <glib.h>

#include "thrift/message.h"

G_BEGIN_DECLS

typedef struct {
  char *registry;      /* owned; "" when absent */
  char *item;          /* owned; "" when absent */
  GHashTable *request; /* owned; text to text; empty when absent */
} WireCallArguments;

/* Returns: FALSE with @error when generated code refuses a message that passed the check. */
gboolean wire_call_arguments_read(const guint8 *bytes, const WireMessage *message,
                                  WireCallArguments *arguments, GError **error);
void wire_call_arguments_clear(WireCallArguments *arguments);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WireCallArguments, wire_call_arguments_clear)

G_END_DECLS
