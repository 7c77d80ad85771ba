/* How often the kernel has killed for want of memory where we and our children live: in our control
 * group if memory is limited there, else on the whole host. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  int fd;       /* kept open; -1: the kernel doesn't tell */
  gint64 count; /* at the last look */
} WdOomKills;

/* Finds where to look, and looks. */
void wd_oom_kills_init(WdOomKills *kills);
void wd_oom_kills_clear(WdOomKills *kills);

/* Whether there were some since the last look. */
gboolean wd_oom_kills_grew(WdOomKills *kills);

G_END_DECLS
