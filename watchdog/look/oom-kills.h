/* How often the kernel has killed for want of memory where we and our children live: in our control
 * group if memory is limited there, else on the whole host. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How old a kill may be to explain a death by SIGKILL that is noticed only now: a large process
 * takes its time to go. */
#define WD_OOM_WINDOW_US (5 * G_TIME_SPAN_SECOND)

typedef struct {
  int fd;         /* kept open; -1: the kernel doesn't tell */
  gint64 count;   /* at the last look */
  gint64 grew_us; /* monotonic: the last look that showed more; 0: none */
} WdOomKills;

/* Finds where to look, and looks. */
void wd_oom_kills_init(WdOomKills *kills);
void wd_oom_kills_clear(WdOomKills *kills);

/* Looks again; to be called regularly, so that an old kill isn't taken for a new one. */
void wd_oom_kills_look(WdOomKills *kills, gint64 now_us);

/* Looks, and tells whether there was one within the last WD_OOM_WINDOW_US. */
gboolean wd_oom_kills_recent(WdOomKills *kills, gint64 now_us);

G_END_DECLS
