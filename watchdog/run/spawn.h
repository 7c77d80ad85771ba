/* Starts a program in two steps. First a fork, which waits, so that its pid can be recorded before
 * the program runs; then the exec.
 *
 * The child has its own process group, default signal dispositions, an empty signal mask, and its
 * death signal. It has no descriptors but stdin (/dev/null), our stdout, stderr and the inherited
 * one. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  char *path; /* executed as it stands: no search */
  char **argv;
  char **environment;       /* "NAME=VALUE", NULL-terminated */
  const char *pid_variable; /* a variable that the child sets to its own pid */
  int death_signal;         /* sent by the kernel when we die */
  int niceness;
  const char *oom_score_adj; /* what the child sets its own to; NULL: as ours */
  const char *fd_variable;   /* a variable with the number of inherited_fd; NULL: there is none */
  int inherited_fd;          /* open in the child; close-on-exec here */
  int stderr_fd;             /* becomes the child's stderr; -1: it has ours */
} WdProgram;

typedef struct {
  pid_t pid;
  int control_fd; /* ours to close; readable once the exec has succeeded or failed */
} WdSpawn;

/* Forks. The child waits for wd_spawn_go(), or exits when control_fd is closed. To be called from
 * the main thread only, because the death signal belongs to the thread. */
gboolean wd_spawn(const WdProgram *program, WdSpawn *spawn, GError **error);

/* Lets the child execute the program. */
gboolean wd_spawn_go(const WdSpawn *spawn, GError **error);

typedef enum {
  WD_EXEC_PENDING,
  WD_EXEC_DONE,
  WD_EXEC_FAILED, /* @error_number is set to the errno; the child exits by itself */
} WdExecState;

/* Never blocks. */
WdExecState wd_spawn_poll(const WdSpawn *spawn, int *error_number);

G_END_DECLS
