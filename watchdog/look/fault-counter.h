/* Says when a process takes memory: each new page costs it a page fault, which the kernel can count
 * (perf_event_open(2)). The count includes all threads and children that the process starts later.
 *
 * A fault is a reason to look at the memory, and no more: pages of files, and memory that was given
 * back and is taken again, cost faults, too. Growth that costs none (MAP_POPULATE) isn't noticed.
 *
 * Not every system permits it: it takes root, or CAP_PERFMON, and containers usually refuse it. */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Sent to us, with the counter's descriptor. It doesn't queue: one signal may stand for several
 * counters. To be blocked before the first counter is armed, because it would end us. */
#define WD_FAULT_SIGNAL SIGIO

typedef struct {
  int fd; /* -1: there is none */
  gboolean armed;
  guint64 reported; /* the count when it was last disarmed */
} WdFaultCounter;

#define WD_FAULT_COUNTER_NONE ((WdFaultCounter){.fd = -1})

/* Opens a counter on our child, which hasn't executed its program yet and isn't reaped. It isn't
 * armed. Where that isn't possible the counter is WD_FAULT_COUNTER_NONE. */
WdFaultCounter wd_fault_counter_open(pid_t pid);

/* From now on WD_FAULT_SIGNAL is sent after some page faults, again and again. */
void wd_fault_counter_arm(WdFaultCounter *counter);

/* WD_FAULT_SIGNAL came, from @signalled_fd. Returns: whether @counter was armed and has counted
 * some faults; then it is disarmed. */
gboolean wd_fault_counter_take(WdFaultCounter *counter, int signalled_fd);

void wd_fault_counter_close(WdFaultCounter *counter);

/* Whether there can be counters here. Returns: 0, or the errno. */
int wd_fault_counter_probe(void);

G_END_DECLS
