#include "watchdog/core/settings/text-kind.h"

#include <string.h>

WdTextKind
wd_text_kind(const char *text, gsize length)
{
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    return WD_TEXT_BOM;
  if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
    return WD_TEXT_UTF16;
  /* Without its byte order mark: each character of ASCII is a byte beside a NUL. */
  const gboolean pairs = length >= 4 && (text[0] == '\0') == (text[2] == '\0') &&
                         (text[1] == '\0') == (text[3] == '\0');
  return pairs && (text[0] == '\0') != (text[1] == '\0') ? WD_TEXT_UTF16 : WD_TEXT_PLAIN;
}
