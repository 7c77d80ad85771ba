/* Receives the reports of the tables extension (core/machine/report.h) over a descriptor that only
 * the extension inherits. Reports are checked. Reading never blocks, and reads only a few at a
 * time.
 */
#pragma once

#include <glib.h>

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct {
  int fd;              /* our end; -1: there is none */
  gboolean complained; /* about a message that can't be decoded: once */
} WdChannel;

#define WD_CHANNEL_NONE ((WdChannel){.fd = -1})

/* Opens @channel. @theirs: the other end, the caller's. Both ends are close-on-exec and
 * non-blocking. */
gboolean wd_channel_open(WdChannel *channel, int *theirs, GError **error);

/* Calls @reported for each report that has come, at most 64 at a time; a sender of more has to
 * wait.
 * @reported may change the report.
 *
 * To be called at each check, not when the descriptor is readable: nearly every report says what
 * the one before said, and waking up for each costs half of what a check costs. */
void wd_channel_read(WdChannel *channel, void (*reported)(WdReport *report, gpointer user_data),
                     gpointer user_data);

void wd_channel_close(WdChannel *channel);

G_END_DECLS
