/* The log lines of an observer: they claim no more than it knows. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* The line for @event; for most kinds the one of message.h. Newly allocated. */
char *wd_observed_message(const WdEvent *event);

G_END_DECLS
