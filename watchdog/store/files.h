/* Notices when others replace, remove or truncate an open database's files. SQLite goes on writing
 * into a file that has no name any more, and into the holes of a truncated one. Used inside the
 * store only. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

enum { WD_FILE_DATABASE, WD_FILE_WAL, WD_FILE_SHM, WD_N_FILES };

typedef struct {
  char *paths[WD_N_FILES];
  struct stat last[WD_N_FILES]; /* as they were at the last wd_files_remember() */
} WdFiles;

typedef enum {
  WD_FILES_SAME,
  WD_FILES_SHRUNK, /* by another process, maybe rightly */
  WD_FILES_MOVED,  /* one of them is gone or is another file */
} WdFilesState;

void wd_files_init(WdFiles *files, const char *path);
void wd_files_clear(WdFiles *files);

/* Takes note of the files, after opening and after each own change. */
void wd_files_remember(WdFiles *files);

/* Compares the files, before each use. A -shm that was cut short gets its length back, because
 * SQLite has mapped it, and touching a page beyond its end would end the process. SQLite builds it
 * anew out of zeros. */
WdFilesState wd_files_check(const WdFiles *files);

G_END_DECLS
