/* Hears what the tables extension tells (core/observation.h): a descriptor that it inherits, and
 * nobody else. What comes is checked; it never blocks us, and however much comes, little is read.
 */
#pragma once

#include <glib.h>

#include "watchdog/core/observation.h"

G_BEGIN_DECLS

/* A pair of descriptors, close-on-exec and non-blocking; both are the caller's. */
gboolean wd_channel_pair(int *ours, int *theirs, GError **error);

typedef struct WdChannel WdChannel;

/* Listens from the default main context.
 * @fd: our end; taken. @observed: gets each observation; may change it, must not free the channel.
 */
WdChannel *wd_channel_new(int fd, void (*observed)(WdObservation *observation, gpointer user_data),
                          gpointer user_data);

/* NULL is allowed. */
void wd_channel_free(WdChannel *channel);

G_END_DECLS
