#include "watchdog/store/files.h"

#include <unistd.h>

void
wd_files_init(WdFiles *files, const char *path)
{
  static const char *const suffixes[WD_N_FILES] = {"", "-wal", "-shm"};
  for (gsize i = 0; i < WD_N_FILES; i++)
    files->paths[i] = g_strconcat(path, suffixes[i], NULL);
}

void
wd_files_clear(WdFiles *files)
{
  for (gsize i = 0; i < WD_N_FILES; i++)
    g_clear_pointer(&files->paths[i], g_free);
}

void
wd_files_remember(WdFiles *files)
{
  for (gsize i = 0; i < WD_N_FILES; i++)
    if (lstat(files->paths[i], &files->last[i]) < 0)
      files->last[i] = (struct stat){0}; /* the next check sees that it is another one */
}

WdFilesState
wd_files_check(const WdFiles *files)
{
  WdFilesState state = WD_FILES_SAME;
  for (gsize i = 0; i < WD_N_FILES; i++) {
    const struct stat *last = &files->last[i];
    struct stat now;
    if (lstat(files->paths[i], &now) < 0 || now.st_dev != last->st_dev ||
        now.st_ino != last->st_ino)
      return WD_FILES_MOVED;
    if (now.st_size >= last->st_size)
      continue;
    if (i == WD_FILE_SHM)
      state = truncate(files->paths[i], last->st_size) < 0 ? WD_FILES_MOVED : state;
    else
      state = WD_FILES_SHRUNK;
  }
  return state;
}
