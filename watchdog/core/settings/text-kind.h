/* Whether osqueryd can read a text file that people write: flagfiles, extensions.load. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WD_TEXT_PLAIN,
  WD_TEXT_BOM,   /* UTF-8 that begins with a byte order mark, which belongs to the first line */
  WD_TEXT_UTF16, /* nothing in it can be read */
} WdTextKind;

/* @text: the whole file, @length bytes. */
WdTextKind wd_text_kind(const char *text, gsize length);

G_END_DECLS
