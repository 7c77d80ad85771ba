/* What one process writes to stderr, which is a pipe of ours: its last lines, the queries that it
 * says it executes, and the way on to our own stderr.
 *
 * Lines are passed on at once, whole and unchanged; a line whose end doesn't come, after a second.
 * Any thread may use an output, which counts its references. */
#pragma once

#include "watchdog/core/output/said.h"
#include "watchdog/record/relay.h"

G_BEGIN_DECLS

typedef struct WdOutput WdOutput;

/* Opens the pipe. @relay: borrowed. @wake_fd: borrowed; the eventfd of whoever listens, who is to
 * call wd_output_care() then. @says_queries: it is a worker. @child_fd: set to what is to
 * become the process's stderr, the caller's to close. The process can read it, too, and so won't
 * get a SIGPIPE when we are gone before it. NULL with @error. */
WdOutput *wd_output_open(WdRelay *relay, int wake_fd, gboolean says_queries, int *child_fd,
                         GError **error);

/* The process exists now. @speaker: taken. To be called once, before the functions below. */
void wd_output_begin(WdOutput *output, WdSpeaker *speaker, gint64 pid);

WdOutput *wd_output_ref(WdOutput *output);
void wd_output_unref(WdOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdOutput, wd_output_unref)

/* --- for whoever listens --- */

/* To be polled; -1: nothing comes any more. */
int wd_output_fd(WdOutput *output);

/* Reads some of what is there. Never blocks. */
void wd_output_read(WdOutput *output);

/* Reads and passes on what is there, as much as a pipe holds at most, and a line without its end,
 * too. */
void wd_output_finish(WdOutput *output);

/* Passes on a line whose end hasn't come for long, logs what couldn't be passed on, and looks
 * whether the threads that said which query they execute have nothing to do any more. Returns: when
 * to call it again, monotonic; G_MAXINT64: not before the next wd_output_read(). */
gint64 wd_output_care(WdOutput *output, gint64 now_us);

/* The process has ended. Others may still hold the pipe. */
gboolean wd_output_has_ended(WdOutput *output);

/* --- for whoever holds the process --- */

/* What it has said so far, newly allocated; NULL: nothing, or it isn't a worker. */
WdSaid *wd_output_said(WdOutput *output);

/* The process has ended: reads what it wrote last. @said: set as above. @last_output: set to its
 * last lines, newly allocated; NULL: there are none. */
void wd_output_end(WdOutput *output, WdSaid **said, char **last_output);

G_END_DECLS
