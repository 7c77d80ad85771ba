/* Passes on what our children write to stderr, unchanged and in order, to where our own stderr
 * leads. If that is the journal, each line is an entry of its own, which says whose it is.
 *
 * It never blocks the caller. If stderr takes nothing, a bounded amount waits; further lines are
 * dropped and counted. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

typedef struct WdRelay WdRelay;
/* A process that writes. Counts its references, in any thread. */
typedef struct WdSpeaker WdSpeaker;

/* @name: as in the tables. @path: its program. */
WdSpeaker *wd_speaker_new(const char *name, WdRole role, const char *path, gint64 pid);
void wd_speaker_unref(WdSpeaker *speaker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSpeaker, wd_speaker_unref)

/* NULL with @error. */
WdRelay *wd_relay_start(GError **error);

/* Passes on what waits, until @deadline_us of the monotonic clock, and stops. */
void wd_relay_finish(WdRelay *relay, gint64 deadline_us);

/* Whether it takes single lines, without their line breaks. Otherwise it takes bytes, and keeps
 * together what comes in one call. */
gboolean wd_relay_takes_lines(const WdRelay *relay);

/* Passes on the @length bytes, copied, that @speaker wrote. */
void wd_relay_pass(WdRelay *relay, WdSpeaker *speaker, const char *bytes, gsize length);

/* Whether much more can be passed on without dropping any; waits for that until @deadline_us of the
 * monotonic clock. */
gboolean wd_relay_await_room(WdRelay *relay, gint64 deadline_us);

/* Whether lines of @speaker were dropped that wd_relay_say_dropped() hasn't logged. */
gboolean wd_relay_has_dropped(WdSpeaker *speaker);

/* Logs how many. @at_once: FALSE: only if there is room again, and not too often. To be called from
 * one thread at a time. */
void wd_relay_say_dropped(WdRelay *relay, WdSpeaker *speaker, gboolean at_once);

/* The CPU time that passing on has used. */
gint64 wd_relay_cpu_us(WdRelay *relay);

G_END_DECLS
