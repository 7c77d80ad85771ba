/* Notices what others do to an open database: its files replaced, removed or cut short. SQLite goes
 * on writing into a file that has no name any more, and into the holes of one that was truncated.
 * Used inside the store only. */
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
  WD_FILES_SHRUNK, /* by somebody else, who may have had a right to */
  WD_FILES_MOVED,  /* one of them is gone, or another file by now */
} WdFilesState;

void wd_files_init(WdFiles *files, const char *path);
void wd_files_clear(WdFiles *files);

/* Takes them as they are now: after opening, and after each own change. */
void wd_files_remember(WdFiles *files);

/* Before each use. A -shm that was cut short is made as long as it was: SQLite has mapped it, and
 * touching a page beyond its end would end the process; out of zeros it builds it anew. */
WdFilesState wd_files_check(const WdFiles *files);

G_END_DECLS
