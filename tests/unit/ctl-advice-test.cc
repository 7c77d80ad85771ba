#include "tables/ctl/advice/advice.h"

#include <cmath>
#include <gtest/gtest.h>
#include <string>

namespace
{

constexpr gint64 MB = 1024 * 1024;

constexpr CtlLimits UNKNOWN = {WD_NONE, WD_NONE, WD_NONE};

std::string
advice(const CtlFinding &finding, const CtlLimits &limits = UNKNOWN)
{
  CtlFlags flags = CTL_FLAGS_NONE;
  ctl_flags_raise(&flags, &finding, &limits);
  g_autofree char *text = ctl_advice(&finding, &limits, &flags);
  return text == nullptr ? "(none)" : text;
}

CtlFinding
found(WdRole role, WdReason reason, WdEventKind event = WD_EVENT_PROCESS_TERMINATED)
{
  CtlFinding finding = {};
  finding.event = event;
  finding.role = role;
  finding.name = role == WD_ROLE_EXTENSION ? "a.ext" : "worker";
  finding.reason = reason;
  finding.measured = finding.peak_bytes = finding.baseline_bytes = finding.sustained_s =
      finding.lifetime_ms = WD_NONE;
  finding.limit_value = finding.utilization_limit = WD_NONE;
  finding.exit_code = finding.exit_signal = finding.private_bytes = WD_NONE;
  finding.core_dumped = WD_NONE;
  finding.utilization = NAN;
  return finding;
}

CtlFinding
memory(WdRole role, gint64 measured_mb, gint64 limit_mb = 200)
{
  CtlFinding finding = found(role, WD_REASON_MEMORY);
  finding.measured = measured_mb * MB;
  finding.limit_value = limit_mb * MB;
  return finding;
}

CtlFinding
cpu(WdRole role, double utilization, gint64 sustained_s = 12)
{
  CtlFinding finding = found(role, WD_REASON_CPU);
  finding.utilization = utilization;
  finding.utilization_limit = 10;
  finding.sustained_s = sustained_s;
  return finding;
}

bool
contains(const std::string &text, const std::string &part)
{
  return text.find(part) != std::string::npos;
}

TEST(CtlAdvice, MemoryLimitHasHeadroomAndIsRound)
{
  const struct {
    gint64 measured_mb;
    const char *flag;
  } cases[] = {
      {31, "=50 "},   {60, "=90 "},   {66, "=100 "},    {101, "=200 "},   {200, "=300 "},
      {214, "=350 "}, {512, "=800 "}, {2000, "=3000 "}, {2100, "=3500 "}, {10001, "=20000 "},
  };
  for (const auto &c : cases)
    EXPECT_TRUE(contains(advice(memory(WD_ROLE_WORKER, c.measured_mb)),
                         std::string("--watchdog_memory_limit") + c.flag))
        << c.measured_mb << ": " << advice(memory(WD_ROLE_WORKER, c.measured_mb));
}

TEST(CtlAdvice, Memory)
{
  EXPECT_EQ(advice(memory(WD_ROLE_WORKER, 214)),
            "Set --watchdog_memory_limit=350 if it may use that much; what it would have grown to "
            "isn't known.");
  EXPECT_EQ(advice(memory(WD_ROLE_EXTENSION, 214)),
            "Fix the extension a.ext. If it is worth that much memory, set "
            "--watchdog_memory_limit=350, which the worker and all extensions share.");
  EXPECT_TRUE(contains(advice(memory(WD_ROLE_WATCHDOG, 214)), "report it"));

  CtlFinding query = memory(WD_ROLE_WORKER, 214);
  query.query_name = "pack/all_files";
  query.origin = WD_ORIGIN_SCHEDULE;
  EXPECT_EQ(advice(query),
            "Fix the scheduled query pack/all_files to read less at a time. If it is worth that "
            "much memory, set --watchdog_memory_limit=350.");
  query.origin = WD_ORIGIN_DISTRIBUTED;
  EXPECT_TRUE(contains(advice(query), "Fix the distributed query pack/all_files to read less"));
  EXPECT_EQ(advice(found(WD_ROLE_WORKER, WD_REASON_MEMORY)), "(none)") << "nothing measured";
}

/* A leak would reach any limit; and it shows nothing about the limit that others need. */
TEST(CtlAdvice, NoLimitIsRaisedForALeak)
{
  const CtlGrowth leak = {CTL_GROWTH_LEAK, 25.0 * MB, 8 * 3600 + 60};
  for (WdRole role : {WD_ROLE_WORKER, WD_ROLE_EXTENSION, WD_ROLE_WATCHDOG})
    for (gint64 lifetime_ms : {gint64{3000}, gint64{WD_NONE}}) {
      CtlFinding finding = memory(role, 214);
      finding.growth = leak;
      finding.lifetime_ms = lifetime_ms;
      finding.query_name = role == WD_ROLE_WORKER ? "all_files" : nullptr;
      EXPECT_FALSE(contains(advice(finding), "--")) << advice(finding);
      EXPECT_TRUE(contains(advice(finding), "Until then, a restart helps for 8h 1m."))
          << advice(finding);
      EXPECT_EQ(advice(finding, {400 * MB, 10, 12}), advice(finding)) << "raised since";
      CtlFlags flags = CTL_FLAGS_NONE;
      ctl_flags_raise(&flags, &finding, &UNKNOWN);
      EXPECT_EQ(flags.memory_mb, WD_NONE);
      EXPECT_EQ(flags.delay_s, WD_NONE);
    }
  CtlFinding finding = memory(WD_ROLE_EXTENSION, 214);
  finding.growth = leak;
  EXPECT_TRUE(contains(advice(finding), "Upgrade a.ext, or report the leak")) << advice(finding);
  finding.role = WD_ROLE_WORKER;
  EXPECT_TRUE(contains(advice(finding), "Upgrade osqueryd, or")) << advice(finding);
  finding.private_bytes = 100 * MB;
  EXPECT_TRUE(contains(advice(finding), "--memory_metric=private")) << "it may leak nothing";
  EXPECT_FALSE(contains(advice(finding), "--watchdog_memory_limit"));
  finding.growth.kind = CTL_GROWTH_JUMP;
  EXPECT_TRUE(contains(advice(finding), "Otherwise set --watchdog_memory_limit=350."));
}

/* It is at least what was measured, if it is known. */
TEST(CtlAdvice, MemoryLimitFollowsFromThePeak)
{
  CtlFinding finding = memory(WD_ROLE_WORKER, 214);
  finding.peak_bytes = 390 * MB;
  EXPECT_TRUE(contains(advice(finding), "--watchdog_memory_limit=600 ")) << advice(finding);
  const CtlLimits limits = {400 * MB, WD_NONE, WD_NONE};
  EXPECT_TRUE(contains(advice(finding, limits), "--watchdog_memory_limit=600 ")) << "not enough";
  finding.measured = WD_NONE;
  EXPECT_EQ(advice(finding), "(none)") << "within the limit";
}

TEST(CtlAdvice, PrivateMemoryWithinTheLimit)
{
  CtlFinding finding = memory(WD_ROLE_WORKER, 214);
  finding.private_bytes = 200 * MB;
  EXPECT_TRUE(contains(advice(finding), "--memory_metric=private"));
  finding.observed = TRUE;
  EXPECT_FALSE(contains(advice(finding), "--memory_metric")) << "osquery's own has no such flag";
  finding.observed = FALSE;
  finding.private_bytes = 200 * MB + 1;
  EXPECT_FALSE(contains(advice(finding), "--memory_metric")) << "it was over by that, too";
}

TEST(CtlAdvice, Cpu)
{
  EXPECT_EQ(advice(cpu(WD_ROLE_WORKER, 49.6)),
            "Set --watchdog_utilization_limit=65 if it may be so busy for long, "
            "--watchdog_latency_limit=24 if for moments.");
  EXPECT_EQ(advice(cpu(WD_ROLE_EXTENSION, 12.0, 6)),
            "Fix the extension a.ext. Otherwise set --watchdog_utilization_limit=15 if it may be "
            "so busy for long, --watchdog_latency_limit=12 if for moments, which the worker and "
            "all extensions share.");
  EXPECT_TRUE(contains(advice(cpu(WD_ROLE_WATCHDOG, 49.6)), "report it"));

  CtlFinding query = cpu(WD_ROLE_WORKER, 49.6);
  query.query_name = "all_hashes";
  query.origin = WD_ORIGIN_SCHEDULE;
  EXPECT_TRUE(
      contains(advice(query), "Fix the scheduled query all_hashes, or schedule it less often."));
  query.origin = WD_ORIGIN_DISTRIBUTED;
  EXPECT_TRUE(contains(advice(query), "Fix the distributed query all_hashes. Otherwise"));
  EXPECT_EQ(advice(found(WD_ROLE_WORKER, WD_REASON_CPU)), "(none)") << "nothing measured";
}

TEST(CtlAdvice, NoUtilizationLimitThatCannotBeExceeded)
{
  EXPECT_EQ(advice(cpu(WD_ROLE_WORKER, 99.8)),
            "Set --watchdog_latency_limit=24 if it may be so busy for moments.");
  EXPECT_TRUE(contains(advice(cpu(WD_ROLE_WORKER, 75.0)), "--watchdog_utilization_limit=95"));
  EXPECT_FALSE(contains(advice(cpu(WD_ROLE_WORKER, 79.0)), "--watchdog_utilization_limit"));
}

TEST(CtlAdvice, AWorkerEndedSoonMayNeedALongerDelay)
{
  const struct {
    WdRole role;
    gint64 lifetime_ms;
    const char *flag; // nullptr: none
  } cases[] = {
      {WD_ROLE_WORKER, 3000, "--watchdog_delay=60."},
      {WD_ROLE_WORKER, 62000, "--watchdog_delay=180."},
      {WD_ROLE_WORKER, 179999, "--watchdog_delay=360."},
      {WD_ROLE_WORKER, 180000, nullptr},
      {WD_ROLE_WORKER, WD_NONE, nullptr},
      {WD_ROLE_EXTENSION, 3000, nullptr}, // the delay counts from the worker's start
  };
  for (CtlFinding finding : {memory(WD_ROLE_WORKER, 214), cpu(WD_ROLE_WORKER, 50)})
    for (const auto &c : cases) {
      finding.role = c.role;
      finding.lifetime_ms = c.lifetime_ms;
      EXPECT_EQ(contains(advice(finding), "--watchdog_delay"), c.flag != nullptr);
      if (c.flag != nullptr)
        EXPECT_TRUE(contains(advice(finding), c.flag)) << advice(finding);
    }
}

TEST(CtlAdvice, ALimitThatWasRaisedSince)
{
  const char memory_raised[] =
      "The limit has been raised to 400 MiB since: there is nothing to set.";
  for (WdRole role : {WD_ROLE_WORKER, WD_ROLE_EXTENSION, WD_ROLE_WATCHDOG}) {
    EXPECT_EQ(advice(memory(role, 100, 60), {400 * MB, 10, 12}), memory_raised);
    EXPECT_EQ(advice(memory(role, 214), {349 * MB, 10, 12}), advice(memory(role, 214)));
    EXPECT_EQ(advice(cpu(role, 49.6), {400 * MB, 65, 12}),
              "The limit has been raised to 65 % since: there is nothing to set.");
    EXPECT_EQ(advice(cpu(role, 49.6), {400 * MB, 10, 24}),
              "How long it may be over the limit has been raised to 24 s since: there is nothing "
              "to set.");
    EXPECT_EQ(advice(cpu(role, 49.6), {400 * MB, 64, 23}), advice(cpu(role, 49.6)));
  }
  EXPECT_TRUE(contains(advice(cpu(WD_ROLE_WORKER, 99.8), {WD_NONE, 80, 12}),
                       "--watchdog_latency_limit=24"));
}

TEST(CtlAdvice, OneValueSuitsAll)
{
  CtlFinding young = memory(WD_ROLE_WORKER, 101);
  young.lifetime_ms = 3000;
  CtlFinding older = cpu(WD_ROLE_WORKER, 20);
  older.lifetime_ms = 62000;
  const CtlFinding findings[] = {young, memory(WD_ROLE_EXTENSION, 300),
                                 cpu(WD_ROLE_EXTENSION, 49.6, 6), older};
  const CtlLimits limits = {200 * MB, 10, 12};
  CtlFlags flags = CTL_FLAGS_NONE;
  for (const CtlFinding &finding : findings)
    ctl_flags_raise(&flags, &finding, &limits);
  EXPECT_EQ(flags.memory_mb, 450);
  EXPECT_EQ(flags.utilization, 25); // the extension's latency of 12 s is in effect
  EXPECT_EQ(flags.latency_s, 24);
  EXPECT_EQ(flags.delay_s, 180); // that of the first is in effect as well

  CtlFinding more = memory(WD_ROLE_WORKER, 214);
  more.lifetime_ms = 3000;
  ctl_flags_raise(&flags, &more, &limits);
  g_autofree char *text = ctl_advice(&more, &limits, &flags);
  EXPECT_STREQ(text, "Set --watchdog_memory_limit=450 if it may use that much; what it would have "
                     "grown to isn't known. If only its start needs it: --watchdog_delay=180.");
}

TEST(CtlAdvice, WhatNoLimitDid)
{
  CtlFinding finding = found(WD_ROLE_WORKER, WD_REASON_OOM, WD_EVENT_PROCESS_EXITED);
  EXPECT_TRUE(contains(advice(finding), "MemoryMax="));

  finding.reason = WD_REASON_SIGNAL;
  finding.exit_signal = 11;
  EXPECT_TRUE(contains(advice(finding), "It crashed (SIGSEGV): `coredumpctl info`"));
  finding.core_dumped = FALSE;
  EXPECT_TRUE(contains(advice(finding), "It crashed (SIGSEGV), and no core dump was written"));
  finding.core_dumped = WD_NONE;
  finding.exit_signal = 9;
  EXPECT_TRUE(contains(advice(finding), "Somebody else sent it SIGKILL"));
  finding.exit_signal = WD_NONE;
  EXPECT_EQ(advice(finding), "(none)") << "an observer isn't always told";

  finding.reason = WD_REASON_EXIT;
  finding.exit_code = 3;
  EXPECT_TRUE(contains(advice(finding), "with status 3: osqueryd's log"));
  finding.role = WD_ROLE_EXTENSION;
  EXPECT_TRUE(contains(advice(finding), "with status 3: its own output"));

  EXPECT_TRUE(contains(
      advice(found(WD_ROLE_WORKER, WD_REASON_SPAWN, WD_EVENT_RESPAWN_LIMIT_REACHED)), "by hand"));
  EXPECT_TRUE(contains(advice(found(WD_ROLE_EXTENSION, WD_REASON_SPAWN, WD_EVENT_SPAWN_FAILED)),
                       "The message names"));
  EXPECT_TRUE(contains(advice(found(WD_ROLE_EXTENSION, WD_REASON_REGISTRATION)), "Have a.ext"));
  EXPECT_TRUE(contains(advice(found(WD_ROLE_EXTENSION, WD_REASON_UNRESPONSIVE)),
                       "Have a.ext answer its pings"));
  EXPECT_TRUE(contains(advice(found(WD_ROLE_WORKER, WD_REASON_UNRESPONSIVE)), "but hung"));
}

TEST(CtlAdvice, AnObserverCannotTellWhoSentASignal)
{
  CtlFinding finding = found(WD_ROLE_WORKER, WD_REASON_SIGNAL, WD_EVENT_PROCESS_EXITED);
  finding.observed = TRUE;
  for (gint64 signal : {9, 15, 10}) {
    finding.exit_signal = signal;
    EXPECT_FALSE(contains(advice(finding), "not for a limit")) << advice(finding);
    EXPECT_TRUE(contains(advice(finding), "osquery's watcher")) << advice(finding);
    EXPECT_TRUE(contains(advice(finding), "journalctl -k")) << advice(finding);
  }
  finding.exit_signal = 1;
  EXPECT_TRUE(contains(advice(finding), "Somebody else sent it SIGHUP"));
  finding.exit_signal = 11;
  EXPECT_TRUE(contains(advice(finding), "It crashed"));
}

TEST(CtlAdvice, NothingToChange)
{
  for (WdReason reason : {WD_REASON_NONE, WD_REASON_REQUEST, WD_REASON_HEALTH,
                          WD_REASON_WORKER_GONE, WD_REASON_SETTINGS, WD_REASON_REBOOT})
    EXPECT_EQ(advice(found(WD_ROLE_WORKER, reason)), "(none)") << reason;
}

TEST(CtlAdvice, SeveralTogether)
{
  CtlFinding finding = memory(WD_ROLE_WORKER, 400);
  finding.query_name = "first";
  finding.origin = WD_ORIGIN_DISTRIBUTED;
  finding.lifetime_ms = 500000;
  CtlFinding newer = memory(WD_ROLE_WORKER, 310, 300);
  newer.lifetime_ms = 3000;
  newer.peak_bytes = 450 * MB;
  newer.private_bytes = 310 * MB;
  newer.origin = WD_ORIGIN_SCHEDULE;
  ctl_finding_add(&finding, &newer);
  EXPECT_EQ(finding.measured, 400 * MB);
  EXPECT_EQ(finding.peak_bytes, 450 * MB);
  EXPECT_EQ(finding.limit_value, 300 * MB);
  EXPECT_EQ(finding.lifetime_ms, 500000);
  EXPECT_EQ(finding.private_bytes, 310 * MB);
  EXPECT_STREQ(finding.query_name, "first");
  EXPECT_EQ(finding.origin, WD_ORIGIN_DISTRIBUTED) << "that of the named query";

  finding = cpu(WD_ROLE_WORKER, 20, 6);
  newer = cpu(WD_ROLE_WORKER, 60, 12);
  newer.query_name = "second";
  ctl_finding_add(&finding, &newer);
  EXPECT_EQ(finding.utilization, 60);
  EXPECT_EQ(finding.sustained_s, 12);
  EXPECT_STREQ(finding.query_name, "second");
}

} // namespace
