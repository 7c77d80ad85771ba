/* The peer of a call, and the errors that only a peer causes. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  const char *path;
  gint64 deadline_us;        /* g_get_monotonic_time() */
  GCancellable *cancellable; /* NULL is allowed */
  gint64 *pid; /* set to the pid of the process that listens, once connected; NULL is allowed */
} WirePeer;

#define WIRE_ERROR wire_error_quark()
GQuark wire_error_quark(void);

typedef enum {
  WIRE_ERROR_EXCEPTION, /* a Thrift exception: the message is the peer's, made printable, and cut at
                           WIRE_PEER_TEXT_MAX bytes */
  WIRE_ERROR_STATUS,    /* an ExtensionStatus with code != 0: likewise */
} WireError;

/* The most bytes of a peer's own words that are kept. */
#define WIRE_PEER_TEXT_MAX 512

G_END_DECLS
