/* Rows as text, in the forms that osqueryi has. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  STAND_PRINT_TABLE,
  STAND_PRINT_JSON,
  STAND_PRINT_LINE,
} StandPrint;

/* @columns: their names in order. @rows: of GHashTable (text to text); what is absent is empty.
 * Newly allocated. */
char *stand_print(StandPrint form, const char *const *columns, const GPtrArray *rows);

G_END_DECLS
