#include "extension/registration.h"

#define RETRY_MIN_US (50 * G_TIME_SPAN_MILLISECOND)
#define REFUSAL_MIN_US (100 * G_TIME_SPAN_MILLISECOND)
/* Sooner than after an interval, because it also lists the other extensions. */
#define FIRST_VERIFY_US (100 * G_TIME_SPAN_MILLISECOND)
/* A core that has asked us to shut down still runs for a moment, and would accept us again. */
#define SHUTDOWN_PAUSE_US (1 * G_TIME_SPAN_SECOND)

/* How long to wait before trying a core again that has been away for @away_us: a tenth of that, at
 * least 50 ms, at most @interval_us. So a worker that is restarted at once soon has us back, and
 * one that stays away costs next to nothing. */
static gint64
retry_delay_us(gint64 away_us, gint64 interval_us)
{
  return MIN(MAX(away_us / 10, RETRY_MIN_US), interval_us);
}

/* How long to wait after the n-th refusal in a row (from 0): 100 ms × 2^n, at most @interval_us. By
 * then the core has pinged a stale registration and dropped it. */
static gint64
refusal_delay_us(guint n, gint64 interval_us)
{
  const gint64 delay_us = REFUSAL_MIN_US << MIN(n, 16);
  return MIN(delay_us, interval_us);
}

void
ext_registration_init(ExtRegistration *registration, gboolean supervised, gint64 timeout_us,
                      gint64 interval_us)
{
  *registration = (ExtRegistration){
      .supervised = supervised,
      .timeout_us = timeout_us,
      .interval_us = interval_us,
      .uuid = -1,
      .due_us = -1,
  };
}

static void
wait_for_core(ExtRegistration *self, gint64 now_us, gint64 due_us)
{
  self->state = EXT_STATE_WAITING;
  self->uuid = -1;
  self->waiting_since_us = now_us;
  self->due_us = due_us;
}

static void
end(ExtRegistration *self, ExtPlan *plan, int exit_code)
{
  self->state = EXT_STATE_ENDED;
  plan->end = TRUE;
  plan->exit_code = exit_code;
}

static void
call(ExtRegistration *self, ExtPlan *plan, ExtCall what)
{
  self->calling = what;
  plan->call = what;
  plan->uuid = self->uuid;
}

/* Without a core: tries again, unless the timeout is over. */
static void
retry(ExtRegistration *self, ExtPlan *plan, gint64 now_us)
{
  const gint64 away_us = now_us - self->waiting_since_us;
  if (!self->supervised && away_us >= self->timeout_us)
    end(self, plan, 1);
  else
    self->due_us = now_us + retry_delay_us(away_us, self->interval_us);
}

static void
retry_after_refusal(ExtRegistration *self, gint64 now_us)
{
  self->waiting_since_us = now_us; /* there is a core */
  self->due_us = now_us + refusal_delay_us(self->refusals, self->interval_us);
  self->refusals++;
}

static void
step_waiting(ExtRegistration *self, ExtPlan *plan, ExtEvent event, gint64 uuid, gint64 now_us)
{
  switch (event) {
  case EXT_STARTED:
    wait_for_core(self, now_us, now_us);
    break;
  case EXT_DUE:
    call(self, plan, EXT_CALL_REGISTER);
    break;
  case EXT_REGISTERED:
    self->state = EXT_STATE_REGISTERED;
    self->uuid = uuid;
    self->refusals = 0;
    self->due_us = now_us + FIRST_VERIFY_US;
    break;
  case EXT_DUPLICATE:
  case EXT_REFUSED:
    retry_after_refusal(self, now_us);
    break;
  case EXT_NO_CORE:
  case EXT_NO_ANSWER:
    retry(self, plan, now_us);
    break;
  case EXT_CORE_STARTED:
    self->refusals = 0;
    wait_for_core(self, now_us, now_us);
    break;
  case EXT_SHUTDOWN:
    if (!self->supervised)
      end(self, plan, 0);
    break;
  case EXT_STOP:
    end(self, plan, 0);
    break;
  case EXT_CONFIRMED: /* of a call begun before we lost the core: the next one is planned already */
  case EXT_LOST:
  case EXT_DEREGISTERED:
  case EXT_CANNOT_LISTEN:
    break;
  }
}

static void
step_registered(ExtRegistration *self, ExtPlan *plan, ExtEvent event, gint64 now_us)
{
  switch (event) {
  case EXT_DUE:
    call(self, plan, EXT_CALL_VERIFY);
    break;
  case EXT_LOST:
    wait_for_core(self, now_us, now_us);
    break;
  case EXT_NO_CORE:
    wait_for_core(self, now_us, now_us + retry_delay_us(0, self->interval_us));
    break;
  case EXT_CONFIRMED:
  case EXT_NO_ANSWER: /* we may still be registered; giving up would leave a stale registration */
    self->due_us = now_us + self->interval_us;
    break;
  case EXT_CORE_STARTED:
    self->due_us = now_us;
    break;
  case EXT_CANNOT_LISTEN:
    wait_for_core(self, now_us, now_us + self->interval_us);
    break;
  case EXT_SHUTDOWN:
    if (self->supervised)
      wait_for_core(self, now_us, now_us + SHUTDOWN_PAUSE_US);
    else
      end(self, plan, 0);
    break;
  case EXT_STOP:
    self->state = EXT_STATE_STOPPING;
    if (self->calling != EXT_CALL_NONE)
      plan->cancel = TRUE;
    else
      call(self, plan, EXT_CALL_DEREGISTER);
    break;
  case EXT_STARTED:
  case EXT_REGISTERED:
  case EXT_DUPLICATE:
  case EXT_REFUSED:
  case EXT_DEREGISTERED:
    break;
  }
}

/* After a cancelled verification we still deregister. @ended: the call that has ended, or NONE. */
static void
step_stopping(ExtRegistration *self, ExtPlan *plan, ExtEvent event, ExtCall ended)
{
  if (event == EXT_STOP || ended == EXT_CALL_DEREGISTER)
    end(self, plan, 0);
  else if (ended != EXT_CALL_NONE)
    call(self, plan, EXT_CALL_DEREGISTER);
}

static gboolean
ends_call(ExtEvent event)
{
  switch (event) {
  case EXT_REGISTERED:
  case EXT_DUPLICATE:
  case EXT_REFUSED:
  case EXT_CONFIRMED:
  case EXT_LOST:
  case EXT_NO_CORE:
  case EXT_NO_ANSWER:
  case EXT_DEREGISTERED:
    return TRUE;
  case EXT_STARTED:
  case EXT_DUE:
  case EXT_CORE_STARTED:
  case EXT_CANNOT_LISTEN:
  case EXT_SHUTDOWN:
  case EXT_STOP:
    return FALSE;
  }
  return FALSE;
}

static void
step_state(ExtRegistration *self, ExtPlan *plan, ExtEvent event, ExtCall ended, gint64 uuid,
           gint64 now_us)
{
  switch (self->state) {
  case EXT_STATE_WAITING:
    step_waiting(self, plan, event, uuid, now_us);
    break;
  case EXT_STATE_REGISTERED:
    step_registered(self, plan, event, now_us);
    break;
  case EXT_STATE_STOPPING:
    step_stopping(self, plan, event, ended);
    break;
  case EXT_STATE_ENDED:
    break;
  }
}

ExtPlan
ext_registration_step(ExtRegistration *self, ExtEvent event, gint64 uuid, gint64 now_us)
{
  ExtPlan plan = {.call = EXT_CALL_NONE, .uuid = -1};
  ExtCall ended = EXT_CALL_NONE;
  if (ends_call(event)) {
    ended = self->calling;
    self->calling = EXT_CALL_NONE;
  }
  if (self->calling != EXT_CALL_NONE && event == EXT_CORE_STARTED)
    self->core_started = TRUE;
  else if (self->calling == EXT_CALL_NONE || event != EXT_DUE)
    step_state(self, &plan, event, ended, uuid, now_us);
  if (ended != EXT_CALL_NONE && self->core_started) {
    self->core_started = FALSE;
    step_state(self, &plan, EXT_CORE_STARTED, EXT_CALL_NONE, -1, now_us);
  }

  const gboolean living = self->state == EXT_STATE_WAITING || self->state == EXT_STATE_REGISTERED;
  plan.due_us = living && self->calling == EXT_CALL_NONE ? self->due_us : -1;
  plan.listen_uuid = self->state == EXT_STATE_REGISTERED ? self->uuid : -1;
  return plan;
}
