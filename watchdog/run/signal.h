/* Signals to one process, and never to another that has its pid by then. */
#pragma once

#include "watchdog/look/handle.h"

G_BEGIN_DECLS

/* Returns: whether it was sent; FALSE: the process is gone, or we aren't allowed to. */
gboolean wd_signal_send(const WdHandle *handle, int signo);

G_END_DECLS
