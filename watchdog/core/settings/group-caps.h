/* What a control group grants this process and its children, beside the watchdog's limits. Pure. */
#pragma once

#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

typedef struct {
  gint64 amount; /* -1: no cap */
  char *file;    /* owned: where the kernel shows it; NULL: no cap */
} WdGroupCap;

typedef struct {
  WdGroupCap cpu_percent;  /* of one CPU, for all processes of the group together */
  WdGroupCap memory_bytes; /* likewise */
} WdGroupCaps;

/* No caps. */
void wd_group_caps_init(WdGroupCaps *caps);

/* Lowers @cap to @amount, if that is a cap and the lower one: of a group and those around it, the
 * lowest applies. */
void wd_group_cap_lower(WdGroupCap *cap, gint64 amount, const char *file);

/* Adds a line to @warnings, of char *, for each limit that no process can exceed within @caps. The
 * memory limit is one process's growth, and the group holds all processes with what they began
 * with: so a group that isn't larger than the limit surely ends or slows down the process first. A
 * CPU limit of 100% can't be exceeded anyhow. */
void wd_group_caps_warn(const WdGroupCaps *caps, const WdLimits *limits, GPtrArray *warnings);

void wd_group_caps_clear(WdGroupCaps *caps);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WdGroupCaps, wd_group_caps_clear)

G_END_DECLS
