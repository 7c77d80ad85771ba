#include "watchdog/base/cpu-time.h"

#include <time.h>

gint64
wd_cpu_time_us(void)
{
  struct timespec used = {0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); /* Linux has had it since 2.6.12 */
  return (gint64)used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}
