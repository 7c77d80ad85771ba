/* Pings many extensions at once. Blocking: for a thread of its own. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  char *path;         /* of its socket, owned; NULL: is not pinged */
  gint64 pid;         /* of the process that listens there; 0: none could be reached */
  gboolean responded; /* in time, and with success */
} WirePinged;
void wire_pinged_clear(WirePinged *pinged);

/* Returns at @deadline_us (g_get_monotonic_time()) at the latest, however many don't respond.
 * @pinged: a GArray of WirePinged. */
void wire_ping_all(GArray *pinged, gint64 deadline_us, GCancellable *cancellable);

G_END_DECLS
