/* The observing machine, as the simulation uses it: all calls of it are here, and nothing of its
 * state is known elsewhere. */
#pragma once

#include "watchdog/core/machine/observe.h"

typedef struct ObsMachine ObsMachine;

/* @report_interval_s: how often a report is due. Free with obs_machine_free(). */
ObsMachine *obs_machine_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us);
void obs_machine_free(ObsMachine *machine);

/* --- inputs --- */

void obs_machine_found(ObsMachine *machine, const WdFound *child, gint64 now_us);

/* @pid: of anybody, also of a process that the machine was never told of. @how: NULL: not known. */
void obs_machine_gone(ObsMachine *machine, gint64 pid, const WdExit *how, gint64 now_us);

/* Any other input. */
void obs_machine_step(ObsMachine *machine, const WdInput *input, gint64 now_us);

/* --- what it wants --- */

/* When a tick is due; G_MAXINT64: never. */
gint64 obs_machine_deadline(const ObsMachine *machine);
gboolean obs_machine_wants_sample(const ObsMachine *machine, guint index, gint64 now_us);
guint obs_machine_count(const ObsMachine *machine);

/* WD_NONE: it doesn't run. */
gint64 obs_machine_pid(const ObsMachine *machine, guint index);

/* --- what it says --- */

/* Since the last time: an array of WdAction. Free with g_array_unref(). */
GArray *obs_machine_take_actions(ObsMachine *machine);

/* The rows of watchdog_processes, by index: an array that owns its WdProcessStatus. */
GPtrArray *obs_machine_status(const ObsMachine *machine, gint64 now_us);

/* details.basis of @event. NULL: it has none. Static. */
const char *obs_machine_basis(const WdEvent *event);
