/* status.db: the present state, replaced as a whole in one transaction at every check, samples of
 * the recent checks (samples.h), and the settings in effect. It lives in the runtime directory
 * (tmpfs) and may vanish without loss. One writer; readers use reader.h. */
#pragma once

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/setting.h"

G_BEGIN_DECLS

#define WD_STATUS_FILE "status.db" /* in the runtime directory */

typedef struct WdStatus WdStatus;

/* Opens or creates (0600) @path, an absolute path. A file that is no database or has another schema
 * version is replaced, because nothing in it is worth keeping. */
WdStatus *wd_status_open(const char *path, GError **error);
void wd_status_free(WdStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdStatus, wd_status_free)

/* The greatest last_eid, 0 if there is none: readers have seen eids up to it, stored or not. */
gboolean wd_status_last_eid(WdStatus *status, gint64 *eid, GError **error);

/* Replaces all rows by @rows, and keeps samples of those that a regular check has measured. @base:
 * what this run's seqs are added to for last_eid (history.h). While it isn't known, it is WD_NONE,
 * and the column NULL. */
gboolean wd_status_write(WdStatus *status, WdProcessStatus *const *rows, gsize n, gint64 base,
                         GError **error);

/* Replaces the settings by @settings. */
gboolean wd_status_write_settings(WdStatus *status, WdSetting *const *settings, gsize n,
                                  GError **error);

G_END_DECLS
