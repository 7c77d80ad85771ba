/* What the log carries besides an event's message, or a line that a child wrote: its priority, and
 * the journal's structured fields. Pure. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* A priority of syslog(3). */
int wd_event_priority(WdEventKind kind);

/* That of a line as glog writes it, which osqueryd does: "W1128 15:11:02.852525 25754 file.cpp:120]
 * TEXT". Of any other line, as of an informational one. */
int wd_line_priority(const char *line, gsize length);

/* "NAME=VALUE" for each value that @event has: MESSAGE, PRIORITY, MESSAGE_ID (one per kind, see
 * docs/troubleshoot.md), SYSLOG_IDENTIFIER and OSQUERY_WATCHDOG_*. Newly allocated,
 * NULL-terminated. */
char **wd_event_log_fields(const WdEvent *event);

G_END_DECLS
