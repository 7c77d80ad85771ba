/* Calls to an extension manager: each opens a connection, sends one message, reads one checked
 * reply, and closes.
 *
 * All of them block, so they are for a thread of their own, or a program that has nothing else to
 * do. Errors: G_IO_ERROR_TIMED_OUT at the peer's deadline_us, even if the peer sends byte by byte;
 * G_IO_ERROR_CANCELLED by the peer's cancellable; G_IO_ERROR_INVALID_DATA when the reply is not one
 * that the method returns; another G_IO_ERROR when the peer refuses or closes; WIRE_ERROR when the
 * peer answers that it failed. */
#pragma once

#include "thrift/peer.h"
#include "thrift/table.h"

G_BEGIN_DECLS

typedef struct {
  gint64 uuid;
  char *name;
  char *version;
} WireExtensionEntry;

/* Returns: a GPtrArray of WireExtensionEntry. */
GPtrArray *wire_extensions(const WirePeer *peer, GError **error);

/* Registers table plugins. Returns: the uuid, or -1. A refusal is WIRE_ERROR_STATUS. */
gint64 wire_register_extension(const WirePeer *peer, const char *name, const char *version,
                               const WireTable *tables, guint n_tables, GError **error);
gboolean wire_deregister_extension(const WirePeer *peer, gint64 uuid, GError **error);

/* Returns: rows, a GPtrArray of GHashTable (column to text; NULL values are absent). */
GPtrArray *wire_query(const WirePeer *peer, const char *sql, GError **error);
/* Returns: name to value. */
GHashTable *wire_options(const WirePeer *peer, GError **error);

G_END_DECLS
