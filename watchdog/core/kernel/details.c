#include "watchdog/core/kernel/details.h"

#include "watchdog/core/event/json.h"

#include <string.h>

#define THREADS_MOST 5

typedef struct {
  const WdThreadUse *thread;
  gint64 cpu_ms; /* within the interval */
} Busy;

WdThreads *
wd_threads_new(gint64 time_us)
{
  WdThreads *threads = g_new0(WdThreads, 1);
  threads->time_us = time_us;
  threads->threads = g_array_new(FALSE, FALSE, sizeof(WdThreadUse));
  return threads;
}

void
wd_threads_free(WdThreads *threads)
{
  if (threads == NULL)
    return;
  g_array_unref(threads->threads);
  g_free(threads);
}

/* What the thread had used at the earlier moment; 0 when it wasn't there. */
static gint64
used_before(const WdThreads *before, const WdThreadUse *thread)
{
  for (guint i = 0; before != NULL && i < before->threads->len; i++) {
    const WdThreadUse *earlier = &g_array_index(before->threads, WdThreadUse, i);
    if (earlier->tid == thread->tid && earlier->start_ticks == thread->start_ticks)
      return earlier->cpu_ms;
  }
  return 0;
}

static gint
busier_first(gconstpointer a, gconstpointer b)
{
  const Busy *busy_a = a;
  const Busy *busy_b = b;
  return (busy_a->cpu_ms < busy_b->cpu_ms) - (busy_a->cpu_ms > busy_b->cpu_ms);
}

static GArray *
busiest(const WdThreads *before, const WdThreads *now)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(Busy));
  for (guint i = 0; i < now->threads->len; i++) {
    const WdThreadUse *thread = &g_array_index(now->threads, WdThreadUse, i);
    const Busy busy = {.thread = thread, .cpu_ms = thread->cpu_ms - used_before(before, thread)};
    g_array_append_val(all, busy);
  }
  g_array_sort(all, busier_first);
  if (all->len > THREADS_MOST)
    g_array_set_size(all, THREADS_MOST);
  return all;
}

WdBusiest
wd_threads_busiest(const WdThreads *before, const WdThreads *now)
{
  WdBusiest found = {.since_us = before != NULL ? before->time_us : WD_NONE};
  g_autoptr(GArray) busy = busiest(before, now);
  const Busy *first = busy->len > 0 ? &g_array_index(busy, Busy, 0) : NULL;
  if (first == NULL || first->cpu_ms <= 0)
    return found;
  found.tid = first->thread->tid;
  found.cpu_ms = first->cpu_ms;
  g_strlcpy(found.name, first->thread->name, sizeof found.name);
  return found;
}

char *
wd_details_json(const WdThreads *before, const WdThreads *now, gint64 thread_count,
                const WdProcMemory *memory, gint64 descriptors)
{
  g_autoptr(GString) json = g_string_new("{\"busiest_threads\":[");
  g_autoptr(GArray) busy = busiest(before, now);
  for (guint i = 0; i < busy->len; i++) {
    const Busy *one = &g_array_index(busy, Busy, i);
    wd_json_separate(json);
    g_string_append_c(json, '{');
    wd_json_append_number(json, "tid", one->thread->tid);
    wd_json_append_text(json, "name", one->thread->name);
    wd_json_append_number(json, "cpu_ms", one->cpu_ms);
    g_string_append_c(json, '}');
  }
  g_string_append_c(json, ']');
  wd_json_append_number(json, "interval_ms",
                        before != NULL ? (now->time_us - before->time_us) / G_TIME_SPAN_MILLISECOND
                                       : WD_NONE);
  wd_json_append_number(json, "threads", thread_count);
  wd_json_append_number(json, "descriptors", descriptors);
  wd_json_append_number(json, "anonymous_bytes", memory != NULL ? memory->anon_bytes : WD_NONE);
  wd_json_append_number(json, "file_bytes", memory != NULL ? memory->file_bytes : WD_NONE);
  wd_json_append_number(json, "shared_bytes", memory != NULL ? memory->shmem_bytes : WD_NONE);
  wd_json_append_number(json, "swap_bytes", memory != NULL ? memory->swap_bytes : WD_NONE);
  wd_json_append_key(json, "partial");
  g_string_append(json, now->partial ? "true}" : "false}");
  return g_string_free(g_steal_pointer(&json), FALSE);
}

char *
wd_details_join(const char *first, const char *second)
{
  if (first == NULL || second == NULL)
    return g_strdup(first != NULL ? first : second);
  const char *comma = g_str_equal(first, "{}") || g_str_equal(second, "{}") ? "" : ",";
  return g_strdup_printf("%.*s%s%s", (int)strlen(first) - 1, first, comma, second + 1);
}
