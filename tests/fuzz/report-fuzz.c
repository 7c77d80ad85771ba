/* Whatever comes over the channel: an observation whose values are all in range, which is written
 * as it was read, or nothing. */
#include "watchdog/core/machine/report.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree WdObservation *observation = g_new0(WdObservation, 1);
  g_autofree guint8 *bytes = g_malloc(WD_OBSERVATION_BYTES_MAX);

  if (!wd_observation_decode(data, size, observation))
    return 0;
  g_assert_cmpuint(size, <=, WD_OBSERVATION_BYTES_MAX);
  g_assert_cmpint(observation->worker_pid, >, 0);
  if (observation->kind == WD_OBSERVATION_REPORT)
    g_assert_cmpuint(observation->report.n_extensions, <=, WD_OBSERVED_EXTENSIONS_MAX);
  else
    g_assert_true(observation->denylisted.name[0] != '\0' &&
                  g_utf8_validate(observation->denylisted.query, -1, NULL));
  g_assert_cmpuint(wd_observation_encode(observation, bytes), ==, size);
  g_assert_cmpint(memcmp(bytes, data, size), ==, 0);
  return 0;
}
