/* Parses the kernel's process events (linux/cn_proc.h), which the caller receives. Pure. */
#pragma once

#include "watchdog/core/event/exit.h"

G_BEGIN_DECLS

typedef enum {
  WD_PROC_EVENT_OTHER,  /* or not understood */
  WD_PROC_EVENT_ANSWER, /* our request for events is granted */
  WD_PROC_EVENT_EXIT,
} WdProcEventKind;

/* @bytes: one datagram of the connector, whole or cut anywhere; any alignment.
 * @pid, @how: set for EXIT of a whole process, not of one of its threads. */
WdProcEventKind wd_proc_event_parse(const guint8 *bytes, gsize length, gint64 *pid, WdExit *how);

G_END_DECLS
