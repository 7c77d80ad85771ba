/* Counts the kernel's out-of-memory kills: in the control group of this process and its children if
 * memory is limited there, else on the whole host. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A kill up to this old may explain a death by SIGKILL that is noticed now, because a large process
 * takes a while to exit. */
#define WD_OOM_WINDOW_US (5 * G_TIME_SPAN_SECOND)

typedef struct {
  int fd;         /* kept open; -1: the kernel has no count */
  gint64 count;   /* when it was last read */
  gint64 grew_us; /* monotonic: when it was last seen to grow; 0: never */
} WdOomKills;

/* Finds the file with the count, and reads it. */
void wd_oom_kills_init(WdOomKills *kills);
void wd_oom_kills_clear(WdOomKills *kills);

/* Reads the count again. Call it regularly, so that an old kill isn't mistaken for a new one. */
void wd_oom_kills_look(WdOomKills *kills, gint64 now_us);

/* Reads the count. Returns: whether there was a kill within the last WD_OOM_WINDOW_US. */
gboolean wd_oom_kills_recent(WdOomKills *kills, gint64 now_us);

G_END_DECLS
