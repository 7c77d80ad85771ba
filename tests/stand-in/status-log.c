#include "tests/stand-in/status-log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glog's LogMessage::kMaxLogMessageLen: of the prefix and the text; the newline is extra. */
#define ENTRY_BYTES_MAX 30000
#define SEVERITIES 3

static const char *const NAMES[SEVERITIES] = {"INFO", "WARNING", "ERROR"};

struct StandStatusLog {
  char *directory; /* NULL: no files */
  StandSeverity least, least_on_stderr;
  gboolean on_stderr;
  GMutex lock;
  int fds[SEVERITIES]; /* -1: not made yet */
};

static StandSeverity
severity_of(const StandFlags *flags, const char *name)
{
  return (StandSeverity)CLAMP(stand_flags_number(flags, name), 0, SEVERITIES);
}

/* Where no file can be written, everything goes to stderr whatever the flags about stderr say. */
StandStatusLog *
stand_status_log_new(const StandFlags *flags)
{
  StandStatusLog *log = g_new0(StandStatusLog, 1);
  g_mutex_init(&log->lock);
  for (guint i = 0; i < SEVERITIES; i++)
    log->fds[i] = -1;
  log->on_stderr = TRUE;
  const gboolean verbose = stand_flags_bool(flags, "verbose");
  log->least = verbose ? STAND_SEVERITY_INFO : severity_of(flags, "logger_min_status");
  const char *directory = stand_flags_text(flags, "logger_path");
  g_auto(GStrv) plugins = g_strsplit(stand_flags_text(flags, "logger_plugin"), ",", -1);
  if (stand_flags_is_set(flags, "logger_path") &&
      g_strv_contains((const char *const *)plugins, "filesystem") && access(directory, W_OK) == 0) {
    log->directory = g_strdup(directory);
    log->on_stderr = stand_flags_bool(flags, "logger_stderr");
    log->least_on_stderr = verbose ? STAND_SEVERITY_INFO : severity_of(flags, "logger_min_stderr");
  }
  return log;
}

void
stand_status_log_free(StandStatusLog *log)
{
  if (log == NULL)
    return;
  for (guint i = 0; i < SEVERITIES; i++)
    if (log->fds[i] >= 0)
      (void)close(log->fds[i]);
  g_mutex_clear(&log->lock);
  g_free(log->directory);
  g_free(log);
}

char *
stand_status_line(StandSeverity severity, gint64 time_us, pid_t thread, const char *where,
                  const char *text)
{
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
  g_autoptr(GDateTime) local = g_date_time_to_local(utc);
  g_autofree char *time = g_date_time_format(local, "%m%d %H:%M:%S");
  g_autoptr(GString) line = g_string_new(NULL);
  g_string_printf(line, "%c%s.%06d %5d %s] %s", NAMES[severity][0], time,
                  (int)(time_us % G_USEC_PER_SEC), (int)thread, where, text);
  g_string_truncate(line, MIN(line->len, ENTRY_BYTES_MAX));
  g_string_append_c(line, '\n');
  return g_strdup(line->str);
}

/* A log that can't be written, or a stderr that nobody reads any more, is no concern of osqueryd.
 */
static void
write_all(int fd, const char *text)
{
  gsize left = strlen(text);
  while (left > 0) {
    const ssize_t n = write(fd, text, left);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    text += n;
    left -= (gsize)n;
  }
}

static void
write_header(int fd)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local();
  g_autofree char *time = g_date_time_format(now, "%Y/%m/%d %H:%M:%S");
  g_autofree char *header =
      g_strdup_printf("Log file created at: %s\nRunning on machine: %s\n"
                      "Running duration (h:mm:ss): 0:00:00\n"
                      "Log line format: [IWEF]yyyymmdd hh:mm:ss.uuuuuu threadid file:line] msg\n",
                      time, g_get_host_name());
  write_all(fd, header);
}

static void
open_file(StandStatusLog *log, guint severity)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local();
  g_autofree char *time = g_date_time_format(now, "%Y%m%d-%H%M%S");
  g_autofree char *base =
      g_strdup_printf("osqueryd.%s.%s.%d", NAMES[severity], time, (int)getpid());
  g_autofree char *path = g_build_filename(log->directory, base, NULL);
  log->fds[severity] = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0664);
  if (log->fds[severity] < 0)
    return;
  g_autofree char *link_name = g_strconcat("osqueryd.", NAMES[severity], NULL);
  g_autofree char *link_path = g_build_filename(log->directory, link_name, NULL);
  (void)g_unlink(link_path); /* there may be none */
  if (symlink(base, link_path) != 0)
    g_warn_if_reached();
  write_header(log->fds[severity]);
}

/* As glog: each file has what is as bad as its name says, or worse. */
static void
write_files(StandStatusLog *log, StandSeverity severity, const char *line)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&log->lock);
  for (guint i = 0; i <= severity; i++) {
    if (log->fds[i] < 0)
      open_file(log, i);
    if (log->fds[i] >= 0)
      write_all(log->fds[i], line);
  }
}

void
stand_status_log(StandStatusLog *log, StandSeverity severity, const char *where, const char *format,
                 ...)
{
  if (severity < log->least)
    return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *line =
      stand_status_line(severity, g_get_real_time(), (pid_t)syscall(SYS_gettid), where, text);
  if (log->directory != NULL)
    write_files(log, severity, line);
  if (log->on_stderr && severity >= log->least_on_stderr)
    write_all(STDERR_FILENO, line);
}
