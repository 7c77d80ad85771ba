/* How a history was replaced that could not be used. The store reports it, and the supervisor
 * records it as history_recovered. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *problem;  /* owned; one line, with the file's path */
  char *moved_to; /* owned; where the old file is now, NULL: nothing is left of it */
  gint64 saved;   /* events that the new file has from the old one */
} WdRecovery;

/* NULL is allowed. */
void wd_recovery_free(WdRecovery *recovery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdRecovery, wd_recovery_free)

/* The log line. Newly allocated. */
char *wd_recovery_message(const WdRecovery *recovery);

/* The event's details, newly allocated: {"problem":TEXT,"moved_to":TEXT|null,"saved":N}. */
char *wd_recovery_details(const WdRecovery *recovery);

G_END_DECLS
