/* The processes that a watcher, which isn't ours, has started: finds them, and notices their ends.
 * Sends no signals. */
#pragma once

#include "watchdog/core/machine/input.h"
#include "watchdog/look/handle.h"

G_BEGIN_DECLS

typedef struct ExtFamily ExtFamily;

/* @found and @gone are called from within the functions below, or from the default main context and
 * then followed by @done. */
typedef struct {
  void (*found)(const WdFound *child, gpointer user_data); /* the worker, or an extension */
  void (*gone)(gint64 pid, const WdExit *how, gpointer user_data);
  void (*done)(gpointer user_data);
} ExtFamilyNews;

/* Returns: @pid if it is a watcher, which is an osqueryd with a child of the same name that runs
 * the same program, as far as we may see that; else 0.
 * @any_name: the program need not be called osqueryd. */
gint64 ext_family_find_watcher(gint64 pid, gboolean any_name);

/* Logs which ways to notice ends are missing here. @news: copied. @watcher: set; its strings are
 * the family's. Returns: NULL with @error: that process is gone. */
ExtFamily *ext_family_new(gint64 watcher_pid, const ExtFamilyNews *news, gpointer user_data,
                          WdFound *watcher, GError **error);

/* The handle of the watcher, or of a child whose end is not reported yet; else NULL. */
WdHandle *ext_family_handle(const ExtFamily *family, gint64 pid);

/* The present worker's pid; 0: none is known to run. */
gint64 ext_family_worker(const ExtFamily *family);

/* Whether @manager_pid, which serves the manager's socket, is the present worker. Looks for it if
 * it isn't known yet. */
gboolean ext_family_is_worker(ExtFamily *family, gint64 manager_pid);

/* Looks for new children and, without pidfds, for ends, if that is due. */
void ext_family_scan(ExtFamily *family);

/* When the next scan is due. */
gint64 ext_family_next_scan_us(const ExtFamily *family);

/* Waits until no child but this process is left, at most until @until_us, and reports all ends. */
void ext_family_await_ends(ExtFamily *family, gint64 until_us);

/* Reports all ends now, even those whose exit event hasn't come. */
void ext_family_report_ends(ExtFamily *family);

/* @pid, which is of the family, is gone. Its end is reported once its exit event comes, or doesn't
 * come in time. */
void ext_family_missed(ExtFamily *family, gint64 pid);

void ext_family_free(ExtFamily *family);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtFamily, ext_family_free)

G_END_DECLS
