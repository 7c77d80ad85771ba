#include "watchdog/core/output/line-reader.h"

#include <string.h>

/* What is kept for the next partial line: most are shorter. */
#define KEPT_BYTES 4096

struct WdLineReader {
  WdLineTaker take;
  gpointer user_data;
  GByteArray *partial; /* the beginning of a line whose end hasn't come */
  gboolean skipping;   /* the rest of a line that was given as cut */
};

WdLineReader *
wd_line_reader_new(WdLineTaker take, gpointer user_data)
{
  WdLineReader *reader = g_new0(WdLineReader, 1);
  reader->take = take;
  reader->user_data = user_data;
  reader->partial = g_byte_array_new();
  return reader;
}

void
wd_line_reader_free(WdLineReader *reader)
{
  if (reader == NULL)
    return;
  g_byte_array_unref(reader->partial);
  g_free(reader);
}

static void
give(WdLineReader *reader, const char *line, gsize length)
{
  const gboolean cut = length > WD_LINE_MAX;
  reader->take(line, MIN(length, WD_LINE_MAX), cut, reader->user_data);
}

static void
drop_partial(WdLineReader *reader)
{
  const gboolean large = reader->partial->len > KEPT_BYTES;
  g_byte_array_set_size(reader->partial, 0);
  if (!large)
    return;
  g_byte_array_unref(reader->partial);
  reader->partial = g_byte_array_new();
}

static void
give_partial(WdLineReader *reader, gboolean cut)
{
  reader->take((const char *)reader->partial->data, reader->partial->len, cut, reader->user_data);
  drop_partial(reader);
}

/* @length: of what has come of a line, without its line break if @complete. */
static void
add(WdLineReader *reader, const char *bytes, gsize length, gboolean complete)
{
  const gsize room = WD_LINE_MAX - reader->partial->len;
  g_byte_array_append(reader->partial, (const guint8 *)bytes, (guint)MIN(length, room));
  if (length > room || complete)
    give_partial(reader, length > room);
  reader->skipping = length > room && !complete;
}

void
wd_line_reader_take(WdLineReader *reader, const char *bytes, gsize length)
{
  while (length > 0) {
    const char *end = memchr(bytes, '\n', length);
    const gsize line = end != NULL ? (gsize)(end - bytes) : length;
    if (reader->skipping)
      reader->skipping = end == NULL;
    else if (end != NULL && reader->partial->len == 0)
      give(reader, bytes, line);
    else
      add(reader, bytes, line, end != NULL);
    bytes += line + (end != NULL ? 1 : 0);
    length -= line + (end != NULL ? 1 : 0);
  }
}

void
wd_line_reader_finish(WdLineReader *reader)
{
  if (reader->partial->len > 0)
    give_partial(reader, FALSE);
  reader->skipping = FALSE;
}
