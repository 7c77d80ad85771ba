#include "watchdog/drive/driver.h"

#include "watchdog/base/source.h"
#include "watchdog/core/kernel/details.h"
#include "watchdog/core/output/culprit.h"
#include "watchdog/look/coredump.h"

struct WdDriver {
  WdDriverParts parts;
  GSource *timer;
  guint stored_source;
  guint64 breach_seq; /* the worker's last limit_exceeded; 0: none */
  WdCulprit culprit;  /* of that */
  GQueue inputs;      /* of Pending: those not fed yet */
  gboolean feeding;
  gboolean written; /* the writer has something new, and must be woken */
};

typedef struct {
  WdInput input;
  gint64 now_us; /* when it happened; WD_NONE: when its turn comes */
  char *text;    /* owned; what input.spawn_error points to */
  char *file;    /* owned; what input.file points to */
} Pending;

static void
pending_free(Pending *pending)
{
  g_free(pending->text);
  g_free(pending->file);
  g_free(pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pending, pending_free)

static void
words_clear(WdWords *words)
{
  wd_said_free(words->said);
  g_free(words->last_output);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WdWords, words_clear)

/* --- actions --- */

static WdHandle *
handle_of(const WdDriver *driver, guint process)
{
  return driver->parts.handle(process, driver->parts.user_data);
}

static void
add_details(WdEvent *event, const char *seen)
{
  g_autofree char *before = g_steal_pointer(&event->details);
  event->details = wd_details_join(before, seen);
}

static gboolean
is_breach(const WdEvent *event)
{
  return event->kind == WD_EVENT_LIMIT_EXCEEDED || event->kind == WD_EVENT_WOULD_TERMINATE;
}

/* Most events are about nothing that was written, and looking for it takes time. */
static gboolean
needs_words(const WdEvent *event)
{
  return is_breach(event) || wd_event_is_end(event) || wd_event_keeps_output(event);
}

/* Which query it was. An end that follows from a limit has the same as the limit_exceeded, because
 * threads can be looked at only while they live. */
static void
name_query(WdDriver *driver, WdEvent *event, const WdSaid *said, const WdBusiest *busiest)
{
  if (event->role != WD_ROLE_WORKER || (!is_breach(event) && !wd_event_is_end(event)))
    return;
  if (is_breach(event) || event->cause_seq == 0 || event->cause_seq != driver->breach_seq) {
    wd_culprit_clear(&driver->culprit);
    /* A worker that doesn't answer needn't be busy, and then any thread may be its busiest. */
    const gboolean looked = is_breach(event) && event->reason != WD_REASON_UNRESPONSIVE;
    wd_culprit_find(said, looked ? busiest : NULL, g_get_monotonic_time(), &driver->culprit);
    driver->breach_seq = event->seq;
  }
  wd_culprit_describe(&driver->culprit, event);
}

static void
complete(WdDriver *driver, const WdAction *action)
{
  WdEvent *event = action->event;
  WdBusiest busiest = {.tid = 0};
  g_auto(WdWords) words = {0};
  const WdHandle *handle = action->details ? handle_of(driver, action->process) : NULL;
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  if (action->process == WD_PROCESS_WATCHDOG)
    return;
  if (handle != NULL) {
    g_autofree char *seen = wd_handle_details(handle, &busiest);
    add_details(event, seen);
  }
  if (event->core_dumped == TRUE) {
    g_autofree char *where = wd_coredump_details(event->pid);
    add_details(event, where);
  }
  if (driver->parts.hear != NULL && needs_words(event))
    driver->parts.hear(action->process, event, &words, driver->parts.user_data);
  name_query(driver, event, words.said, &busiest);
  if (wd_event_keeps_output(event))
    event->last_output = g_steal_pointer(&words.last_output);
}

static void
publish(WdDriver *driver)
{
  const gint64 now_us = g_get_monotonic_time();
  wd_writer_publish(driver->parts.writer,
                    wd_machine_status(driver->parts.machine, now_us, g_get_real_time() - now_us));
  driver->written = TRUE;
}

static void
carry_out(WdDriver *driver, WdAction *action)
{
  WdHandle *handle;
  switch (action->kind) {
  case WD_ACTION_RECORD:
    complete(driver, action);
    driver->parts.act(action, driver->parts.user_data);
    wd_writer_append(driver->parts.writer, g_steal_pointer(&action->event));
    driver->written = TRUE;
    break;
  case WD_ACTION_REMEMBER_THREADS:
    handle = handle_of(driver, action->process);
    if (handle != NULL)
      wd_handle_remember_threads(handle);
    break;
  case WD_ACTION_PUBLISH:
    publish(driver);
    break;
  case WD_ACTION_SPAWN:
  case WD_ACTION_SIGNAL:
  case WD_ACTION_LOG:
  case WD_ACTION_COUNT_FAULTS:
  case WD_ACTION_PROBE_MANAGER:
  case WD_ACTION_EXIT:
    driver->parts.act(action, driver->parts.user_data);
    break;
  }
}

/* --- inputs --- */

static void
step(WdDriver *driver, const Pending *pending)
{
  g_autoptr(GArray) actions = wd_actions_new();
  const gint64 now_us = pending->now_us != WD_NONE ? pending->now_us : g_get_monotonic_time();
  wd_machine_step(driver->parts.machine, &pending->input, now_us, actions);
  for (guint i = 0; i < actions->len; i++)
    carry_out(driver, &g_array_index(actions, WdAction, i));
}

static void
settle(WdDriver *driver)
{
  const gint64 due_us = wd_machine_deadline(driver->parts.machine);
  if (driver->written)
    wd_writer_wake(driver->parts.writer);
  driver->written = FALSE;
  g_source_set_ready_time(driver->timer, due_us == G_MAXINT64 ? -1 : due_us);
}

static void
feed_at(WdDriver *driver, const WdInput *input, gint64 now_us)
{
  Pending *added = g_new0(Pending, 1);
  added->input = *input;
  added->now_us = now_us;
  if (input->kind == WD_INPUT_SPAWN_FAILED)
    added->input.spawn_error = added->text = g_strdup(input->spawn_error);
  added->input.file = added->file = g_strdup(input->file);
  g_queue_push_tail(&driver->inputs, added);
  if (driver->feeding)
    return;
  driver->feeding = TRUE;
  while (!g_queue_is_empty(&driver->inputs)) {
    g_autoptr(Pending) pending = g_queue_pop_head(&driver->inputs);
    step(driver, pending);
  }
  driver->feeding = FALSE;
  settle(driver);
}

void
wd_driver_feed(WdDriver *driver, const WdInput *input)
{
  feed_at(driver, input, WD_NONE);
}

/* The machine takes the samples at the time for which it chose them. If looking takes long, it
 * would otherwise take a later check for done, without a sample of most processes. */
void
wd_driver_tick(WdDriver *driver, GArray *missed)
{
  const WdMachine *machine = driver->parts.machine;
  const gint64 now_us = g_get_monotonic_time();
  const guint count = wd_machine_count(machine);
  const gboolean with_private = wd_machine_limits(machine)->memory_metric == WD_METRIC_PRIVATE;
  g_autofree WdSample *samples = g_new0(WdSample, count);
  g_autofree const WdSample **wanted = g_new0(const WdSample *, count);
  for (guint i = 0; i < count; i++) {
    if (!wd_machine_wants_sample(machine, i, now_us))
      continue;
    const WdHandle *handle = handle_of(driver, i);
    if (handle != NULL && wd_handle_sample(handle, with_private, &samples[i]))
      wanted[i] = &samples[i];
    else if (missed != NULL)
      g_array_append_val(missed, i);
  }
  feed_at(driver, &(WdInput){.kind = WD_INPUT_TICK, .samples = wanted}, now_us);
}

static gboolean
on_timer(gpointer data)
{
  const WdDriver *driver = data;
  driver->parts.tick(driver->parts.user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_stored(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  WdDriver *driver = data;
  WdInput input = {.kind = WD_INPUT_STORED};
  guint64 lost;
  g_autoptr(WdRecovery) recovery = NULL;
  g_autoptr(GPtrArray) given_up = wd_writer_take_given_up(driver->parts.writer);
  wd_writer_collect(driver->parts.writer, &input.seq, &lost, &recovery);
  if (given_up != NULL)
    wd_driver_feed(driver, &(WdInput){.kind = WD_INPUT_GIVEN_UP, .given_up = given_up});
  wd_driver_feed(driver, &input);
  if (lost > 0)
    wd_driver_feed(driver, &(WdInput){.kind = WD_INPUT_EVENTS_LOST, .lost = lost});
  if (recovery != NULL)
    wd_driver_feed(driver, &(WdInput){.kind = WD_INPUT_HISTORY_RECOVERED, .recovery = recovery});
  return G_SOURCE_CONTINUE;
}

/* --- begin and end --- */

WdDriver *
wd_driver_new(const WdDriverParts *parts)
{
  WdDriver *driver = g_new0(WdDriver, 1);
  driver->parts = *parts;
  g_queue_init(&driver->inputs);
  driver->stored_source =
      wd_fd_source_add(wd_writer_fd(parts->writer), G_IO_IN, on_stored, driver, NULL);
  driver->timer = wd_timer_new(on_timer, driver);
  g_source_set_ready_time(driver->timer, 0);
  return driver;
}

void
wd_driver_free(WdDriver *driver)
{
  if (driver == NULL)
    return;
  g_clear_handle_id(&driver->stored_source, g_source_remove);
  wd_timer_free(driver->timer);
  wd_culprit_clear(&driver->culprit);
  g_queue_clear_full(&driver->inputs, (GDestroyNotify)pending_free);
  g_free(driver);
}
