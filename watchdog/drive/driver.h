/* Drives a machine (core/machine/machine.h) on the default main context: feeds it with time,
 * samples and the store's answers, and carries out its actions. A supervisor or an observer carries
 * out the actions that the other doesn't have: act(). */
#pragma once

#include "watchdog/core/machine/machine.h"
#include "watchdog/core/output/said.h"
#include "watchdog/look/handle.h"
#include "watchdog/record/writer.h"

G_BEGIN_DECLS

typedef struct WdDriver WdDriver;

/* What a process has written. */
typedef struct {
  WdSaid *said;      /* owned; of the queries that it executes; NULL: nothing is heard of it */
  char *last_output; /* owned; NULL: none, or not known */
} WdWords;

typedef struct {
  WdMachine *machine; /* borrowed, as is the writer */
  WdWriter *writer;
  /* The handle of the process with this index, borrowed; NULL: it can't be looked at. */
  WdHandle *(*handle)(guint process, gpointer user_data);
  /* What the process of @event, which has the index @process, has written: the one with its pid.
   * Asked only of events that need it. @words: zero; to be filled in. NULL: nothing is heard of
   * any. */
  void (*hear)(guint process, const WdEvent *event, WdWords *words, gpointer user_data);
  /* Does the caller's part of @action. The event of a RECORD is complete then, but not yet stored.
   */
  void (*act)(const WdAction *action, gpointer user_data);
  /* A TICK is due: must call wd_driver_tick(). */
  void (*tick)(gpointer user_data);
  gpointer user_data;
} WdDriverParts;

/* The first TICK is due when the main loop runs. */
WdDriver *wd_driver_new(const WdDriverParts *parts);
void wd_driver_free(WdDriver *driver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdDriver, wd_driver_free)

/* Feeds the machine with @input: at once, or, while a step's actions are being carried out, after
 * them. Until then everything that @input points to must last, except spawn_error, which is copied.
 */
void wd_driver_feed(WdDriver *driver, const WdInput *input);

/* Feeds the machine with a TICK and the samples that it wants. @missed: gets the index (guint) of
 * each process that could not be looked at; may be NULL. */
void wd_driver_tick(WdDriver *driver, GArray *missed);

G_END_DECLS
