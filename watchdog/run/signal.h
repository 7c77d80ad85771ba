/* Signals to one process, whatever has its pid by then. */
#pragma once

#include "watchdog/look/handle.h"

G_BEGIN_DECLS

/* Returns: whether it was sent; FALSE when the process is gone, or we may not. */
gboolean wd_signal_send(const WdHandle *handle, int signo);

G_END_DECLS
