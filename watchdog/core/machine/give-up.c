#include "watchdog/core/machine/give-up.h"

#include "watchdog/core/machine/ending.h"

/* If the disk takes longer, the history is taken to remember nothing. */
#define STORE_WAIT_US (2 * G_TIME_SPAN_SECOND)

/* --- what is remembered --- */

void
wd_give_up_remember(WdMachine *machine, const GPtrArray *given_up)
{
  g_clear_pointer(&machine->given_up, g_ptr_array_unref);
  machine->given_up = g_ptr_array_new_with_free_func((GDestroyNotify)wd_given_up_free);
  machine->given_up_us = machine->now_us;
  for (guint i = 0; i < given_up->len; i++) {
    const WdGivenUp *entry = g_ptr_array_index(given_up, i);
    g_ptr_array_add(machine->given_up, wd_given_up_new(entry->path, entry->details, entry->left_s));
  }
}

static WdGivenUpHow
decide(const WdMachine *machine, const WdProcess *extension)
{
  if (machine->limits.extension_give_up == WD_GIVE_UP_ABANDON)
    return WD_GIVEN_UP_ALONE;
  if (machine->given_up == NULL || machine->supervising.storeless)
    return WD_GIVEN_UP_ALONE_UNREMEMBERED;
  const gint64 passed_s = (machine->now_us - machine->given_up_us) / G_USEC_PER_SEC;
  WdGivenUp *entry = wd_given_up_find(machine->given_up, extension->path, extension->file);
  if (entry == NULL || entry->left_s <= passed_s)
    return WD_GIVEN_UP_WITH_ALL;
  entry->left_s = passed_s + WD_GIVEN_UP_REMEMBERED_S;
  return WD_GIVEN_UP_ALONE_AGAIN;
}

/* --- giving up --- */

/* Takes the texts. */
static guint64
record(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq,
       WdRecordFlags flags, char *details, char *message)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_RESPAWN_LIMIT_REACHED, reason);
  event->restarts = MAX(process->starts - 1, 0);
  event->cause_seq = cause_seq;
  event->details = details;
  event->message = message;
  return wd_machine_record(machine, process, event, flags);
}

/* Even with back-off switched off an abandoned extension isn't started in a tight loop. */
static void
abandon(const WdMachine *machine, WdProcess *extension)
{
  const gint64 wait_s = MAX(machine->limits.max_delay_s, WD_CHECK_INTERVAL_S);
  wd_process_change(extension, WD_CHANGE_ABANDONED);
  extension->next_start_us = machine->now_us + wait_s * G_USEC_PER_SEC;
}

static void
end_all(WdMachine *machine, WdReason reason, guint64 seq)
{
  wd_ending_all(machine, reason == WD_REASON_SPAWN ? WD_REASON_SPAWN : WD_REASON_EXIT,
                WD_EXIT_FAILED, seq);
}

static void
give_up_extension(WdMachine *machine, WdProcess *extension, WdReason reason, guint64 cause_seq)
{
  WdSupervising *own = &machine->supervising;
  const WdGivenUpHow how = decide(machine, extension);
  const gboolean with_all = how == WD_GIVEN_UP_WITH_ALL;
  const guint64 seq = record(
      machine, extension, reason, cause_seq, with_all ? WD_RECORD_ACKNOWLEDGE : WD_RECORD_PLAIN,
      wd_given_up_details(extension->file, how), wd_given_up_message(extension->path, how));
  abandon(machine, extension);
  if (with_all && own->give_up_seq == 0) {
    own->give_up_seq = seq;
    own->give_up_process = extension->index;
    own->give_up_reason = reason;
    own->give_up_until_us = machine->now_us + STORE_WAIT_US;
  }
}

void
wd_give_up(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq)
{
  if (process->role == WD_ROLE_EXTENSION)
    give_up_extension(machine, process, reason, cause_seq);
  else
    end_all(machine, reason,
            record(machine, process, reason, cause_seq, WD_RECORD_PLAIN, NULL, NULL));
}

void
wd_give_up_take_back(WdMachine *machine, const WdProcess *extension)
{
  if (machine->supervising.give_up_process == extension->index)
    machine->supervising.give_up_seq = 0;
}

void
wd_give_up_stored(WdMachine *machine, guint64 seq)
{
  const WdSupervising *own = &machine->supervising;
  if (own->give_up_seq != 0 && own->give_up_seq <= seq)
    end_all(machine, own->give_up_reason, own->give_up_seq);
}

void
wd_give_up_advance(WdMachine *machine)
{
  WdSupervising *own = &machine->supervising;
  if (machine->now_us < wd_give_up_deadline(machine))
    return;
  own->give_up_seq = 0;
  wd_machine_log(machine, wd_machine_watchdog(machine),
                 g_strdup("The history can't remember now that an extension ended osquery, so "
                          "osquery goes on without it"));
}

gint64
wd_give_up_deadline(const WdMachine *machine)
{
  const WdSupervising *own = &machine->supervising;
  return own->give_up_seq != 0 && !own->stopping ? own->give_up_until_us : G_MAXINT64;
}
