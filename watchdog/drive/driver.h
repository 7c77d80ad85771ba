/* Drives a machine (core/machine/machine.h) on the default main context: feeds it with time, with
 * samples and with what the store says back, and carries out what it decides. What only a
 * supervisor or only an observer does is theirs: act(). */
#pragma once

#include "watchdog/core/machine/machine.h"
#include "watchdog/look/handle.h"
#include "watchdog/record/writer.h"

G_BEGIN_DECLS

typedef struct WdDriver WdDriver;

typedef struct {
  WdMachine *machine; /* borrowed, as is the writer */
  WdWriter *writer;
  /* What is held of the process with this index while it lives; NULL: it can't be looked at. */
  WdHandle *(*handle)(guint process, gpointer user_data);
  /* Does the rest of @action. What RECORD records is complete then, and not yet stored. */
  void (*act)(const WdAction *action, gpointer user_data);
  /* The machine wants to know that time has passed: calls wd_driver_tick(). */
  void (*tick)(gpointer user_data);
  gpointer user_data;
} WdDriverParts;

/* The first tick is due when the main loop runs. */
WdDriver *wd_driver_new(const WdDriverParts *parts);
void wd_driver_free(WdDriver *driver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdDriver, wd_driver_free)

/* Feeds the machine with @input, at once, or after the step whose actions are being carried out;
 * then what @input points to must last so long, but for spawn_error, which is copied. */
void wd_driver_feed(WdDriver *driver, const WdInput *input);

/* Feeds the machine with the samples that it wants. @missed: gets the index (guint) of each process
 * that could not be looked at; or NULL. */
void wd_driver_tick(WdDriver *driver, GArray *missed);

G_END_DECLS
