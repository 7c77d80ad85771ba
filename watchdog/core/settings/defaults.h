/* The programs' defaults, and the variables that pass directories from one to the other. */
#pragma once

#define WD_DEFAULT_STATE_DIR "/var/lib/osquery-watchdog" /* of history.db */
#define WD_DEFAULT_RUNTIME_DIR "/run/osquery-watchdog"   /* of status.db */
#define WD_DEFAULT_HISTORY_MAX 10000                     /* rows */
#define WD_DEFAULT_HISTORY_EXPIRY_S 2592000              /* 30 days */

/* The environment variables in which osquery-watchdogd names its directories to the extension that
 * serves the tables. */
#define WD_STATE_DIR_VARIABLE "OSQUERY_WATCHDOG_STATE_DIR"
#define WD_RUNTIME_DIR_VARIABLE "OSQUERY_WATCHDOG_RUNTIME_DIR"
