/* Whatever comes over the channel: an report whose values are all in range, which is written
 * as it was read, or nothing. */
#include "watchdog/core/machine/report.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree WdReport *report = g_new0(WdReport, 1);
  g_autofree guint8 *bytes = g_malloc(WD_REPORT_BYTES_MAX);

  if (!wd_report_decode(data, size, report))
    return 0;
  g_assert_cmpuint(size, <=, WD_REPORT_BYTES_MAX);
  g_assert_cmpint(report->worker_pid, >, 0);
  if (report->kind == WD_REPORT_REGISTRATIONS)
    g_assert_cmpuint(report->registrations.n_extensions, <=, WD_REPORTED_EXTENSIONS_MAX);
  else
    g_assert_true(report->denylisted.name[0] != '\0' &&
                  g_utf8_validate(report->denylisted.query, -1, NULL));
  g_assert_cmpuint(wd_report_encode(report, bytes), ==, size);
  g_assert_cmpint(memcmp(bytes, data, size), ==, 0);
  return 0;
}
