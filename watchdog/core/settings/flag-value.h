/* The values that a flag may have, as gflags reads them (src/gflags.cc, FlagValue::ParseFrom). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WD_FLAG_BOOL,
  WD_FLAG_INT32,
  WD_FLAG_UINT64,
  WD_FLAG_STRING,
} WdFlagType;

/* Booleans: 1 t true y yes, 0 f false n no, in any case. Numbers: decimal (leading zeros are
 * allowed) or hexadecimal after 0x, with nothing after them; an unsigned one may be blanks alone:
 * 0.
 * @number: booleans are 0 or 1; beyond 2^63 - 1: 2^63 - 1; 0 for strings. Untouched on failure.
 * Returns: FALSE if @text is no value of the type. */
gboolean wd_flag_value_parse(WdFlagType type, const char *text, gint64 *number);

/* Describes the values of a type: "a whole number …". Static. */
const char *wd_flag_type_text(WdFlagType type);

G_END_DECLS
