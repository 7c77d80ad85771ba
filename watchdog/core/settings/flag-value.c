#include "watchdog/core/settings/flag-value.h"

#include <errno.h>
#include <string.h>

static gboolean
parse_bool(const char *text, gint64 *number)
{
  static const char *const words[][2] = {
      {"0", "1"}, {"f", "t"}, {"false", "true"}, {"n", "y"}, {"no", "yes"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    for (gint64 value = 0; value <= 1; value++) {
      if (g_ascii_strcasecmp(text, words[i][value]) == 0) {
        *number = value;
        return TRUE;
      }
    }
  }
  return FALSE;
}

static gboolean
parse_int32(const char *text, gint64 *number)
{
  guint base = g_ascii_strncasecmp(text, "0x", 2) == 0 ? 16 : 10;
  char *end;

  errno = 0;
  gint64 value = g_ascii_strtoll(text, &end, base);
  if (errno != 0 || end == text || *end != '\0' || value < G_MININT32 || value > G_MAXINT32)
    return FALSE;
  *number = value;
  return TRUE;
}

static gboolean
parse_uint64(const char *text, gint64 *number)
{
  guint base = g_ascii_strncasecmp(text, "0x", 2) == 0 ? 16 : 10;
  const char *digits = text + strspn(text, " ");
  char *end;

  if (*text == '\0')
    return FALSE;
  if (*digits == '\0') { /* gflags finds nothing wrong behind the blanks */
    *number = 0;
    return TRUE;
  }
  if (digits[strspn(digits, "\t\n\v\f\r ")] == '-') /* would be taken for its two's complement */
    return FALSE;
  errno = 0;
  guint64 value = g_ascii_strtoull(digits, &end, base);
  if (errno != 0 || end == digits || *end != '\0')
    return FALSE;
  *number = value > G_MAXINT64 ? G_MAXINT64 : (gint64)value;
  return TRUE;
}

gboolean
wd_flag_value_parse(WdFlagType type, const char *text, gint64 *number)
{
  switch (type) {
  case WD_FLAG_BOOL:
    return parse_bool(text, number);
  case WD_FLAG_INT32:
    return parse_int32(text, number);
  case WD_FLAG_UINT64:
    return parse_uint64(text, number);
  case WD_FLAG_STRING:
    *number = 0;
    return TRUE;
  }
  g_return_val_if_reached(FALSE);
}

const char *
wd_flag_type_text(WdFlagType type)
{
  switch (type) {
  case WD_FLAG_BOOL:
    return "true or false";
  case WD_FLAG_INT32:
    return "a whole number from -2147483648 to 2147483647";
  case WD_FLAG_UINT64:
    return "a whole number from 0 to 18446744073709551615";
  case WD_FLAG_STRING:
    return "a text";
  }
  g_return_val_if_reached(NULL);
}
