#include "watchdog/look/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"

/* Both files are far shorter; a longer one isn't what we take it for. */
#define PROC_TEXT_MAX 4096

static gssize
read_text(int fd, char *text, gsize size)
{
  gssize n;
  do
    n = pread(fd, text, size, 0);
  while (n < 0 && errno == EINTR);
  return n;
}

gboolean
wd_proc_reader_open(WdProcReader *reader, gint64 pid, GError **error)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return wd_errno_error(error, path);
  *reader = (WdProcReader){.pid = pid, .stat_fd = fd};
  return TRUE;
}

void
wd_proc_reader_close(WdProcReader *reader)
{
  if (reader->stat_fd >= 0)
    close(reader->stat_fd);
  *reader = WD_PROC_READER_NONE;
}

static gboolean
read_stat(int fd, WdProcStat *stat)
{
  char text[PROC_TEXT_MAX];
  const gssize n = read_text(fd, text, sizeof text);
  return n > 0 && wd_proc_stat_parse(text, (gsize)n, stat);
}

gboolean
wd_procfs_read_stat(const char *path, WdProcStat *stat)
{
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  const gboolean understood = read_stat(fd, stat);
  close(fd);
  return understood;
}

gboolean
wd_procfs_read_memory(gint64 pid, WdProcMemory *memory)
{
  char text[PROC_TEXT_MAX];
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/status", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  const gssize n = read_text(fd, text, sizeof text);
  close(fd);
  return n > 0 && wd_proc_memory_parse(text, (gsize)n, memory);
}

/* RssAnon + VmSwap. The file is opened anew, but only believed when the process bound by the stat
 * file is still there afterwards. */
static gint64
read_private_bytes(const WdProcReader *reader)
{
  WdProcMemory memory;
  WdProcStat stat;
  if (!wd_procfs_read_memory(reader->pid, &memory) || !read_stat(reader->stat_fd, &stat) ||
      memory.anon_bytes == WD_NONE)
    return WD_NONE;
  return memory.anon_bytes + (memory.swap_bytes == WD_NONE ? 0 : memory.swap_bytes);
}

gint64
wd_procfs_ticks_to_ms(gint64 ticks)
{
  const gint64 per_second = sysconf(_SC_CLK_TCK);
  return ticks / per_second * 1000 + ticks % per_second * 1000 / per_second;
}

gboolean
wd_proc_reader_sample(const WdProcReader *reader, gboolean with_private, WdSample *sample)
{
  WdProcStat stat;
  if (!read_stat(reader->stat_fd, &stat))
    return FALSE;
  *sample = (WdSample){
      .user_ms = wd_procfs_ticks_to_ms(stat.user_ticks),
      .system_ms = wd_procfs_ticks_to_ms(stat.system_ticks),
      .resident_bytes = stat.resident_pages * sysconf(_SC_PAGESIZE),
      .private_bytes = with_private ? read_private_bytes(reader) : WD_NONE,
      .threads = stat.threads,
      .ppid = stat.ppid,
  };
  return TRUE;
}

gint64
wd_proc_reader_start_ticks(const WdProcReader *reader)
{
  WdProcStat stat;
  return read_stat(reader->stat_fd, &stat) ? stat.start_ticks : -1;
}

gboolean
wd_proc_reader_lives(const WdProcReader *reader)
{
  WdProcStat stat;
  return read_stat(reader->stat_fd, &stat) && stat.state != 'Z' && stat.state != 'X';
}

char *
wd_procfs_boot_id(void)
{
  char *text = NULL;
  if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup("");
  return g_strstrip(text);
}
