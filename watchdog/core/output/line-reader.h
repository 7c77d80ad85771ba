/* Cuts a stream of bytes into lines. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A longer line is given in its first so many bytes, and marked as cut. */
#define WD_LINE_MAX 65536

typedef struct WdLineReader WdLineReader;

/* @line: without its line break; borrowed. @cut: its end is missing. */
typedef void (*WdLineTaker)(const char *line, gsize length, gboolean cut, gpointer user_data);

WdLineReader *wd_line_reader_new(WdLineTaker take, gpointer user_data);
void wd_line_reader_free(WdLineReader *reader); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdLineReader, wd_line_reader_free)

/* Takes the next bytes, any bytes, and gives the lines that they complete. A line that is too long
 * is given as soon as that is known. */
void wd_line_reader_take(WdLineReader *reader, const char *bytes, gsize length);

/* The stream has ended: gives what it has of a last line. */
void wd_line_reader_finish(WdLineReader *reader);

G_END_DECLS
