#include "extension/program.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "extension/calls.h"
#include "extension/plugin.h"
#include "extension/registration.h"
#include "extension/role.h"
#include "extension/socket-wait.h"
#include "thrift/server.h"
#include "thrift/types.h"
#include "watchdog/base/source.h"
#include "watchdog/record/private-directory.h"

/* When osquery asks us to end, we send the replies first, but wait no longer than this. */
#define FLUSH_STEP_MS 10
#define FLUSH_STEPS 100

typedef struct {
  const ExtOptions *options;
  ExtRegistration registration;
  TableStore *store;
  ExtPlugin *plugin;
  ExtCalls *calls;
  ExtSocketWait *watch; /* NULL where there is no inotify */
  ExtRole *role;
  pid_t parent; /* the process that started us */
  GMainLoop *loop;
  int signals; /* a signalfd */
  guint signal_source;
  GSource *due;       /* a timer (watchdog/base/source.h) */
  guint flush_source; /* 0: osquery hasn't asked us to end */
  guint flush_steps;
  WireServer *server; /* NULL: we listen on nothing */
  gint64 server_uuid; /* of the socket that it listens on; -1: none */
  ExtEvent said;      /* the last event that was logged, so that it is not repeated */
  int exit_code;
} Program;

G_GNUC_PRINTF(1, 2) static void say(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *line = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  /* g_printerr() would change the bytes of a path. */
  fprintf(stderr, "osquery-watchdog.ext: %s\n", line);
}

/* Logs each change, but not each attempt. */
static void
say_event(Program *program, ExtEvent event, gint64 uuid, const char *text)
{
  const ExtOptions *options = program->options;
  const gboolean news = event != program->said;
  if (event != EXT_DUE && event != EXT_CORE_STARTED) /* these come between any two others */
    program->said = event;
  switch (event) {
  case EXT_REGISTERED:
    say("registered with %s as %" G_GINT64_FORMAT, options->socket, uuid);
    break;
  case EXT_LOST:
    say("osquery has dropped us: registering again");
    break;
  case EXT_SHUTDOWN:
    say("osquery shuts down");
    break;
  case EXT_DUPLICATE:
  case EXT_REFUSED:
    if (news || options->verbose)
      say("%s refuses us: %s", options->socket, text);
    break;
  case EXT_CANNOT_LISTEN:
    if (news || options->verbose)
      say("can't listen: %s", text);
    break;
  case EXT_NO_CORE:
  case EXT_NO_ANSWER:
    /* If nothing supervises us, the last line gives the reason. */
    if ((news && program->registration.supervised) || options->verbose)
      say("waiting for osquery: %s", text);
    break;
  case EXT_CONFIRMED:
    if (options->verbose)
      say("still registered as %" G_GINT64_FORMAT, program->registration.uuid);
    break;
  case EXT_CORE_STARTED:
    if (options->verbose)
      say("%s was made anew", options->socket);
    break;
  case EXT_STARTED:
  case EXT_DUE:
  case EXT_DEREGISTERED:
  case EXT_STOP:
    break;
  }
}

static void step(Program *program, ExtEvent event, gint64 uuid, const char *text);

static gboolean
on_due(gpointer user_data)
{
  Program *program = user_data;
  /* Nothing notifies us when an osqueryd watcher has ended. */
  const gboolean orphaned = program->registration.supervised && getppid() != program->parent;
  step(program, orphaned ? EXT_STOP : EXT_DUE, -1, NULL); /* sets the next time */
  return G_SOURCE_CONTINUE;
}

static void
set_server(Program *program, gint64 uuid)
{
  if (uuid == program->server_uuid)
    return;
  g_clear_pointer(&program->server, wire_server_free);
  program->server_uuid = uuid;
  if (uuid < 0)
    return;
  g_autofree char *path = g_strdup_printf("%s.%" G_GINT64_FORMAT, program->options->socket, uuid);
  g_autoptr(GError) error = NULL;
  program->server = wire_server_new(path, NULL, ext_plugin_answer, program->plugin, &error);
  if (program->server == NULL)
    step(program, EXT_CANNOT_LISTEN, -1, error->message);
}

static void
step(Program *program, ExtEvent event, gint64 uuid, const char *text)
{
  say_event(program, event, uuid, text);
  const ExtPlan plan =
      ext_registration_step(&program->registration, event, uuid, g_get_monotonic_time());
  if (plan.cancel)
    ext_calls_cancel(program->calls);
  if (plan.call != EXT_CALL_NONE)
    ext_calls_begin(program->calls, plan.call, plan.uuid,
                    ext_role_calling(program->role, plan.call, program->calls));
  g_source_set_ready_time(program->due, plan.due_us);
  if (plan.end) {
    program->exit_code = plan.exit_code;
    if (plan.exit_code != 0)
      say("no osquery for %" G_GINT64_FORMAT " s: %s",
          program->options->timeout_us / G_TIME_SPAN_SECOND, text);
    g_main_loop_quit(program->loop);
  }
  set_server(program, plan.listen_uuid); /* comes last, because it may take a step itself */
}

static void
on_watcher_gone(gpointer user_data)
{
  Program *program = user_data;
  if (program->options->starter == EXT_STARTED_BY_OSQUERY)
    step(program, EXT_STOP, -1, NULL);
}

static void
on_call_ended(const ExtCallResult *result, gpointer user_data)
{
  Program *program = user_data;
  ext_role_called(program->role, result, program->registration.uuid,
                  program->registration.state == EXT_STATE_STOPPING);
  /* A core that started us itself has no watcher: we end with it, like any extension. */
  if (program->options->starter == EXT_STARTED_BY_OSQUERY && result->event == EXT_REGISTERED &&
      result->manager_pid == program->parent)
    program->registration.supervised = FALSE;
  step(program, result->event, result->uuid, result->text);
}

static void
on_core_started(gpointer user_data)
{
  step(user_data, EXT_CORE_STARTED, -1, NULL);
}

static gboolean
on_flush(gpointer user_data)
{
  Program *program = user_data;
  if (program->server != NULL && wire_server_busy(program->server) &&
      ++program->flush_steps < FLUSH_STEPS)
    return G_SOURCE_CONTINUE;
  program->flush_source = 0;
  step(program, EXT_SHUTDOWN, -1, NULL);
  return G_SOURCE_REMOVE;
}

static void
on_shutdown(gpointer user_data)
{
  Program *program = user_data;
  if (program->flush_source != 0)
    return;
  program->flush_steps = 0;
  program->flush_source = g_timeout_add(FLUSH_STEP_MS, on_flush, program);
}

static void
on_breathe(gpointer user_data)
{
  Program *program = user_data;
  if (program->server != NULL)
    wire_server_breathe(program->server);
}

static gboolean
on_signal(gint fd, GIOCondition condition, gpointer user_data)
{
  (void)condition;
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
    step(user_data, EXT_STOP, -1, NULL);
  return G_SOURCE_CONTINUE;
}

/* Not g_unix_signal_add(), which would start a thread. Must come before any thread starts. */
static gboolean
take_signals(Program *program)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  if (sigaction(SIGPIPE, &ignore, NULL) != 0 || pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
    return FALSE;
  program->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (program->signals < 0)
    return FALSE;
  program->signal_source = g_unix_fd_add(program->signals, G_IO_IN, on_signal, program);
  return TRUE;
}

/* A directory that the watchdog couldn't claim may be another watchdog's, or anybody's. Its files
 * say nothing about our osqueryd. */
static gboolean
is_watchdogs(const char *directory, gpointer user_data)
{
  const Program *program = user_data;
  return wd_private_directory_is_claimed_by(directory, program->parent);
}

static void
program_clear(Program *program)
{
  g_clear_pointer(&program->role, ext_role_free); /* first, because it may still write */
  g_clear_pointer(&program->calls, ext_calls_free);
  g_clear_pointer(&program->server, wire_server_free);
  g_clear_pointer(&program->watch, ext_socket_wait_free);
  g_clear_pointer(&program->plugin, ext_plugin_free);
  g_clear_pointer(&program->store, table_store_free);
  g_clear_pointer(&program->due, wd_timer_free);
  g_clear_handle_id(&program->flush_source, g_source_remove);
  g_clear_handle_id(&program->signal_source, g_source_remove);
  if (program->signals >= 0)
    close(program->signals);
  g_main_loop_unref(program->loop);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, program_clear)

int
ext_program_run(const ExtOptions *options)
{
  g_auto(Program) program = {
      .options = options,
      .loop = g_main_loop_new(NULL, FALSE),
      .signals = -1,
      .parent = getppid(),
      .server_uuid = -1,
      .said = EXT_STARTED,
  };
  if (!take_signals(&program)) {
    say("can't receive signals: %s", g_strerror(errno));
    return 1;
  }
  wire_init();
  g_autoptr(GError) error = NULL;
  program.due = wd_timer_new(on_due, &program);
  program.store = table_store_new(options->state_dir, options->runtime_dir);
  table_store_set_breather(program.store, on_breathe, &program);
  if (options->report_fd != NULL)
    table_store_guard(program.store, is_watchdogs, &program);
  program.plugin = ext_plugin_new(program.store, on_shutdown, &program, &error);
  if (program.plugin == NULL) {
    say("%s", error->message);
    return 1;
  }
  guint n_tables;
  const WireTable *tables = ext_plugin_tables(program.plugin, &n_tables);
  program.calls = ext_calls_new(options->socket, tables, n_tables, on_call_ended, &program);
  program.watch = ext_socket_wait_new(options->socket, on_core_started, &program, &error);
  if (program.watch == NULL && options->verbose)
    say("%s", error->message);
  program.role = ext_role_new(options, program.store, on_watcher_gone, &program);
  ext_registration_init(&program.registration, options->starter != EXT_STARTED_BY_HAND,
                        options->timeout_us, options->interval_us);
  step(&program, EXT_STARTED, -1, NULL);
  g_main_loop_run(program.loop);
  return program.exit_code;
}
