#include "watchdog/record/outlet.h"

#include "watchdog/base/cpu-time.h"
#include "watchdog/base/thread.h"

/* What the allocator and the queue need for an item, about: many small ones are bounded, too. */
#define ITEM_OVERHEAD 128

typedef struct {
  gpointer item;
  gsize size;
} Waiting;

struct WdOutlet {
  WdOutletWrite write;
  GDestroyNotify free_item;
  gsize room;
  WdThread *thread;
  GMutex mutex;
  GCond changed; /* there is something to write, or the end */
  GCond roomy;   /* at least half of the room is free */
  /* under the mutex */
  GQueue queue; /* of Waiting */
  gsize used;   /* bytes of what waits, and of what is being written */
  gint64 cpu_us;
  gboolean ending;
};

/* NULL: nothing waits any more, and nothing will come. */
static Waiting *
next(WdOutlet *outlet)
{
  g_mutex_lock(&outlet->mutex);
  while (g_queue_is_empty(&outlet->queue) && !outlet->ending)
    g_cond_wait(&outlet->changed, &outlet->mutex);
  Waiting *waiting = g_queue_pop_head(&outlet->queue);
  g_mutex_unlock(&outlet->mutex);
  return waiting;
}

/* Under the mutex. */
static gboolean
has_room(const WdOutlet *outlet)
{
  return outlet->used <= outlet->room / 2;
}

static void
outlet_thread(gpointer data)
{
  WdOutlet *outlet = data;
  for (Waiting *waiting = next(outlet); waiting != NULL; waiting = next(outlet)) {
    outlet->write(waiting->item);
    outlet->free_item(waiting->item);
    g_mutex_lock(&outlet->mutex);
    outlet->used -= waiting->size;
    outlet->cpu_us = wd_cpu_time_us();
    if (has_room(outlet))
      g_cond_signal(&outlet->roomy);
    g_mutex_unlock(&outlet->mutex);
    g_free(waiting);
  }
}

static void
outlet_free(WdOutlet *outlet)
{
  g_mutex_clear(&outlet->mutex);
  g_cond_clear(&outlet->changed);
  g_cond_clear(&outlet->roomy);
  g_free(outlet);
}

WdOutlet *
wd_outlet_start(const char *name, gsize room, WdOutletWrite write, GDestroyNotify free_item,
                GError **error)
{
  WdOutlet *outlet = g_new0(WdOutlet, 1);
  outlet->write = write;
  outlet->free_item = free_item;
  outlet->room = room;
  g_mutex_init(&outlet->mutex);
  g_cond_init(&outlet->changed);
  g_cond_init(&outlet->roomy);
  g_queue_init(&outlet->queue);
  outlet->thread = wd_thread_start(name, outlet_thread, outlet, error);
  if (outlet->thread == NULL)
    g_clear_pointer(&outlet, outlet_free);
  return outlet;
}

gboolean
wd_outlet_offer(WdOutlet *outlet, gpointer item, gsize size)
{
  g_mutex_lock(&outlet->mutex);
  const gsize needed = size + ITEM_OVERHEAD;
  const gboolean fits = needed <= outlet->room - outlet->used;
  if (fits) {
    Waiting *waiting = g_new(Waiting, 1);
    *waiting = (Waiting){.item = item, .size = needed};
    outlet->used += needed;
    g_queue_push_tail(&outlet->queue, waiting);
    g_cond_signal(&outlet->changed);
  }
  g_mutex_unlock(&outlet->mutex);
  if (!fits)
    outlet->free_item(item);
  return fits;
}

gboolean
wd_outlet_await_room(WdOutlet *outlet, gint64 deadline_us)
{
  g_mutex_lock(&outlet->mutex);
  while (!has_room(outlet) && g_cond_wait_until(&outlet->roomy, &outlet->mutex, deadline_us))
    ;
  const gboolean roomy = has_room(outlet);
  g_mutex_unlock(&outlet->mutex);
  return roomy;
}

gint64
wd_outlet_cpu_us(WdOutlet *outlet)
{
  g_mutex_lock(&outlet->mutex);
  const gint64 cpu_us = outlet->cpu_us;
  g_mutex_unlock(&outlet->mutex);
  return cpu_us;
}

gboolean
wd_outlet_finish(WdOutlet *outlet, gint64 deadline_us)
{
  g_mutex_lock(&outlet->mutex);
  outlet->ending = TRUE;
  g_cond_signal(&outlet->changed);
  g_mutex_unlock(&outlet->mutex);
  if (!wd_thread_join(outlet->thread, deadline_us))
    return FALSE;
  outlet_free(outlet);
  return TRUE;
}
