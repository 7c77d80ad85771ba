/* Notifies systemd, by its protocol (sd_notify(3)). Does nothing where there is no systemd.
 *
 * libsystemd's sd_notify() blocks while the manager doesn't read; these functions never block. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @state: lines "NAME=VALUE", e.g. "READY=1\nSTATUS=…". */
void wd_service_manager_notify(const char *state);

/* How often WATCHDOG=1 is due, in ms: half of the manager's timeout; 0: it has none. */
guint wd_service_manager_watchdog_ms(void);

/* Whether a service manager waits for notifications. */
gboolean wd_service_manager_present(void);

G_END_DECLS
