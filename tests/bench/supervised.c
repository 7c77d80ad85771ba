/* What the supervision benchmark has supervised: the same program under every supervisor.
 *
 * It tells the socket "report" in the directory above its own, in a datagram of words, what happens
 * to it and when (monotonic ns): "start NAME PID NS" first of all, NAME being the directory that it
 * lies in; and, after SIGUSR2 has it grow at 1 GB/s, the first SIGUSR1 or SIGTERM, with how much it
 * has grown: "signal NAME PID NS BYTES GROWING_SINCE_NS". Then it ends.
 *
 * With -d it runs in the background, as monit wants it, its pid in the file "pid" beside it. Its
 * other arguments are osqueryd's, and ignored. */
#include <signal.h>
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

/* Adds what is due by now. Returns: how much there is then. */
static long long
grow(long long grown, long long since_ns)
{
  long long due = (now_ns() - since_ns) * BYTES_PER_NS;
  due = due > MOST_BYTES ? MOST_BYTES : due;
  const size_t length = (size_t)(due - grown) / PAGE * PAGE;
  if (length == 0)
    return grown;
  void *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED)
    return grown;
  memset(bytes, 1, length);
  return grown + (long long)length;
}

int
main(int argc, char **argv)
{
  const long long start_ns = now_ns();
  Reporter reporter = {.fd = -1};
  char text[256];
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  sigaddset(&signals, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || reporter_open(&reporter) < 0)
    return EXIT_FAILURE;
  if (argc > 1 && strcmp(argv[1], "-d") == 0 && into_background(&reporter) != 0)
    return EXIT_FAILURE;
  snprintf(text, sizeof text, "start %s %d %lld", reporter.name, (int)getpid(), start_ns);
  report(&reporter, text);

  long long since_ns = 0;
  long long grown = 0;
  long long crossed_ns = 0;
  for (;;) {
    const struct timespec step = {.tv_nsec = STEP_NS};
    const int signo = sigtimedwait(&signals, NULL, since_ns != 0 ? &step : NULL);
    if (signo == SIGUSR2 && since_ns == 0)
      since_ns = now_ns();
    if (signo == SIGUSR1 || signo == SIGTERM)
      break;
    if (since_ns != 0)
      grown = grow(grown, since_ns);
    if (crossed_ns == 0 && grown > LIMIT_BYTES)
      crossed_ns = now_ns();
  }
  snprintf(text, sizeof text, "signal %s %d %lld %lld %lld", reporter.name, (int)getpid(), now_ns(),
           grown, crossed_ns);
  report(&reporter, text);
  return EXIT_SUCCESS;
}
