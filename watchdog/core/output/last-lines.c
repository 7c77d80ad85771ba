#include "watchdog/core/output/last-lines.h"

#include <string.h>

#define ELLIPSIS "…"

/* A line's text, in which its line break counts, but isn't stored. */
typedef struct {
  guint offset;
  guint length;
  gboolean cut;
} Line;

/* Lines are stored as they came, one behind the other, and from the start again where the end is
 * too near. The bytes kept, with those of the new line, are at most half of the storage, and so the
 * new line overwrites none of them. */
struct WdLastLines {
  char bytes[2 * WD_LAST_LINES_BYTES];
  guint end;  /* of the newest line */
  guint used; /* by all lines kept, with their line breaks */
  Line lines[WD_LAST_LINES_MAX];
  guint oldest;
  guint count;
};

WdLastLines *
wd_last_lines_new(void)
{
  return g_new0(WdLastLines, 1);
}

void
wd_last_lines_free(WdLastLines *lines)
{
  g_free(lines);
}

static void
drop_oldest(WdLastLines *lines)
{
  lines->used -= lines->lines[lines->oldest].length + 1;
  lines->oldest = (lines->oldest + 1) % WD_LAST_LINES_MAX;
  lines->count--;
}

void
wd_last_lines_take(WdLastLines *lines, const char *line, gsize length)
{
  if (length > 0 && line[length - 1] == '\r')
    length--;
  const gboolean cut = length > WD_LAST_LINES_BYTES - 1;
  const guint kept = (guint)MIN(length, WD_LAST_LINES_BYTES - 1);
  while (lines->count == WD_LAST_LINES_MAX ||
         (lines->count > 0 && lines->used + kept + 1 > WD_LAST_LINES_BYTES))
    drop_oldest(lines);
  const guint offset = lines->end + kept <= sizeof lines->bytes ? lines->end : 0;
  if (kept > 0)
    memcpy(lines->bytes + offset, line, kept);
  lines->lines[(lines->oldest + lines->count) % WD_LAST_LINES_MAX] =
      (Line){.offset = offset, .length = kept, .cut = cut};
  lines->count++;
  lines->used += kept + 1;
  lines->end = offset + kept;
}

/* Appends the character at @at, or what shows it. Returns its length at @at. */
static gsize
append_visible(GString *shown, const char *at, gsize length)
{
  const gunichar c = *at != '\0' ? g_utf8_get_char_validated(at, (gssize)length) : 0;
  const gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
  const gsize size = valid && c != 0 ? (gsize)(g_utf8_next_char(at) - at) : 1;
  if (valid && (c == '\t' || !g_unichar_iscntrl(c)))
    g_string_append_len(shown, at, (gssize)size);
  else
    for (gsize i = 0; i < size; i++)
      g_string_append_printf(shown, "\\x%02x", (guint)(guchar)at[i]);
  return size;
}

/* The line as it is shown, with its line break: at most WD_LAST_LINES_BYTES. */
static GString *
show(const WdLastLines *lines, const Line *line)
{
  const gsize room = WD_LAST_LINES_BYTES - 1;
  GString *shown = g_string_new(NULL);
  gsize fits = 0; /* before an ellipsis */
  for (gsize i = 0; i < line->length && shown->len <= room;) {
    i += append_visible(shown, lines->bytes + line->offset + i, line->length - i);
    if (shown->len <= room - strlen(ELLIPSIS))
      fits = shown->len;
  }
  if (line->cut || shown->len > room) {
    g_string_truncate(shown, fits);
    g_string_append(shown, ELLIPSIS);
  }
  g_string_append_c(shown, '\n');
  return shown;
}

/* What shows a byte is never shorter than it, so what is shown is among what is kept. */
char *
wd_last_lines_text(const WdLastLines *lines)
{
  if (lines->count == 0)
    return NULL;
  GString *text = g_string_new(NULL);
  for (guint i = lines->count; i > 0; i--) {
    g_autoptr(GString) shown =
        show(lines, &lines->lines[(lines->oldest + i - 1) % WD_LAST_LINES_MAX]);
    if (text->len + shown->len > WD_LAST_LINES_BYTES)
      break;
    g_string_prepend_len(text, shown->str, (gssize)shown->len);
  }
  return g_string_free(text, FALSE);
}
