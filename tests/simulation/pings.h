/* What both oracles know of the pings of one process: when it counts as unresponsive. */
#pragma once

#include <glib.h>

typedef struct {
  gint64 last_us;         /* when the last ping's outcome became known; 0: none yet */
  gint64 row_us;          /* the first of those missed in a row; 0: none */
  gint64 since_us;        /* unresponsive since then; 0: it isn't */
  gint64 blind_us;        /* of that time, how much nothing is known of */
  gboolean ever;          /* it has answered */
  guint64 seq;            /* the event; the oracle's */
  gboolean only_recorded; /* dry run; the oracle's */
} SimPings;

typedef enum {
  SIM_PINGS_SAME,
  SIM_PINGS_STOP,  /* it has stopped answering */
  SIM_PINGS_AGAIN, /* it answers again */
} SimPingsChange;

/* Pings come every 3 s. */
SimPingsChange sim_pings_take(SimPings *pings, gboolean answered, gint64 now_us);

/* How long it has been unresponsive for sure. */
gint64 sim_pings_lasted_ms(const SimPings *pings);
