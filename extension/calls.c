#include "extension/calls.h"

#include <string.h>

#include "extension/job.h"
#include "thrift/client.h"

#define NAME "osquery_watchdog"
#define DUPLICATE_TEXT "Duplicate extension registered"

/* A core under load may be slow. One that hangs keeps our thread for so long. */
#define CALL_US (10 * G_TIME_SPAN_SECOND)
/* Shorter, because our exit waits for it. */
#define DEREGISTER_US (500 * G_TIME_SPAN_MILLISECOND)

struct ExtCalls {
  const char *socket;
  const WireTable *tables;
  guint n_tables;
  ExtCallEnded ended;
  gpointer user_data;

  ExtJob *job; /* the call under way, or NULL */
  /* The rest belongs to the job until it is done, except @answered. */
  ExtCall call;
  gint64 uuid; /* ours */
  gboolean with_info;
  gint answered; /* atomic: the core has answered; the job may still ask it for its info */
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
    result->info = ext_core_info_ask(peer, NULL); /* without it we are still confirmed */
  return EXT_CONFIRMED;
}

static void
make_call(gpointer data, gint64 deadline_us, GCancellable *cancellable)
{
  ExtCalls *calls = data;
  const WirePeer peer = {
      .path = calls->socket,
      .deadline_us = deadline_us,
      .cancellable = cancellable,
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
}

static void
result_clear(ExtCallResult *result)
{
  g_free(result->text);
  g_clear_pointer(&result->entries, g_ptr_array_unref);
  ext_core_info_free(result->info);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExtCallResult, result_clear)

static void
on_done(gpointer data, const GError *error)
{
  ExtCalls *calls = data;
  g_auto(ExtCallResult) result = calls->result;
  calls->result = (ExtCallResult){.event = EXT_STARTED};
  if (error != NULL) {
    result.event = EXT_NO_ANSWER;
    result.text = g_strdup(error->message);
  }
  g_clear_pointer(&calls->job, ext_job_free); /* @ended may begin the next */
  calls->ended(&result, calls->user_data);
}

ExtCalls *
ext_calls_new(const char *socket, const WireTable *tables, guint n_tables, ExtCallEnded ended,
              gpointer user_data)
{
  ExtCalls *calls = g_new0(ExtCalls, 1);
  calls->socket = socket;
  calls->tables = tables;
  calls->n_tables = n_tables;
  calls->ended = ended;
  calls->user_data = user_data;
  return calls;
}

void
ext_calls_begin(ExtCalls *calls, ExtCall call, gint64 uuid, gboolean with_info)
{
  g_assert(calls->job == NULL);
  calls->call = call;
  calls->uuid = uuid;
  calls->with_info = with_info;
  g_atomic_int_set(&calls->answered, FALSE);
  calls->job = ext_job_new("call", call == EXT_CALL_DEREGISTER ? DEREGISTER_US : CALL_US, make_call,
                           on_done, calls);
}

gboolean
ext_calls_unanswered(ExtCalls *calls)
{
  return calls->job != NULL && !g_atomic_int_get(&calls->answered);
}

void
ext_calls_cancel(ExtCalls *calls)
{
  ext_job_cancel(calls->job);
}

void
ext_calls_free(ExtCalls *calls)
{
  if (calls == NULL)
    return;
  ext_job_free(calls->job);
  result_clear(&calls->result);
  g_free(calls);
}
