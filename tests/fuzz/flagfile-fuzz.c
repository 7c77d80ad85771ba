/* Whatever stands in flagfiles: the settings come out, or one line that says why not. The input is
 * up to four files, /0 to /3, parted by NUL bytes; osqueryd is given /0. */
#include "watchdog/core/settings/settings-parse.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  const char *text;
  size_t size;
} Input;

static char *
read_file(const char *path, gsize *length, gpointer user_data, GError **error)
{
  const Input *input = user_data;
  const char *at = input->text;
  const char *end = input->text + input->size;

  if (path[0] != '/' || path[1] < '0' || path[1] > '3' || path[2] != '\0') {
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "No such file or directory");
    return NULL;
  }
  for (char i = '0'; i < path[1] && at < end; i++) {
    const char *nul = memchr(at, '\0', (size_t)(end - at));
    at = nul != NULL ? nul + 1 : end;
  }
  *length = (gsize)(end - at);
  return g_strndup(at, *length);
}

static const char *
get_env(const char *name, gpointer user_data)
{
  (void)user_data;
  return strcmp(name, "FLAGS_watchdog_level") == 0 ? "1"
         : strcmp(name, "FLAGS_flagfile") == 0     ? "/1"
                                                   : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const argv[] = {"watchdogd", "--", "/usr/bin/osqueryd", "--flagfile=/0", NULL};
  Input input = {(const char *)data, size};
  const WdSettingsIo io = {read_file, get_env, &input};
  g_autoptr(GError) error = NULL;
  g_autoptr(WdSettings) settings = wd_settings_parse(argv, 4, &io, &error);

  g_assert_true((settings == NULL) == (error != NULL));
  if (error != NULL) {
    g_assert_null(strchr(error->message, '\n'));
    return 0;
  }
  for (guint i = 0; i < settings->warnings->len; i++)
    g_assert_null(strchr(g_ptr_array_index(settings->warnings, i), '\n'));
  if (settings->runs_once != NULL) /* then nothing else is set */
    return 0;
  const WdLimits *limits = &settings->limits;
  g_assert_true(limits->utilization_limit >= 1 && limits->utilization_limit <= 100);
  g_assert_true(limits->memory_limit_bytes > 0 && limits->latency_limit_s > 0);
  g_assert_true(limits->max_delay_s >= 0 && limits->max_delay_s <= WD_LIMITS_MAX_S);
  g_assert_true(limits->stop_grace_s >= 1 && limits->stop_grace_s <= WD_LIMITS_MAX_S);
  return 0;
}
