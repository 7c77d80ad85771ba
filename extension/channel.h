/* Sends reports (watchdog/core/machine/report.h) to osquery-watchdogd, over a descriptor inherited
 * from it. Never blocks. */
#pragma once

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct ExtChannel ExtChannel;

typedef enum {
  EXT_SENT,
  EXT_SENT_LATER,     /* it could not be sent yet: try again */
  EXT_SENT_TO_NOBODY, /* nothing reads reports any more */
} ExtSent;

/* @descriptor: its number as text, from the environment; NULL is allowed. Returns: NULL when it is
 * no such channel. */
ExtChannel *ext_channel_new(const char *descriptor);

ExtSent ext_channel_send(ExtChannel *channel, const WdReport *report);

void ext_channel_free(ExtChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtChannel, ext_channel_free)

G_END_DECLS
