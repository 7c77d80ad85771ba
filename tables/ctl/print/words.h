/* Translates the words of watchdog_events into our enums, and events into plain words. Pure. */
#pragma once

#include "tables/ctl/print/terminal.h"
#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* Each returns FALSE for a word that this version doesn't know, NULL among them. */
gboolean ctl_word_event(const char *word, WdEventKind *kind);
gboolean ctl_word_role(const char *word, WdRole *role);
gboolean ctl_word_reason(const char *word, WdReason *reason);
gboolean ctl_word_origin(const char *word, WdOrigin *origin);

/* What happened to a process, as "over its memory limit", "exited with status 3". @exit_code,
 * @exit_signal: WD_NONE if absent. Newly allocated. */
char *ctl_words_of_event(WdEventKind kind, WdReason reason, gint64 exit_code, gint64 exit_signal);

/* "the scheduled query NAME", "a distributed query". @name: NULL: not known.
 * Newly allocated; NULL when nothing is known. */
char *ctl_words_of_query(WdOrigin origin, const char *name);

/* "SIGKILL", or "signal 40" where it has no name. Newly allocated. */
char *ctl_signal_name(gint64 number);

/* The colour follows from the event's priority in the log. */
CtlColour ctl_colour_of_event(WdEventKind kind);

G_END_DECLS
