#include "extension/registration.h"

#include <gtest/gtest.h>
#include <random>

namespace
{
const gint64 MS = 1000, S = 1000 * 1000;

class Registration : public ::testing::Test
{
protected:
  void SetUp() override
  {
    begin(true);
  }
  void begin(bool supervised)
  {
    ext_registration_init(&self_, supervised, 3 * S, 3 * S);
    now_ = 1000 * S;
    give(EXT_STARTED);
  }
  void give(ExtEvent event, gint64 uuid = -1)
  {
    plan_ = ext_registration_step(&self_, event, uuid, now_);
  }
  // Lets the time pass until the next call is begun. Returns how long that took.
  gint64 next_call(ExtCall expected)
  {
    EXPECT_EQ(plan_.call, EXT_CALL_NONE);
    EXPECT_GE(plan_.due_us, 0);
    const gint64 waited = MAX(plan_.due_us - now_, 0);
    now_ += waited;
    give(EXT_DUE);
    EXPECT_EQ(plan_.call, expected);
    EXPECT_EQ(plan_.due_us, -1);
    return waited;
  }
  void get_registered(gint64 uuid)
  {
    next_call(EXT_CALL_REGISTER);
    give(EXT_REGISTERED, uuid);
    EXPECT_EQ(plan_.listen_uuid, uuid);
  }
  ExtRegistration self_;
  ExtPlan plan_;
  gint64 now_;
};

TEST_F(Registration, RegistersAtOnceAndVerifiesEveryInterval)
{
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 0);
  EXPECT_EQ(plan_.listen_uuid, -1);
  give(EXT_REGISTERED, 7);
  EXPECT_EQ(plan_.listen_uuid, 7);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(next_call(EXT_CALL_VERIFY), i == 0 ? 100 * MS : 3 * S);
    EXPECT_EQ(plan_.uuid, 7);
    give(EXT_CONFIRMED);
    EXPECT_EQ(plan_.listen_uuid, 7);
  }
}

TEST_F(Registration, LostRegistersAgainAtOnceWithANewSocket)
{
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  give(EXT_LOST);
  EXPECT_EQ(plan_.listen_uuid, -1);
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 0);
  give(EXT_REGISTERED, 8);
  EXPECT_EQ(plan_.listen_uuid, 8);
}

TEST_F(Registration, ACoreThatIsAwayIsAskedForOftenThenSeldom)
{
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  give(EXT_NO_CORE);
  EXPECT_EQ(plan_.listen_uuid, -1);
  const gint64 since = now_;
  gint64 before = 0, waited = 0;
  int calls = 0;
  while (now_ - since < 300 * S) {
    waited = next_call(EXT_CALL_REGISTER);
    EXPECT_GE(waited, before);
    EXPECT_LE(waited, 3 * S);
    before = waited;
    if (now_ - since <= 500 * MS) {
      EXPECT_EQ(waited, 50 * MS);
    }
    if (now_ - since <= 2 * S) {
      EXPECT_LE(waited, 200 * MS);
    }
    give(EXT_NO_CORE);
    EXPECT_FALSE(plan_.end);
    calls++;
  }
  EXPECT_EQ(waited, 3 * S);
  EXPECT_LT(calls, 160);
}

TEST_F(Registration, AStartedCoreIsAskedAtOnce)
{
  // while waiting for one
  next_call(EXT_CALL_REGISTER);
  now_ += 100 * S;
  give(EXT_NO_CORE);
  now_ += 1 * S;
  give(EXT_CORE_STARTED);
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 0);
  give(EXT_NO_CORE); // not listening yet
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 50 * MS);
  give(EXT_REGISTERED, 7);
  // while registered with the one before: it may still be the same one
  now_ += 1 * S;
  give(EXT_CORE_STARTED);
  EXPECT_EQ(plan_.listen_uuid, 7);
  EXPECT_EQ(next_call(EXT_CALL_VERIFY), 0);
  // and meanwhile again
  give(EXT_CORE_STARTED);
  EXPECT_EQ(plan_.due_us, -1);
  give(EXT_CONFIRMED);
  EXPECT_EQ(next_call(EXT_CALL_VERIFY), 0);
  give(EXT_CONFIRMED);
  EXPECT_EQ(next_call(EXT_CALL_VERIFY), 3 * S);
}

TEST_F(Registration, RefusalsAreWaitedOutWithGrowingDelays)
{
  for (const ExtEvent refusal : {EXT_DUPLICATE, EXT_REFUSED}) {
    begin(false); // and never end it: there is a core
    next_call(EXT_CALL_REGISTER);
    for (const gint64 delay : {100 * MS, 200 * MS, 400 * MS, 800 * MS, 1600 * MS, 3 * S, 3 * S}) {
      give(refusal);
      EXPECT_EQ(next_call(EXT_CALL_REGISTER), delay);
    }
    for (int i = 0; i < 100; i++) {
      give(refusal);
      EXPECT_EQ(next_call(EXT_CALL_REGISTER), 3 * S);
    }
    give(EXT_REGISTERED, 7);
    next_call(EXT_CALL_VERIFY);
    give(EXT_LOST);
    next_call(EXT_CALL_REGISTER);
    give(refusal);
    EXPECT_EQ(next_call(EXT_CALL_REGISTER), 100 * MS); // from the start
  }
}

TEST_F(Registration, AnAnswerThatDoesNotComeLosesNothing)
{
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  now_ += 10 * S;
  give(EXT_NO_ANSWER);
  EXPECT_EQ(plan_.listen_uuid, 7);
  EXPECT_EQ(next_call(EXT_CALL_VERIFY), 3 * S);
}

TEST_F(Registration, EndsWithoutACoreWhenTheTimeoutIsOver)
{
  for (const ExtEvent failure : {EXT_NO_CORE, EXT_NO_ANSWER}) {
    begin(false);
    const gint64 since = now_;
    while (!plan_.end) {
      ASSERT_LE(now_ - since, 4 * S);
      next_call(EXT_CALL_REGISTER);
      give(failure);
    }
    EXPECT_EQ(plan_.exit_code, 1);
    EXPECT_GE(now_ - since, 3 * S);
    EXPECT_EQ(plan_.due_us, -1);
  }
  // and likewise when one goes
  begin(false);
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  give(EXT_NO_CORE);
  EXPECT_FALSE(plan_.end);
  now_ += 3 * S;
  next_call(EXT_CALL_REGISTER);
  give(EXT_NO_CORE);
  EXPECT_TRUE(plan_.end);
}

TEST_F(Registration, ShutdownEndsItUnlessItIsSupervised)
{
  get_registered(7);
  give(EXT_SHUTDOWN);
  EXPECT_FALSE(plan_.end);
  EXPECT_EQ(plan_.listen_uuid, -1);
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 1 * S); // not with the one that is going
  give(EXT_REGISTERED, 8);
  give(EXT_SHUTDOWN);
  give(EXT_CORE_STARTED); // the next one needs no waiting
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 0);

  begin(false);
  get_registered(7);
  give(EXT_SHUTDOWN);
  EXPECT_TRUE(plan_.end);
  EXPECT_EQ(plan_.exit_code, 0);
  EXPECT_EQ(plan_.listen_uuid, -1);
}

TEST_F(Registration, AVerificationThatEndsLateTellsNothing)
{
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  give(EXT_SHUTDOWN);
  const gint64 due = now_ + 1 * S;
  give(EXT_CONFIRMED);
  EXPECT_EQ(plan_.listen_uuid, -1);
  EXPECT_EQ(plan_.due_us, due);
}

TEST_F(Registration, ASocketThatCanNotBeMadeIsTriedAgain)
{
  get_registered(7);
  give(EXT_CANNOT_LISTEN);
  EXPECT_EQ(plan_.listen_uuid, -1);
  EXPECT_EQ(next_call(EXT_CALL_REGISTER), 3 * S);
}

TEST_F(Registration, StopsAtOnceWithoutARegistration)
{
  give(EXT_STOP);
  EXPECT_TRUE(plan_.end);
  EXPECT_EQ(plan_.exit_code, 0);
  begin(true);
  next_call(EXT_CALL_REGISTER);
  give(EXT_STOP);
  EXPECT_TRUE(plan_.end);
}

TEST_F(Registration, StopsBySayingSo)
{
  get_registered(7);
  give(EXT_STOP);
  EXPECT_FALSE(plan_.end);
  EXPECT_EQ(plan_.call, EXT_CALL_DEREGISTER);
  EXPECT_EQ(plan_.uuid, 7);
  EXPECT_EQ(plan_.listen_uuid, -1);
  give(EXT_SHUTDOWN); // nothing distracts it
  give(EXT_CORE_STARTED);
  give(EXT_DUE);
  EXPECT_EQ(plan_.call, EXT_CALL_NONE);
  EXPECT_FALSE(plan_.end);
  give(EXT_NO_ANSWER);
  EXPECT_TRUE(plan_.end);
  EXPECT_EQ(plan_.exit_code, 0);
}

TEST_F(Registration, StopInterruptsTheCallUnderWay)
{
  get_registered(7);
  next_call(EXT_CALL_VERIFY);
  give(EXT_STOP);
  EXPECT_TRUE(plan_.cancel);
  EXPECT_EQ(plan_.call, EXT_CALL_NONE);
  give(EXT_NO_ANSWER);
  EXPECT_EQ(plan_.call, EXT_CALL_DEREGISTER);
  EXPECT_EQ(plan_.uuid, 7);
  give(EXT_STOP); // a second one
  EXPECT_TRUE(plan_.end);
}

// Random events in any order: one call at a time, never two sockets, always a next thing to do, and
// it stops when told to.
TEST_F(Registration, HoldsForAnySequence)
{
  for (unsigned seed = 0; seed < 2000; seed++) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    begin(seed % 2 == 0);
    bool calling = false;
    ExtCall call = EXT_CALL_NONE;
    for (int i = 0; i < 200 && !plan_.end; i++) {
      now_ += random() % 2000000;
      ExtEvent event;
      if (calling && random() % 2 == 0) {
        const ExtEvent registered[] = {EXT_REGISTERED, EXT_DUPLICATE, EXT_REFUSED, EXT_NO_CORE,
                                       EXT_NO_ANSWER};
        const ExtEvent verified[] = {EXT_CONFIRMED, EXT_LOST, EXT_NO_CORE, EXT_NO_ANSWER};
        event = call == EXT_CALL_REGISTER ? registered[random() % 5] : verified[random() % 4];
        calling = false;
      } else {
        const ExtEvent others[] = {EXT_CORE_STARTED, EXT_SHUTDOWN, EXT_CANNOT_LISTEN, EXT_DUE};
        event = others[random() % 4];
        if (event == EXT_DUE && (calling || plan_.due_us < 0 || plan_.due_us > now_))
          continue;
        if (event == EXT_SHUTDOWN && plan_.listen_uuid < 0)
          continue;
      }
      give(event, event == EXT_REGISTERED ? static_cast<gint64>(random() % 65536) : -1);
      if (plan_.call != EXT_CALL_NONE) {
        ASSERT_FALSE(calling);
        calling = true;
        call = plan_.call;
        ASSERT_EQ(plan_.call == EXT_CALL_VERIFY, plan_.uuid >= 0);
      }
      if (!plan_.end) {
        ASSERT_EQ(calling, plan_.due_us < 0);
        ASSERT_LE(plan_.due_us, now_ + 3 * S);
      }
      ASSERT_TRUE(plan_.listen_uuid < 0 || self_.state == EXT_STATE_REGISTERED);
    }
    if (plan_.end)
      continue;
    give(EXT_STOP);
    for (int i = 0; i < 2 && !plan_.end; i++)
      give(EXT_NO_ANSWER);
    ASSERT_TRUE(plan_.end);
    ASSERT_EQ(plan_.due_us, -1);
    give(EXT_CORE_STARTED);
    ASSERT_EQ(plan_.call, EXT_CALL_NONE);
  }
}
} // namespace
