/* A thread that hands on what others must not wait for, one item after another, behind a queue that
 * is bounded in bytes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WdOutlet WdOutlet;

/* Hands on @item; may block, even for ever. In the outlet's thread. */
typedef void (*WdOutletWrite)(gpointer item);

/* @name: the thread's. @room: bytes that may wait. @free_item: of an item that is written, or that
 * finds no room. NULL with @error. */
WdOutlet *wd_outlet_start(const char *name, gsize room, WdOutletWrite write,
                          GDestroyNotify free_item, GError **error);

/* Takes @item, of @size bytes. Never blocks. Returns: FALSE: there was no room; it is freed. */
gboolean wd_outlet_offer(WdOutlet *outlet, gpointer item, gsize size);

/* Whether at least half of the room is free; waits for that until @deadline_us of the monotonic
 * clock. */
gboolean wd_outlet_await_room(WdOutlet *outlet, gint64 deadline_us);

/* The CPU time that its thread has used for what it has written. */
gint64 wd_outlet_cpu_us(WdOutlet *outlet);

/* Writes what waits, until @deadline_us of the monotonic clock, and frees it. Returns: FALSE if its
 * thread hangs: then the outlet stays, as what it uses must. Nothing may be offered any more. */
gboolean wd_outlet_finish(WdOutlet *outlet, gint64 deadline_us);

G_END_DECLS
