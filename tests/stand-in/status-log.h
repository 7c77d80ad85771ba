/* osqueryd's status log, as glog writes it: on stderr, and with --logger_path in files there
 * (osquery/logger/logger.cpp, plugins/logger/filesystem_logger.cpp). Usable from any thread. */
#pragma once

#include <sys/types.h>

#include "tests/stand-in/flags.h"

G_BEGIN_DECLS

typedef enum {
  STAND_SEVERITY_INFO,
  STAND_SEVERITY_WARNING,
  STAND_SEVERITY_ERROR,
} StandSeverity;

typedef struct StandStatusLog StandStatusLog;

/* The files are osqueryd.INFO.YYYYMMDD-HHMMSS.PID, and so on for WARNING and ERROR, with a link
 * osqueryd.INFO to the newest; each is made for its first line. Only for a directory that was
 * named: the default is the system's. */
StandStatusLog *stand_status_log_new(const StandFlags *flags);
/* NULL is allowed. */
void stand_status_log_free(StandStatusLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandStatusLog, stand_status_log_free)

/* @where: osquery's file and line. */
void stand_status_log(StandStatusLog *log, StandSeverity severity, const char *where,
                      const char *format, ...) G_GNUC_PRINTF(4, 5);

/* One entry with its newline, as long as glog lets it be: what is too long loses its end.
 * @time_us: Unix time, shown in local time. Newly allocated. */
char *stand_status_line(StandSeverity severity, gint64 time_us, pid_t thread, const char *where,
                        const char *text);

G_END_DECLS
