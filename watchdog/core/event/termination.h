/* watchdog_terminations: one row for each end of a process that nobody requested. There is no
 * struct: the rows are a view of the events (store/schema.c), because some of their values become
 * known only after the end. */
#pragma once

#include "watchdog/core/event/column.h"

G_BEGIN_DECLS

extern const WdTable wd_termination_table;

G_END_DECLS
