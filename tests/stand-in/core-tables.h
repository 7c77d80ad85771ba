/* The tables that osqueryd itself has, as far as a watchdog and its tests look at them:
 * osquery_info, osquery_extensions, osquery_flags, osquery_schedule, with osquery's columns. */
#pragma once

#include <sys/types.h>

#include "tests/stand-in/flags.h"
#include "tests/stand-in/registry.h"
#include "tests/stand-in/schedule.h"

G_BEGIN_DECLS

#define STAND_VERSION "5.23.0-standin"
#define STAND_SDK_VERSION "5.23.0"

typedef struct {
  pid_t watcher; /* the parent at the start */
  gint64 start_time_s;
  const char *instance_id;
  const char *socket;
  const StandFlags *flags;
  StandRegistry *registry;
  StandSchedule *schedule;
} StandCore;

/* Of StandTable. */
GPtrArray *stand_core_tables(void);

/* The rows of the core's table @name, of GHashTable (text to text). */
GPtrArray *stand_core_rows(const StandCore *core, const char *name);

/* Where the extension of @uuid listens; the manager itself with 0. Newly allocated. */
char *stand_extension_socket(const char *socket, gint64 uuid);

G_END_DECLS
