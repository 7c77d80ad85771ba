#include "tests/stand-in/misbehave.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

G_DEFINE_QUARK(stand - misbehave - error, stand_misbehave_error)

#define MEBIBYTE (1024.0 * 1024.0)
#define GROW_STEP_US 5000
/* A query that takes memory works for it. */
#define GROW_WORK_S 0.003
#define FLOOD_STEP_US 5000
#define FLOOD_WRITE_BYTES (64 * 1024)
#define SAY "say:"
/* What the C++ runtime says on std::terminate(). */
#define LAST_WORDS \
  "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n"

typedef struct {
  const char *name;
  StandMode mode;
  guint least, most; /* how many arguments; for a text, none */
  double limits[2];  /* the greatest value of each */
  const char *help;
} ModeRow;

static const ModeRow MODES[] = {
    {"spin", STAND_MODE_SPIN, 1, 1, {64, 0}, "spin:N          N threads use a CPU each"},
    {"grow",
     STAND_MODE_GROW,
     1,
     2,
     {1e6, 1e7},
     "grow:R[:MAX]    resident memory grows by R MB/s, up to MAX MB"},
    {"burn",
     STAND_MODE_BURN,
     1,
     1,
     {1e6, 0},
     "burn:S          uses S seconds of CPU in this thread"},
    {"grow-here",
     STAND_MODE_GROW_HERE,
     2,
     2,
     {1e6, 1e7},
     "grow-here:R:MAX grows in this thread, and is over at MAX MB"},
    {"ignore-term",
     STAND_MODE_IGNORE_TERM,
     0,
     0,
     {0, 0},
     "ignore-term     SIGTERM, SIGINT and SIGUSR1 have no effect"},
    {"exit", STAND_MODE_EXIT, 1, 2, {255, 1e6}, "exit:N[:S]      exits with N, after S seconds"},
    {"crash", STAND_MODE_CRASH, 0, 1, {1e6, 0}, "crash[:S]       dies of SIGSEGV, after S seconds"},
    {"abort",
     STAND_MODE_ABORT,
     0,
     1,
     {1e6, 0},
     "abort[:S]       dies of SIGABRT with last words, after S seconds"},
    {"hang",
     STAND_MODE_HANG,
     0,
     0,
     {0, 0},
     "hang            accepts connections and never answers"},
    {"slow-socket",
     STAND_MODE_SLOW_SOCKET,
     1,
     1,
     {1e6, 0},
     "slow-socket:S   opens its socket S seconds late (at the start only)"},
    {"sleep",
     STAND_MODE_SLEEP,
     1,
     1,
     {1e6, 0},
     "sleep:S         takes S seconds without using CPU (in a query: the query does)"},
    {"say",
     STAND_MODE_SAY,
     0,
     0,
     {0, 0},
     "say:TEXT        writes a line to stderr; %2C is a comma"},
    {"flood",
     STAND_MODE_FLOOD,
     2,
     2,
     {1e6, 1e6},
     "flood:R:S       writes R MB/s of lines to stderr, for S seconds"},
};

char *
stand_misbehave_help(void)
{
  GString *help = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(MODES); i++)
    g_string_append_printf(help, "  %s\n", MODES[i].help);
  return g_string_free(help, FALSE);
}

static const ModeRow *
find_mode(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(MODES); i++)
    if (strcmp(MODES[i].name, name) == 0)
      return &MODES[i];
  return NULL;
}

static gboolean
parse_number(const char *text, double most, double *value)
{
  char *end = NULL;
  *value = g_ascii_strtod(text, &end);
  return g_ascii_isdigit(*text) && *end == '\0' && *value <= most;
}

static gboolean
parse_request(const char *text, StandRequest *request)
{
  if (g_str_has_prefix(text, SAY)) {
    *request = (StandRequest){.mode = STAND_MODE_SAY};
    request->text = g_uri_unescape_string(text + strlen(SAY), NULL);
    return request->text != NULL;
  }
  g_auto(GStrv) words = g_strsplit(text, ":", -1);
  guint n = g_strv_length(words);
  if (n == 0)
    return FALSE;
  const ModeRow *row = find_mode(words[0]);
  if (row == NULL || row->mode == STAND_MODE_SAY || n - 1 < row->least || n - 1 > row->most)
    return FALSE;
  *request = (StandRequest){.mode = row->mode};
  for (guint i = 0; i + 1 < n; i++)
    if (!parse_number(words[i + 1], row->limits[i], &request->arguments[i]))
      return FALSE;
  return TRUE;
}

static void
clear_request(gpointer data)
{
  g_free(((StandRequest *)data)->text);
}

GArray *
stand_misbehave_parse(const char *text, GError **error)
{
  g_autoptr(GArray) requests = g_array_new(FALSE, FALSE, sizeof(StandRequest));
  g_array_set_clear_func(requests, clear_request);
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  for (char **part = parts; *part != NULL; part++) {
    StandRequest request;
    if (!parse_request(*part, &request)) {
      g_set_error(error, STAND_MISBEHAVE_ERROR, 0, "cannot misbehave as '%s'", *part);
      return NULL;
    }
    g_array_append_val(requests, request);
  }
  return g_steal_pointer(&requests);
}

static void
sleep_s(double seconds)
{
  g_usleep((gulong)(seconds * G_USEC_PER_SEC));
}

static gpointer
spin(G_GNUC_UNUSED gpointer data)
{
  for (volatile guint turns = 0;; turns++)
    ;
  return NULL;
}

static double
thread_cpu_s(void)
{
  struct timespec used;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0)
    g_error("no CPU time");
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* On a busy machine, it takes as much longer. */
static void
burn_s(double seconds)
{
  const double end_s = thread_cpu_s() + seconds;
  while (thread_cpu_s() < end_s)
    ;
}

/* To the descriptor: past stdio, as what dies in the middle must have been written. */
static void
write_stderr(const char *text, gsize length)
{
  while (length > 0) {
    const ssize_t n = write(STDERR_FILENO, text, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return; /* nobody reads it */
    text += n;
    length -= (gsize)n;
  }
}

static void
say(const char *text)
{
  g_autofree char *line = g_strconcat(text, "\n", NULL);
  write_stderr(line, strlen(line));
}

/* Numbered lines, as many as are due. Who reads slowly slows it down. */
static void
flood(const StandRequest *request)
{
  const double rate = request->arguments[0] * MEBIBYTE;
  const gint64 start_us = g_get_monotonic_time();
  const gint64 length_us = (gint64)(request->arguments[1] * G_USEC_PER_SEC);
  double done = 0;
  g_autoptr(GString) lines = g_string_new(NULL);
  for (guint64 line = 0;;) {
    const gint64 passed_us = MIN(g_get_monotonic_time() - start_us, length_us);
    const double due = rate * (double)passed_us / G_USEC_PER_SEC;
    g_string_truncate(lines, 0);
    while (done + (double)lines->len < due && lines->len < FLOOD_WRITE_BYTES)
      g_string_append_printf(lines, "flood: line %" G_GUINT64_FORMAT " of a great many\n", line++);
    write_stderr(lines->str, lines->len);
    done += (double)lines->len;
    if (passed_us >= length_us)
      return;
    if (done >= due)
      g_usleep(FLOOD_STEP_US);
  }
}

/* Bytes appear as time passes, a few milliseconds' worth at once, so that whoever measures sees a
 * slope and not steps. They are never given back. */
static gpointer
grow(gpointer data)
{
  g_autofree StandRequest *request = data;
  double rate = request->arguments[0] * MEBIBYTE, most = request->arguments[1] * MEBIBYTE;
  gsize page = (gsize)sysconf(_SC_PAGESIZE), done = 0;
  gint64 start = g_get_monotonic_time();
  for (;;) {
    double due = rate * (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
    gboolean last = most > 0 && due >= most;
    gsize length = ((gsize)(last ? most : due) - done) / page * page;
    if (length > 0) {
      void *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (bytes == MAP_FAILED)
        return NULL;
      memset(bytes, 1, length);
      done += length;
    }
    if (last)
      return NULL;
    if (request->mode == STAND_MODE_GROW_HERE)
      burn_s(GROW_WORK_S);
    g_usleep(GROW_STEP_US);
  }
}

static double
end_delay_s(const StandRequest *request)
{
  return request->arguments[request->mode == STAND_MODE_EXIT ? 1 : 0];
}

/* Unclean on purpose: nothing is flushed, nothing unlinked, nobody told. */
static gpointer
end(gpointer data)
{
  g_autofree StandRequest *request = data;
  sleep_s(end_delay_s(request));
  if (request->mode == STAND_MODE_EXIT)
    _exit((int)request->arguments[0]);
  const int number = request->mode == STAND_MODE_ABORT ? SIGABRT : SIGSEGV;
  if (number == SIGABRT)
    write_stderr(LAST_WORDS, strlen(LAST_WORDS));
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || signal(number, SIG_DFL) == SIG_ERR ||
      raise(number) != 0)
    abort();
  return NULL;
}

static void
in_thread(GThreadFunc function, const StandRequest *request)
{
  g_thread_unref(g_thread_new("misbehave", function, g_memdup2(request, sizeof *request)));
}

static void
begin(StandMisbehaviour *misbehaviour, const StandRequest *request)
{
  switch (request->mode) {
  case STAND_MODE_SPIN:
    for (int i = 0; i < (int)request->arguments[0]; i++)
      g_thread_unref(g_thread_new("spin", spin, NULL));
    break;
  case STAND_MODE_GROW:
    in_thread(grow, request);
    break;
  case STAND_MODE_BURN:
    burn_s(request->arguments[0]);
    break;
  case STAND_MODE_GROW_HERE:
    (void)grow(g_memdup2(request, sizeof *request));
    break;
  case STAND_MODE_IGNORE_TERM:
    g_atomic_int_set(&misbehaviour->ignore_term, TRUE);
    break;
  case STAND_MODE_EXIT:
  case STAND_MODE_CRASH:
  case STAND_MODE_ABORT:
    if (end_delay_s(request) > 0)
      in_thread(end, request);
    else
      end(g_memdup2(request, sizeof *request));
    break;
  case STAND_MODE_HANG:
    g_atomic_int_set(&misbehaviour->hang, TRUE);
    break;
  case STAND_MODE_SLOW_SOCKET:
    g_atomic_int_set(&misbehaviour->slow_socket_ms, (gint)(request->arguments[0] * 1000));
    break;
  case STAND_MODE_SLEEP:
    sleep_s(request->arguments[0]);
    break;
  case STAND_MODE_SAY:
    say(request->text);
    break;
  case STAND_MODE_FLOOD:
    flood(request);
    break;
  }
}

gboolean
stand_misbehave(StandMisbehaviour *misbehaviour, const char *text, GError **error)
{
  g_autoptr(GArray) requests = stand_misbehave_parse(text, error);
  if (requests == NULL)
    return FALSE;
  for (guint i = 0; i < requests->len; i++)
    begin(misbehaviour, &g_array_index(requests, StandRequest, i));
  return TRUE;
}
