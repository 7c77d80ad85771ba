/* What a process's end means for an observer: the watcher must have caused it, or the worker's end
 * did, or neither. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* How often a process is looked at that nears its last strike. A shorter interval isn't judged. */
#define WD_OBSERVE_LOOK_US (1 * G_TIME_SPAN_SECOND)

/* @process is over a limit that the watcher enforces: records that once an episode, with @flags,
 * and expects the watcher to act. */
void wd_observe_exceeded(WdMachine *machine, WdProcess *process, const WdVerdict *breach,
                         WdRecordFlags flags);

/* A child of the watcher is gone. */
void wd_observe_child_gone(WdMachine *machine, WdProcess *process, const WdExit *how);

/* The watcher is gone: closes the run. */
void wd_observe_watcher_gone(WdMachine *machine, const WdExit *how);

/* We are asked to stop: closes the run. */
void wd_observe_close(WdMachine *machine);

G_END_DECLS
