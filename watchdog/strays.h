/* Processes that a child left behind by leaving its process group: as the subreaper we inherit them
 * when their parent goes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From now on orphans among our descendants become our children. */
gboolean wd_strays_inherit(GError **error);

/* Kills every child of ours for which @is_known says no. For the main thread alone. Reads
 * all of /proc where the kernel doesn't list children, so call it when somebody has gone, not at
 * every check. Returns: how many. */
guint wd_strays_kill(gboolean (*is_known)(gint64 pid, gpointer user_data), gpointer user_data);

G_END_DECLS
