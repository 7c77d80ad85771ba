#include "watchdog/core/settings/group-caps.h"

#include "watchdog/core/settings/settings-error.h"

#define MB (1024 * 1024)

void
wd_group_caps_init(WdGroupCaps *caps)
{
  *caps = (WdGroupCaps){.cpu_percent.amount = -1, .memory_bytes.amount = -1};
}

void
wd_group_cap_lower(WdGroupCap *cap, gint64 amount, const char *file)
{
  if (amount < 0 || (cap->amount >= 0 && cap->amount <= amount))
    return;
  cap->amount = amount;
  g_free(cap->file);
  cap->file = g_strdup(file);
}

static void
warn_of_cpu(const WdGroupCap *cap, const WdLimits *limits, GPtrArray *warnings)
{
  const gint64 limit = limits->utilization_limit * limits->cpus;

  if (cap->amount < 0 || cap->amount > limit || limits->utilization_limit >= 100)
    return;
  wd_settings_warn(warnings,
                   "the CPU quota of our control group, %" G_GINT64_FORMAT
                   "%% of one CPU (%s), isn't above the CPU limit of %" G_GINT64_FORMAT
                   "%% of %u CPUs (%" G_GINT64_FORMAT "%% of one): the limit can't be exceeded",
                   cap->amount, cap->file, limits->utilization_limit, limits->cpus, limit);
}

static void
warn_of_memory(const WdGroupCap *cap, const WdLimits *limits, GPtrArray *warnings)
{
  if (cap->amount < 0 || cap->amount > limits->memory_limit_bytes)
    return;
  wd_settings_warn(warnings,
                   "the memory limit of our control group, %" G_GINT64_FORMAT
                   " MB (%s), isn't above the memory limit of one process, %" G_GINT64_FORMAT
                   " MB: the kernel acts before the watchdog",
                   cap->amount / MB, cap->file, limits->memory_limit_bytes / MB);
}

void
wd_group_caps_warn(const WdGroupCaps *caps, const WdLimits *limits, GPtrArray *warnings)
{
  if (!limits->enforce)
    return;
  warn_of_cpu(&caps->cpu_percent, limits, warnings);
  warn_of_memory(&caps->memory_bytes, limits, warnings);
}

void
wd_group_caps_clear(WdGroupCaps *caps)
{
  g_clear_pointer(&caps->cpu_percent.file, g_free);
  g_clear_pointer(&caps->memory_bytes.file, g_free);
}
