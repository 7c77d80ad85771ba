/* What the supervision benchmarks have supervised: the same program under every supervisor.
 *
 * It tells the socket "report" in the directory above its own, in a datagram "KIND NAME PID NS
 * BYTES", what happens to it and when (monotonic ns). NAME is the directory that it lies in, BYTES
 * how much it has grown. SIGUSR2 has it grow at 1 GB/s. The kinds: start, first of all; crossed,
 * the limit; signal, the first SIGUSR1 or SIGTERM while it grows, which it does on. Otherwise these
 * signals end it.
 *
 * With -d it runs in the background, as monit wants it, its pid in the file "pid" beside it. Its
 * other arguments are osqueryd's, and ignored. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BYTES_PER_NS 1 /* 1 GB/s */
#define STEP_NS 5000000
#define LIMIT_BYTES (60LL << 20)
#define PAGE 4096
/* Then it looks for signals. */
#define MOST_AT_ONCE (1 << 20)
/* Whoever lets it come so far has no limit. */
#define MOST_BYTES 4000000000

typedef struct {
  int fd;
  struct sockaddr_un address;
  char directory[sizeof((struct sockaddr_un *)NULL)->sun_path];
  const char *name; /* in directory */
} Reporter;

static long long
now_ns(void)
{
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
    abort();
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int
reporter_open(Reporter *reporter)
{
  const ssize_t n = readlink("/proc/self/exe", reporter->directory, sizeof reporter->directory - 1);
  if (n < 0)
    return -1;
  reporter->directory[n] = '\0';
  char *slash = strrchr(reporter->directory, '/');
  if (slash == NULL)
    return -1;
  *slash = '\0';
  slash = strrchr(reporter->directory, '/');
  if (slash == NULL)
    return -1;
  reporter->name = slash + 1;
  reporter->address.sun_family = AF_UNIX;
  const int length =
      snprintf(reporter->address.sun_path, sizeof reporter->address.sun_path, "%.*s/report",
               (int)(slash - reporter->directory), reporter->directory);
  if (length < 0 || (size_t)length >= sizeof reporter->address.sun_path)
    return -1;
  reporter->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return reporter->fd;
}

static void
report(const Reporter *reporter, const char *text)
{
  /* Nobody listens any more: then nobody wants to know. */
  (void)sendto(reporter->fd, text, strlen(text), MSG_NOSIGNAL,
               (const struct sockaddr *)&reporter->address, sizeof reporter->address);
}

static int
into_background(const Reporter *reporter)
{
  const pid_t pid = fork();
  if (pid < 0)
    return -1;
  if (pid == 0)
    return setsid() < 0 ? -1 : 0;
  char path[sizeof reporter->directory + sizeof "/pid"];
  const int length = snprintf(path, sizeof path, "%s/pid", reporter->directory);
  FILE *file = length > 0 ? fopen(path, "we") : NULL;
  if (file == NULL || fprintf(file, "%d\n", (int)pid) < 0 || fclose(file) != 0)
    _exit(EXIT_FAILURE);
  _exit(EXIT_SUCCESS);
}

/* Takes some of the @bytes that are due by now. Returns: how many are taken then. */
static long long
grow(char *bytes, long long grown, long long since_ns)
{
  long long due = (now_ns() - since_ns) * BYTES_PER_NS;
  due = due > MOST_BYTES ? MOST_BYTES : due;
  long long length = (due - grown) / PAGE * PAGE;
  length = length > MOST_AT_ONCE ? MOST_AT_ONCE : length;
  memset(bytes + grown, 1, (size_t)length);
  return grown + length;
}

static void
tell(const Reporter *reporter, const char *kind, long long grown)
{
  char text[256];
  snprintf(text, sizeof text, "%s %s %d %lld %lld", kind, reporter->name, (int)getpid(), now_ns(),
           grown);
  report(reporter, text);
}

/* Until SIGKILL. */
static _Noreturn void
grow_on(const Reporter *reporter, const sigset_t *signals)
{
  char *bytes = mmap(NULL, MOST_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED)
    abort();
  const long long since_ns = now_ns();
  long long grown = 0;
  bool crossed = false;
  bool signalled = false;
  for (;;) {
    const long long before = grown;
    grown = grow(bytes, grown, since_ns);
    const struct timespec step = {.tv_nsec = grown == before ? STEP_NS : 0};
    const int signo = sigtimedwait(signals, NULL, &step);
    if (!crossed && grown > LIMIT_BYTES) {
      tell(reporter, "crossed", grown);
      crossed = true;
    }
    if (!signalled && (signo == SIGUSR1 || signo == SIGTERM)) {
      tell(reporter, "signal", grown);
      signalled = true;
    }
  }
}

int
main(int argc, char **argv)
{
  Reporter reporter = {.fd = -1};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  sigaddset(&signals, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || reporter_open(&reporter) < 0)
    return EXIT_FAILURE;
  if (argc > 1 && strcmp(argv[1], "-d") == 0 && into_background(&reporter) != 0)
    return EXIT_FAILURE;
  tell(&reporter, "start", 0);

  int signo;
  if (sigwait(&signals, &signo) == 0 && signo == SIGUSR2)
    grow_on(&reporter, &signals);
  return EXIT_SUCCESS;
}
