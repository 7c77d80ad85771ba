/* Where osquery-watchdogd hears us: a descriptor that we inherit (watchdog/core/machine/report.h).
 * Telling never blocks. */
#pragma once

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct ExtChannel ExtChannel;

typedef enum {
  EXT_TOLD,
  EXT_TOLD_LATER,  /* it can't be taken in now */
  EXT_TOLD_NOBODY, /* hears us any more */
} ExtTold;

/* @descriptor: as the environment has it. Returns: NULL when it names no such channel, or is NULL.
 */
ExtChannel *ext_channel_new(const char *descriptor);

ExtTold ext_channel_tell(ExtChannel *channel, const WdReport *report);

void ext_channel_free(ExtChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtChannel, ext_channel_free)

G_END_DECLS
