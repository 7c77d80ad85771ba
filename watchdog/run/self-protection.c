#include "watchdog/run/self-protection.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OOM_SCORE_ADJ "/proc/self/oom_score_adj"
/* Nearly never killed. (-1000 would be never, but a watchdog that is itself at fault may be
 * killed.) If that isn't allowed, 0, which usually is. */
static const char *const OWN_SCORES[] = {"-900", "0"};

gboolean
wd_oom_score_set(const char *score)
{
  const int fd = open(OOM_SCORE_ADJ, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  const gssize written = write(fd, score, strlen(score));
  close(fd);
  return written == (gssize)strlen(score);
}

static gboolean
may_lock_memory(void)
{
  struct rlimit limit;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
    return TRUE;
  return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_IPC_LOCK)) != 0;
}

/* Lowers our score as far as we are allowed. Returns: the score then. */
static gint64
lower_score(gint64 present)
{
  for (gsize i = 0; i < G_N_ELEMENTS(OWN_SCORES); i++) {
    const gint64 lower = g_ascii_strtoll(OWN_SCORES[i], NULL, 10);
    if (lower < present && wd_oom_score_set(OWN_SCORES[i]))
      return lower;
  }
  return present;
}

/* The children are what we protect ourselves from. So they must not inherit a score that was
 * lowered for us, for example by OOMScoreAdjust=. */
static char *
childrens_score(gint64 first, gint64 own)
{
  const gint64 theirs = MAX(first, 0);
  return theirs != own ? g_strdup_printf("%" G_GINT64_FORMAT, theirs) : NULL;
}

char *
wd_self_protect(void)
{
  g_autofree char *score = NULL;
  gint64 number;
  const gboolean known =
      g_file_get_contents(OOM_SCORE_ADJ, &score, NULL, NULL) &&
      g_ascii_string_to_signed(g_strstrip(score), 10, -1000, 1000, &number, NULL);
  /* Under a limit, locking future pages would make memory requests fail instead. */
  if (may_lock_memory())
    (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  return known ? childrens_score(number, lower_score(number)) : NULL;
}
