/* Calls that osqueryd and its shell make, and our extension doesn't. As those of thrift/client.h.
 */
#pragma once

#include "thrift/peer.h"

G_BEGIN_DECLS

/* --- what both sides answer --- */

gboolean stand_ping(const WirePeer *peer, GError **error);

/* --- asked of an extension --- */

/* @request: borrowed, text to text. Returns: rows, a GPtrArray of GHashTable (text to text), or
 * NULL. */
GPtrArray *stand_call(const WirePeer *peer, const char *registry, const char *item,
                      GHashTable *request, GError **error);
gboolean stand_shutdown(const WirePeer *peer, GError **error);

/* --- asked of an extension manager --- */

/* Returns: the columns in order, rows of one entry each: name to type. */
GPtrArray *stand_query_columns(const WirePeer *peer, const char *sql, GError **error);

G_END_DECLS
