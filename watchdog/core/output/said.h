/* What a worker says about the queries that it executes, on its stderr or in its own log. Pure.
 *
 * osqueryd writes, before it executes a query (osquery/dispatcher/scheduler.cpp,
 * osquery/distributed/distributed.cpp; the beginning: osquery/logger/logger.cpp):
 *
 *   I1128 15:11:02.852525 25754 file.cpp:120] Executing scheduled query NAME
 *   I1128 15:11:02.852525 25754 file.cpp:120] Executing scheduled query NAME: SQL
 *   I1128 15:11:02.852525 25754 file.cpp:120] Executing distributed query: ID: SQL
 *
 * if --schedule_lognames, --verbose, or --distributed_loginfo is set. SQL with line breaks goes on
 * in lines without that beginning. glog (LogMessage::kMaxLogMessageLen) cuts a message at 30,000
 * bytes. Nothing says that a query has ended but the next one, or its error:
 *
 *   E1128 15:11:02.852525 25754 file.cpp:120] Error executing scheduled query NAME: TEXT
 *   E1128 15:11:02.852525 25754 file.cpp:120] Error executing distributed query: ID: TEXT
 *
 * A name may itself contain ": ". Therefore SQL begins after the first ": " that something like SQL
 * follows (SELECT, WITH, VALUES, EXPLAIN, PRAGMA, a comment, nothing). Without one, a scheduled
 * query's name is all of it, and a distributed one's ends at the first ": ". The name
 * "old: select all" is thus taken for a query named "old". A line break in a name becomes a space,
 * as other control characters do. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* Bytes of a query's SQL that are kept, as of a report (machine/report.h); more is cut. */
#define WD_SAID_QUERY_MAX 16383
#define WD_SAID_NAME_MAX 1023

typedef struct {
  char *name;     /* valid UTF-8 without control characters */
  char *query;    /* valid UTF-8; NULL: it said only the name */
  gboolean cut;   /* @query is its beginning */
  gint64 tid;     /* the thread that said it, as the kernel numbers it */
  gint64 said_us; /* monotonic: when the line came */
  gint64 idle_us; /* when that thread was first seen to wait for work afterwards, or said that the
                     query failed; WD_NONE: not yet */
} WdStatement;

typedef struct WdSaid WdSaid;

WdSaid *wd_said_new(void);
void wd_said_free(WdSaid *said); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSaid, wd_said_free)
WdSaid *wd_said_copy(const WdSaid *said);

/* Takes the next line, without its line break. @cut: its end is missing. @now_us: monotonic, when
 * it came. */
void wd_said_take_line(WdSaid *said, const char *line, gsize length, gboolean cut, gint64 now_us);

/* What was written together with the last line ends here: the next line belongs to no query. */
void wd_said_end_message(WdSaid *said);

/* Lines were lost, so that what was said last is no longer known. */
void wd_said_forget(WdSaid *said);

/* The last statement about a query of WD_ORIGIN_SCHEDULE or WD_ORIGIN_DISTRIBUTED. NULL: there is
 * none. Borrowed until @said changes. */
const WdStatement *wd_said_statement(const WdSaid *said, WdOrigin origin);

/* The thread of that statement was seen to wait for work: its query has ended. */
void wd_said_note_idle(WdSaid *said, WdOrigin origin, gint64 now_us);

G_END_DECLS
