/* The extensions that reached their respawn limit. The first time, this ends osquery, as
 * documented. The history remembers for a day which file it was, so that the next start goes on
 * without it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_GIVEN_UP_REMEMBERED_S 86400

/* What the history remembers of one extension. */
typedef struct {
  char *path;    /* owned, as are the details */
  char *details; /* of its event: see wd_given_up_details() */
  gint64 left_s; /* how long it is still remembered */
} WdGivenUp;

/* Copies the texts. */
WdGivenUp *wd_given_up_new(const char *path, const char *details, gint64 left_s);
void wd_given_up_free(WdGivenUp *given_up);

/* The entry in @list (of WdGivenUp) that says that @path ended osquery; NULL: none. @file: which file is there now, as
 * wd_program_file_identity() says. Another file has another entry. */
WdGivenUp *wd_given_up_find(const GPtrArray *list, const char *path, const char *file);

typedef enum {
  WD_GIVEN_UP_WITH_ALL,           /* osquery ends, this once */
  WD_GIVEN_UP_ALONE,              /* --extension_give_up=abandon */
  WD_GIVEN_UP_ALONE_AGAIN,        /* it ended osquery within the last day */
  WD_GIVEN_UP_ALONE_UNREMEMBERED, /* the history can't remember that it ended osquery */
} WdGivenUpHow;

/* The event's details, newly allocated: {"file":TEXT|null,"ended_osquery":true|false}. */
char *wd_given_up_details(const char *file, WdGivenUpHow how);

/* The event's log line, which also says what to do. Newly allocated. */
char *wd_given_up_message(const char *path, WdGivenUpHow how);

G_END_DECLS
