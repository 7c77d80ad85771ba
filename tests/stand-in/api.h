/* What the manager's methods do (osquery/extensions/interface.cpp), apart from who carries the
 * messages. */
#pragma once

#include "tests/stand-in/core-tables.h"
#include "tests/stand-in/distributed.h"
#include "tests/stand-in/misbehave.h"
#include "thrift/message.h"

G_BEGIN_DECLS

typedef struct {
  StandCore core;
  StandDistributed *distributed;
  StandMisbehaviour *misbehaviour; /* borrowed */
  char *instance_id;
  /* Held by the query that uses osquery's primary database; who registers or goes has to wait for
   * it, for tables are attached there. */
  GMutex primary;
} StandApi;

/* @flags, @log, @misbehaviour: borrowed. */
void stand_api_init(StandApi *api, const StandFlags *flags, StandStatusLog *log, pid_t watcher,
                    StandMisbehaviour *misbehaviour);
/* After the schedule and the distributed queries have been stopped. */
void stand_api_clear(StandApi *api);

/* A StandHandler for a StandApi. */
void stand_api_answer(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                      gpointer api);

/* FALSE when there is no extension of that uuid. */
gboolean stand_api_remove(StandApi *api, gint64 uuid);

G_END_DECLS
