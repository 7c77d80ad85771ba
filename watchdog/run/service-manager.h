/* What systemd is told of us, by its notification protocol (sd_notify(3)); nothing where there is
 * no systemd.
 *
 * Not libsystemd's sd_notify(): that one waits for a manager that doesn't read. These never block.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @state: lines "NAME=VALUE", e.g. "READY=1\nSTATUS=…". */
void wd_service_manager_notify(const char *state);

/* How often WATCHDOG=1 is due, in ms: half of what the manager waits; 0: it doesn't. */
guint wd_service_manager_watchdog_ms(void);

/* Whether a service manager waits for notifications. */
gboolean wd_service_manager_present(void);

G_END_DECLS
