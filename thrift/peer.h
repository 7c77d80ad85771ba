/* The peer of a call, and the errors that only a peer can cause. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  const char *path;
  gint64 deadline_us;        /* g_get_monotonic_time() */
  GCancellable *cancellable; /* NULL is allowed */
  gint64 *pid; /* set to the listening process's pid once connected; NULL is allowed */
} WirePeer;

#define WIRE_ERROR wire_error_quark()
GQuark wire_error_quark(void);

typedef enum {
  WIRE_ERROR_EXCEPTION, /* a Thrift exception */
  WIRE_ERROR_STATUS,    /* an ExtensionStatus with code != 0 */
} WireError;

/* A WIRE_ERROR's message is the peer's own text, made printable and cut at so many bytes. */
#define WIRE_PEER_TEXT_MAX 512

G_END_DECLS
