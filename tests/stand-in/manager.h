/* The extension manager: osquery's API over Thrift, and the watch over those who registered. */
#pragma once

#include "tests/stand-in/core-tables.h"
#include "tests/stand-in/misbehave.h"

G_BEGIN_DECLS

typedef struct StandManager StandManager;

typedef struct {
  const StandFlags *flags; /* borrowed */
  StandStatusLog *log;     /* borrowed */
  pid_t watcher;
  StandMisbehaviour *misbehaviour; /* borrowed */
} StandManagerOptions;

/* Removes stale sockets (the manager's own and all `<socket>.*`), listens, and begins to ping the
 * extensions. */
StandManager *stand_manager_new(const StandManagerOptions *options, GError **error);

/* A resource limit was hit. */
void stand_manager_limit_hit(StandManager *manager);

/* A graceful end: no new calls, each extension is told to shut down, calls being answered are
 * waited for, the sockets are removed and @manager is freed. FALSE when something still goes on at
 * @deadline_us; then @manager stays, and only the end of the process helps. */
gboolean stand_manager_stop(StandManager *manager, gint64 deadline_us);

G_END_DECLS
