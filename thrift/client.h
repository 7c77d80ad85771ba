/* Calls with a deadline: each opens a connection, sends one message, reads one checked reply,
 * closes.
 *
 * Blocking; for a thread of its own, or a program that has nothing else to do. Every function takes
 * @deadline_us (g_get_monotonic_time()), an absolute end that a dripping peer can't outlive, and
 * fails with G_IO_ERROR_TIMED_OUT then; with G_IO_ERROR_CANCELLED when @cancellable says so; with
 * G_IO_ERROR_INVALID_DATA when the reply is not what the method returns; with another G_IO_ERROR
 * when the peer refuses or closes; with WIRE_ERROR when the peer answers that it failed. */
#pragma once

#include <gio/gio.h>

#include "thrift/message.h"
#include "thrift/types.h" /* wire_init() */

G_BEGIN_DECLS

#define WIRE_ERROR wire_error_quark()
GQuark wire_error_quark(void);

typedef enum {
  WIRE_ERROR_EXCEPTION, /* a thrift exception: the message is the peer's (made printable, cut at 512
                           bytes) */
  WIRE_ERROR_STATUS,    /* an ExtensionStatus with code != 0: likewise */
} WireError;

typedef struct {
  const char *path;
  gint64 deadline_us;
  GCancellable *cancellable; /* NULL is allowed */
  gint64 *pid; /* gets the pid of who listens there, once connected; NULL is allowed */
} WirePeer;

/* --- what both sides answer --- */

gboolean wire_ping(const WirePeer *peer, GError **error);

/* One of many that are pinged at once. */
typedef struct {
  char *path;         /* owned; NULL: is not pinged */
  gint64 pid;         /* of who listens there; 0: nobody could be reached */
  gboolean responded; /* in time, and well */
} WirePinged;
void wire_pinged_clear(WirePinged *pinged);

/* Pings all of @pinged, a GArray of WirePinged, at the same time, so that those who don't respond
 * cost the time until @deadline_us only once. */
void wire_ping_all(GArray *pinged, gint64 deadline_us, GCancellable *cancellable);

/* --- asked of an extension --- */

/* @request: borrowed, text to text. Returns: rows, a GPtrArray of GHashTable (text to text), or
 * NULL. */
GPtrArray *wire_call(const WirePeer *peer, const char *registry, const char *item,
                     GHashTable *request, GError **error);
gboolean wire_shutdown(const WirePeer *peer, GError **error);

/* --- asked of an extension manager --- */

typedef struct {
  gint64 uuid;
  char *name;
  char *version;
} WireExtensionEntry;
void wire_extension_entry_free(WireExtensionEntry *entry);

/* Returns: a GPtrArray of WireExtensionEntry. */
GPtrArray *wire_extensions(const WirePeer *peer, GError **error);

typedef struct {
  const char *name;
  const char *type; /* osquery's name: "BIGINT" … */
  guint options;    /* osquery's bits */
} WireColumn;

typedef struct {
  const char *name;
  const WireColumn *columns;
  guint n_columns;
} WireTable;

/* What osquery is told of @table, when it is registered and when it asks for its columns: a row a
 * column. Returns: a GPtrArray of GHashTable (text to text). */
GPtrArray *wire_table_route(const WireTable *table);

/* Registers table plugins. Returns: the uuid, or -1. A refusal is WIRE_ERROR_STATUS. */
gint64 wire_register_extension(const WirePeer *peer, const char *name, const char *version,
                               const WireTable *tables, guint n_tables, GError **error);
gboolean wire_deregister_extension(const WirePeer *peer, gint64 uuid, GError **error);

/* Returns: rows, a GPtrArray of GHashTable (column to text; NULL values are absent). */
GPtrArray *wire_query(const WirePeer *peer, const char *sql, GError **error);
/* Returns: the columns in order, rows of one entry each: name to type. */
GPtrArray *wire_query_columns(const WirePeer *peer, const char *sql, GError **error);
/* Returns: name to value. */
GHashTable *wire_options(const WirePeer *peer, GError **error);

G_END_DECLS
