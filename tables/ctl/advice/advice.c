#include "tables/ctl/advice/advice.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/print/words.h"

#include <math.h>
#include <signal.h>

#define MEGABYTE (1024.0 * 1024.0)

/* A process that was killed at the limit showed only that it needs more than that. With too little
 * headroom it would be killed again, and the flag raised again. */
#define MEMORY_HEADROOM 1.5
#define CPU_HEADROOM 1.25

/* A worker this young was probably busy with the work that it does once at its start. */
#define YOUNG_MS (180 * 1000)

/* The next greater number that people would choose: 65, 350, 3500. */
static gint64
round_up(double value)
{
  double step = 5;
  while (value >= 20 * step)
    step *= 10;
  return (gint64)(ceil(value / step) * step);
}

/* Which other processes a limit applies to. */
static const char *
scope(const CtlFinding *finding)
{
  return finding->role == WD_ROLE_EXTENSION ? ", which the worker and all extensions share" : "";
}

/* What should be fixed rather than allowed. Newly allocated. */
static char *
culprit(const CtlFinding *finding, const char *how)
{
  if (finding->query_name != NULL) {
    g_autofree char *query = ctl_words_of_query(finding->origin, finding->query_name);
    return g_strdup_printf("Fix %s%s", query, how);
  }
  if (finding->role == WD_ROLE_EXTENSION)
    return g_strdup_printf("Fix the extension %s", finding->name);
  return NULL;
}

/* What was measured when the limit was exceeded is only where it happened to be seen. The peak
 * isn't known of what was recorded by version 0.1.0. */
static double
memory_used(const CtlFinding *finding)
{
  return (double)MAX(finding->peak_bytes, finding->measured);
}

/* What @finding alone calls for. A leak would reach any limit. */
static CtlFlags
flags_for(const CtlFinding *finding)
{
  CtlFlags flags = CTL_FLAGS_NONE;
  if (finding->growth.kind == CTL_GROWTH_LEAK)
    return flags;
  if (finding->reason == WD_REASON_MEMORY && finding->measured != WD_NONE &&
      finding->limit_value != WD_NONE)
    flags.memory_mb = round_up(memory_used(finding) / MEGABYTE * MEMORY_HEADROOM);
  if (finding->reason == WD_REASON_CPU && !isnan(finding->utilization) &&
      finding->sustained_s != WD_NONE) {
    gint64 percent = round_up(finding->utilization * CPU_HEADROOM);
    if (percent < 100) /* at 100 % nothing would ever be over the limit */
      flags.utilization = percent;
    flags.latency_s = 2 * finding->sustained_s;
  }
  gboolean young = finding->role == WD_ROLE_WORKER && finding->lifetime_ms != WD_NONE &&
                   finding->lifetime_ms < YOUNG_MS;
  if (young && (flags.memory_mb != WD_NONE || flags.latency_s != WD_NONE))
    flags.delay_s = (2 * finding->lifetime_ms / 1000 / 60 + 1) * 60;
  return flags;
}

static gboolean
suffices(gint64 limit, gint64 wanted)
{
  return wanted != WD_NONE && limit >= wanted; /* WD_NONE is the least */
}

/* For a limit that has been raised far enough since then; else NULL. */
static char *
raised_advice(const CtlFlags *own, const CtlLimits *limits)
{
  if (suffices(limits->memory_bytes == WD_NONE ? WD_NONE : limits->memory_bytes / (1024 * 1024),
               own->memory_mb)) {
    g_autofree char *limit = ctl_human_bytes(limits->memory_bytes, WD_NONE);
    return g_strdup_printf("The limit has been raised to %s since: there is nothing to set.",
                           limit);
  }
  if (suffices(limits->utilization, own->utilization))
    return g_strdup_printf("The limit has been raised to %" G_GINT64_FORMAT
                           " %% since: there is nothing to set.",
                           limits->utilization);
  if (suffices(limits->latency_s, own->latency_s))
    return g_strdup_printf("How long it may be over the limit has been raised to %" G_GINT64_FORMAT
                           " s since: there is nothing to set.",
                           limits->latency_s);
  return NULL;
}

void
ctl_flags_raise(CtlFlags *flags, const CtlFinding *finding, const CtlLimits *limits)
{
  const CtlFlags own = flags_for(finding);
  g_autofree char *raised = raised_advice(&own, limits);
  if (raised != NULL)
    return;
  flags->memory_mb = MAX(flags->memory_mb, own.memory_mb);
  flags->utilization = MAX(flags->utilization, own.utilization);
  flags->latency_s = MAX(flags->latency_s, own.latency_s);
  flags->delay_s = MAX(flags->delay_s, own.delay_s);
}

/* A second sentence for a worker that was killed soon after its start: the flag that begins its
 * limits later; else "". */
static char *
delay_advice(const CtlFlags *own, const CtlFlags *flags)
{
  return own->delay_s == WD_NONE
             ? g_strdup("")
             : g_strdup_printf(" If only its start needs it: --watchdog_delay=%" G_GINT64_FORMAT
                               ".",
                               flags->delay_s);
}

/* For a limit that is exceeded by what isn't the process's own; else NULL. @flag: may be NULL. */
static char *
mapped_advice(const CtlFinding *finding, const char *flag)
{
  if (finding->observed || finding->private_bytes == WD_NONE ||
      finding->private_bytes > finding->limit_value)
    return NULL;
  return g_strconcat("Its private memory was within the limit, the rest is mapped files and shared "
                     "memory: --memory_metric=private, an option of osquery-watchdogd, leaves that "
                     "out.",
                     flag != NULL ? " Otherwise set " : "", flag, flag != NULL ? "." : "", NULL);
}

static char *
leak_advice(const CtlFinding *finding)
{
  char *mapped = mapped_advice(finding, NULL);
  if (mapped != NULL)
    return mapped;
  const char *program = finding->role == WD_ROLE_WORKER     ? "osqueryd"
                        : finding->role == WD_ROLE_WATCHDOG ? "osquery-watchdog"
                                                            : finding->name;
  g_autofree char *reach = ctl_human_duration(finding->growth.reach_s);
  return g_strdup_printf("It leaks: a higher limit would only be reached later. Upgrade %s, or "
                         "report the leak to those who make it. Until then, a restart helps for "
                         "%s.",
                         program, reach);
}

static char *
memory_advice(const CtlFinding *finding, const CtlFlags *own, const CtlFlags *flags)
{
  if (finding->growth.kind == CTL_GROWTH_LEAK)
    return leak_advice(finding);
  if (own->memory_mb == WD_NONE)
    return NULL;
  g_autofree char *flag = g_strdup_printf("--watchdog_memory_limit=%" G_GINT64_FORMAT "%s",
                                          flags->memory_mb, scope(finding));
  if (finding->role == WD_ROLE_WATCHDOG)
    return g_strdup_printf("The watchdog itself should need little: please report it. Until then "
                           "set %s.",
                           flag);
  char *mapped = mapped_advice(finding, flag);
  if (mapped != NULL)
    return mapped;
  g_autofree char *fix = culprit(finding, " to read less at a time");
  if (fix != NULL)
    return g_strdup_printf("%s. If it is worth that much memory, set %s.", fix, flag);
  g_autofree char *delay = delay_advice(own, flags);
  return g_strdup_printf("Set %s if it may use that much; what it would have grown to isn't "
                         "known.%s",
                         flag, delay);
}

static char *
cpu_advice(const CtlFinding *finding, const CtlFlags *own, const CtlFlags *flags)
{
  if (own->latency_s == WD_NONE)
    return NULL;
  g_autofree char *latency =
      g_strdup_printf("--watchdog_latency_limit=%" G_GINT64_FORMAT, flags->latency_s);
  g_autofree char *set =
      own->utilization != WD_NONE
          ? g_strdup_printf("--watchdog_utilization_limit=%" G_GINT64_FORMAT
                            " if it may be so busy for long, %s if for moments%s",
                            flags->utilization, latency, scope(finding))
          : g_strdup_printf("%s if it may be so busy for moments%s", latency, scope(finding));
  if (finding->role == WD_ROLE_WATCHDOG)
    return g_strdup_printf("The watchdog itself should be idle: please report it. Until then set "
                           "%s.",
                           set);
  g_autofree char *fix =
      culprit(finding, finding->origin == WD_ORIGIN_SCHEDULE ? ", or schedule it less often" : "");
  if (fix != NULL)
    return g_strdup_printf("%s. Otherwise set %s.", fix, set);
  g_autofree char *delay = delay_advice(own, flags);
  return g_strdup_printf("Set %s.%s", set, delay);
}

/* Whether osquery's watcher, or the kernel for lack of memory, may have sent it. An observer
 * can't tell their signals from anybody else's. */
static gboolean
may_be_for_a_limit(const CtlFinding *finding)
{
  return finding->observed && (finding->exit_signal == SIGKILL || finding->exit_signal == SIGTERM ||
                               finding->exit_signal == SIGUSR1);
}

static char *
signal_advice(const CtlFinding *finding)
{
  if (finding->exit_signal == WD_NONE)
    return NULL;
  g_autofree char *name = ctl_signal_name(finding->exit_signal);
  if (ctl_finding_is_crash(finding) && finding->core_dumped == FALSE)
    return g_strdup_printf("It crashed (%s), and no core dump was written: a bug report needs what "
                           "it wrote last.",
                           name);
  if (ctl_finding_is_crash(finding))
    return g_strdup_printf("It crashed (%s): `coredumpctl info` may show where, for a bug report.",
                           name);
  if (may_be_for_a_limit(finding))
    return g_strdup_printf("It was killed by %s. That may have been osquery's watcher, between two "
                           "looks at it, or the kernel for lack of memory (`journalctl -k` says "
                           "so), or somebody else: the records don't show which.",
                           name);
  return g_strdup_printf("Somebody else sent it %s, not for a limit: look for who does (an "
                         "administrator, a script, a service manager).",
                         name);
}

static char *
exit_advice(const CtlFinding *finding)
{
  if (finding->exit_code == WD_NONE)
    return NULL;
  const char *log =
      finding->role == WD_ROLE_EXTENSION ? "its own output" : "osqueryd's log (--logger_path)";
  return g_strdup_printf("It exited by itself, with status %" G_GINT64_FORMAT ": %s says why.",
                         finding->exit_code, log);
}

static char *
spawn_advice(const CtlFinding *finding)
{
  if (finding->event == WD_EVENT_RESPAWN_LIMIT_REACHED)
    return g_strdup("Run the command that follows `osquery-watchdogd --` by hand: it says which "
                    "flag it refuses.");
  return g_strdup("The message names what is wrong with the program: as osquery, we start only "
                  "what root or we own, its owner may execute, and others can't write.");
}

static char *
unresponsive_advice(const CtlFinding *finding)
{
  if (finding->role == WD_ROLE_EXTENSION)
    return g_strdup_printf("Have %s answer its pings while its tables work, or set "
                           "--unresponsive_timeout higher than its longest query takes.",
                           finding->name);
  return g_strdup("It was running, but hung: osqueryd answers its pings even during a long query. "
                  "If that is wrong, set --unresponsive_timeout higher.");
}

char *
ctl_advice(const CtlFinding *finding, const CtlLimits *limits, const CtlFlags *flags)
{
  const CtlFlags own = flags_for(finding);
  char *raised = raised_advice(&own, limits);
  if (raised != NULL)
    return raised;
  switch (finding->reason) {
  case WD_REASON_MEMORY:
    return memory_advice(finding, &own, flags);
  case WD_REASON_CPU:
    return cpu_advice(finding, &own, flags);
  case WD_REASON_OOM:
    return g_strdup("The kernel killed it because memory ran out, not because of a limit of the "
                    "watchdog: give the host, or the unit (MemoryMax=), more. With a lower "
                    "--watchdog_memory_limit the watchdog would stop it first.");
  case WD_REASON_EXIT:
    return exit_advice(finding);
  case WD_REASON_SIGNAL:
    return signal_advice(finding);
  case WD_REASON_SPAWN:
    return spawn_advice(finding);
  case WD_REASON_REGISTRATION:
    return g_strdup_printf("It was running, but osqueryd had dropped it, as it drops an extension "
                           "that answers its pings late. Have %s answer while its tables work.",
                           finding->name);
  case WD_REASON_UNRESPONSIVE:
    return unresponsive_advice(finding);
  case WD_REASON_NONE:
  case WD_REASON_REQUEST:
  case WD_REASON_HEALTH:      /* the limit_exceeded behind it has the figures */
  case WD_REASON_WORKER_GONE: /* the worker's end has the cause */
  case WD_REASON_WORKER_SILENT:
  case WD_REASON_SETTINGS:
  case WD_REASON_REBOOT:
    return NULL;
  }
  g_assert_not_reached();
}
