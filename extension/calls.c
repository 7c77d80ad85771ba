#include "extension/calls.h"

#include <string.h>

#include "thrift/client.h"

#define NAME "osquery_watchdog"
#define DUPLICATE_TEXT "Duplicate extension registered"

/* A core under load may take its time; one that hangs costs us a thread for so long. */
#define CALL_US (10 * G_TIME_SPAN_SECOND)
/* At the end nobody wants to wait. */
#define DEREGISTER_US (500 * G_TIME_SPAN_MILLISECOND)

struct ExtCalls {
  char *socket;
  const WireTable *tables;
  guint n_tables;
  ExtCallEnded ended;
  gpointer user_data;

  /* The call under way. The thread has all of this to itself until it attaches @done. */
  GThread *thread; /* NULL: none is */
  GSource *done;   /* tells the main loop */
  GCancellable *cancellable;
  ExtCall call;
  gint64 uuid; /* ours */
  gboolean with_info;
  gint answered; /* atomic */
  ExtCallResult result;
};

static ExtEvent
event_of_failure(const GError *error)
{
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
      g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return EXT_NO_CORE;
  return EXT_NO_ANSWER;
}

static ExtEvent
register_us(ExtCalls *calls, const WirePeer *peer, GError **error)
{
  calls->result.uuid =
      wire_register_extension(peer, NAME, PROJECT_VERSION, calls->tables, calls->n_tables, error);
  if (calls->result.uuid >= 0)
    return EXT_REGISTERED;
  if (!g_error_matches(*error, WIRE_ERROR, WIRE_ERROR_STATUS))
    return event_of_failure(*error);
  return strstr((*error)->message, DUPLICATE_TEXT) != NULL ? EXT_DUPLICATE : EXT_REFUSED;
}

static gboolean
lists_us(const GPtrArray *entries, gint64 uuid)
{
  for (guint i = 0; i < entries->len; i++) {
    const WireExtensionEntry *entry = g_ptr_array_index(entries, i);
    if (entry->uuid == uuid && g_str_equal(entry->name, NAME))
      return TRUE;
  }
  return FALSE;
}

static ExtEvent
verify(ExtCalls *calls, const WirePeer *peer, GError **error)
{
  ExtCallResult *result = &calls->result;
  result->entries = wire_extensions(peer, error);
  if (result->entries == NULL)
    return event_of_failure(*error);
  g_atomic_int_set(&calls->answered, TRUE);
  if (!lists_us(result->entries, calls->uuid))
    return EXT_LOST;
  result->info_asked = calls->with_info;
  if (calls->with_info)
    result->info = ext_core_info_ask(peer, NULL); /* that it doesn't tell is no fault of ours */
  return EXT_CONFIRMED;
}

static gpointer
thread_main(gpointer user_data)
{
  ExtCalls *calls = user_data;
  const gboolean last = calls->call == EXT_CALL_DEREGISTER;
  const WirePeer peer = {
      .path = calls->socket,
      .deadline_us = g_get_monotonic_time() + (last ? DEREGISTER_US : CALL_US),
      .cancellable = calls->cancellable,
      .pid = &calls->result.manager_pid,
  };
  g_autoptr(GError) error = NULL;
  switch (calls->call) {
  case EXT_CALL_REGISTER:
    calls->result.event = register_us(calls, &peer, &error);
    break;
  case EXT_CALL_VERIFY:
    calls->result.event = verify(calls, &peer, &error);
    break;
  case EXT_CALL_DEREGISTER:
    calls->result.event = wire_deregister_extension(&peer, calls->uuid, &error)
                              ? EXT_DEREGISTERED
                              : event_of_failure(error);
    break;
  case EXT_CALL_NONE:
    g_assert_not_reached();
  }
  calls->result.text = error != NULL ? g_strdup(error->message) : NULL;
  g_source_attach(calls->done, NULL);
  return NULL;
}

static void
result_clear(ExtCallResult *result)
{
  g_free(result->text);
  g_clear_pointer(&result->entries, g_ptr_array_unref);
  ext_core_info_free(result->info);
  *result = (ExtCallResult){.event = EXT_STARTED};
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExtCallResult, result_clear)

/* Makes ready for the next call. */
static void
forget_call(ExtCalls *calls)
{
  g_clear_pointer(&calls->thread, g_thread_join);
  if (calls->done != NULL)
    g_source_destroy(calls->done);
  g_clear_pointer(&calls->done, g_source_unref);
  g_clear_object(&calls->cancellable);
  result_clear(&calls->result);
}

static gboolean
on_done(gpointer user_data)
{
  ExtCalls *calls = user_data;
  g_auto(ExtCallResult) result = calls->result;
  calls->result = (ExtCallResult){.event = EXT_STARTED};
  forget_call(calls); /* before telling, which may begin the next */
  calls->ended(&result, calls->user_data);
  return G_SOURCE_REMOVE;
}

ExtCalls *
ext_calls_new(const char *socket, const WireTable *tables, guint n_tables, ExtCallEnded ended,
              gpointer user_data)
{
  ExtCalls *calls = g_new0(ExtCalls, 1);
  calls->socket = g_strdup(socket);
  calls->tables = tables;
  calls->n_tables = n_tables;
  calls->ended = ended;
  calls->user_data = user_data;
  return calls;
}

void
ext_calls_begin(ExtCalls *calls, ExtCall call, gint64 uuid, gboolean with_info)
{
  g_assert(calls->done == NULL);
  calls->call = call;
  calls->uuid = uuid;
  calls->with_info = with_info;
  g_atomic_int_set(&calls->answered, FALSE);
  calls->cancellable = g_cancellable_new();
  calls->done = g_idle_source_new();
  g_source_set_priority(calls->done, G_PRIORITY_DEFAULT);
  g_source_set_callback(calls->done, on_done, calls, NULL);
  g_autoptr(GError) error = NULL;
  calls->thread = g_thread_try_new("call", thread_main, calls, &error);
  if (calls->thread != NULL)
    return;
  calls->result.event = EXT_NO_ANSWER;
  calls->result.text = g_strdup(error->message);
  g_source_attach(calls->done, NULL);
}

gboolean
ext_calls_unanswered(ExtCalls *calls)
{
  return calls->done != NULL && !g_atomic_int_get(&calls->answered);
}

void
ext_calls_cancel(ExtCalls *calls)
{
  if (calls->cancellable != NULL)
    g_cancellable_cancel(calls->cancellable);
}

void
ext_calls_free(ExtCalls *calls)
{
  if (calls == NULL)
    return;
  ext_calls_cancel(calls);
  forget_call(calls);
  g_free(calls->socket);
  g_free(calls);
}
