/* Follows the log file that an osqueryd writes itself: DIRECTORY/osqueryd.INFO, a link to a file
 * whose name ends in the pid of the process that writes it. Both come from glog
 * (LogFileObject::Write), which osquery's filesystem logger uses without a buffer
 * (plugins/logger/filesystem_logger.cpp; osquery/logger/logger.cpp, initStatusLogger). Each
 * function may hang with the file system. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What one look takes at most. If there is more, it goes on near the end. */
#define EXT_LOG_FILE_LOOK_BYTES (1 << 20)
/* Where the first look begins: so many bytes before the end. */
#define EXT_LOG_FILE_TAIL_BYTES (64 << 10)

typedef struct ExtLogFile ExtLogFile;

/* Of the process @pid, which started at @started_us by the monotonic clock. */
ExtLogFile *ext_log_file_new(gint64 pid, gint64 started_us);
void ext_log_file_free(ExtLogFile *file); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtLogFile, ext_log_file_free)

/* Appends to @bytes what the process has written since the last look. A file that isn't regular,
 * isn't the process's, or isn't owned by root or by us, doesn't count. One that was renamed or
 * removed is followed until the process has begun another. @lost: set to TRUE if something is
 * missing before @bytes, which then begin with a line. Returns: FALSE if there is no such file
 * (yet). */
gboolean ext_log_file_look(ExtLogFile *file, const char *directory, GByteArray *bytes,
                           gboolean *lost);

G_END_DECLS
