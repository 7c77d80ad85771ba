#include "tests/simulation/pings.h"

#include "tests/simulation/random.h"

#define BLIND_US (11 * SIM_S)     /* three intervals, and a little more */
#define SECOND_US (2250 * SIM_MS) /* most of an interval: the second missed ping */

SimPingsChange
sim_pings_take(SimPings *pings, gboolean answered, gint64 now_us)
{
  const gboolean blind = pings->last_us == 0 || now_us > pings->last_us + BLIND_US;
  if (pings->since_us != 0 && blind)
    pings->blind_us += now_us - pings->last_us;
  pings->last_us = now_us;
  if (answered) {
    const gboolean again = pings->since_us != 0;
    pings->ever = TRUE;
    pings->row_us = 0;
    return again ? SIM_PINGS_AGAIN : SIM_PINGS_SAME;
  }
  if (blind || pings->row_us == 0)
    pings->row_us = now_us;
  if (pings->since_us != 0 || now_us < pings->row_us + SECOND_US)
    return SIM_PINGS_SAME;
  pings->since_us = now_us;
  pings->blind_us = 0;
  pings->only_recorded = FALSE;
  return SIM_PINGS_STOP;
}

gint64
sim_pings_lasted_ms(const SimPings *pings)
{
  return (pings->last_us - pings->since_us - pings->blind_us) / SIM_MS;
}
