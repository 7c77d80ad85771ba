/* The tables asked as users ask them, over real processes: a stand-in osqueryd with the extension
 * over Thrift, and ctl. For tests/bench/history.c. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct EndToEnd EndToEnd;

/* Starts both over the files in @directory, and waits until the tables answer. */
EndToEnd *end_to_end_start(const char *directory, GError **error);
void end_to_end_stop(EndToEnd *ends);

/* Returns: how many rows @sql yields, or -1. */
gint64 end_to_end_extension(EndToEnd *ends, const char *sql, GError **error);
gboolean end_to_end_ctl(EndToEnd *ends, const char *sql, GError **error);

/* CPU time that the extension has used so far, of what end_to_end_extension() takes its own part;
 * the rest is osqueryd's and the asker's, who unpack every value. */
double end_to_end_extension_cpu_us(EndToEnd *ends);

G_END_DECLS
