/* Pings many extensions at the same time. Blocking; for a thread of its own. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  char *path;         /* owned; NULL: is not pinged */
  gint64 pid;         /* of the process that listens there; 0: none could be reached */
  gboolean responded; /* in time, and well */
} WirePinged;
void wire_pinged_clear(WirePinged *pinged);

/* @pinged: a GArray of WirePinged. They are pinged at once, so that those that don't respond cost
 * the time until @deadline_us (g_get_monotonic_time()) only once. */
void wire_ping_all(GArray *pinged, gint64 deadline_us, GCancellable *cancellable);

G_END_DECLS
