/* Hears what the tables extension tells (core/machine/report.h): a descriptor that it inherits, and
 * nobody else. What comes is checked; it never blocks us, and however much comes, little is read.
 */
#pragma once

#include <glib.h>

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct {
  int fd; /* our end; -1: there is none */
  gboolean complained;
} WdChannel;

#define WD_CHANNEL_NONE ((WdChannel){.fd = -1})

/* Opens @channel. @theirs: the other end, the caller's. Both ends are close-on-exec and
 * non-blocking. */
gboolean wd_channel_open(WdChannel *channel, int *theirs, GError **error);

/* Hands @observed what has come, at most 64 at a time; whoever sends more has to wait. @observed
 * may change the report.
 *
 * Nobody waits for this descriptor: a report comes every interval and nearly always says what the
 * one before said, and to be woken for each costs half of what a check costs. */
void wd_channel_read(WdChannel *channel, void (*reported)(WdReport *report, gpointer user_data),
                     gpointer user_data);

void wd_channel_close(WdChannel *channel);

G_END_DECLS
