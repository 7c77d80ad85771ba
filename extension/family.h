/* Whom a watcher that isn't ours has started: finds them, and notices their ends, without a signal
 * to anybody. */
#pragma once

#include "watchdog/core/machine/input.h"
#include "watchdog/look/handle.h"

G_BEGIN_DECLS

typedef struct ExtFamily ExtFamily;

/* Called from within ext_family_scan() and ext_family_hear(), or, followed by @heard, from the
 * default main context. */
typedef struct {
  void (*found)(const WdFound *child, gpointer user_data); /* the worker, or an extension */
  void (*gone)(gint64 pid, const WdExit *how, gpointer user_data);
  void (*heard)(gpointer user_data);
} ExtFamilyNews;

/* The watcher that @pid is, or 0: it is none. An osqueryd whose child is one, too, is a watcher.
 * @any_name: its program may be called otherwise. */
gint64 ext_family_find_watcher(gint64 pid, gboolean any_name);

/* Says once what of the ends can't be seen here. @news: copied. @watcher: set; its strings are
 * the family's. Returns: NULL with @error: that process is gone. */
ExtFamily *ext_family_new(gint64 watcher_pid, const ExtFamilyNews *news, gpointer user_data,
                          WdFound *watcher, GError **error);

/* Of the watcher, or a child that lives as far as we know; else NULL. */
WdHandle *ext_family_sight(const ExtFamily *family, gint64 pid);

/* The present worker's pid; 0: none runs, as far as we know. */
gint64 ext_family_worker(const ExtFamily *family);

/* Whether @manager_pid, who serves the manager's socket, is the present worker, perhaps found just
 * now. */
gboolean ext_family_is_worker(ExtFamily *family, gint64 manager_pid);

/* When to scan next. */
gint64 ext_family_next_scan_us(const ExtFamily *family);

/* Looks for new children, and for ends that nobody tells of. */
void ext_family_scan(ExtFamily *family, gint64 now_us);

/* Tells of the ends that the kernel has told of by now. */
void ext_family_hear(ExtFamily *family);

/* Tells of all ends, also of those that the kernel tells of later, or not at all: the last look. */
void ext_family_tell_ends(ExtFamily *family);

/* @pid, which is of the family, couldn't be looked at: it must be gone. */
void ext_family_missed(ExtFamily *family, gint64 pid);

void ext_family_free(ExtFamily *family);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtFamily, ext_family_free)

G_END_DECLS
