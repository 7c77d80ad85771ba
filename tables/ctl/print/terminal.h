/* What the output can show: its width, colours and characters. All but ctl_terminal_of() and
 * ctl_print_wrapped() is pure. */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef struct {
  guint width; /* columns; 0: no terminal, nothing is cut */
  gboolean colour;
  gboolean utf8;
} CtlTerminal;

/* The facts that decide about CtlTerminal. */
typedef struct {
  gboolean is_terminal;
  guint window_columns; /* as the terminal reports; 0: it doesn't */
  const char *columns;  /* of the environment, NULL if unset, like the next two: COLUMNS */
  const char *no_color; /* NO_COLOR: any text forbids colours */
  const char *term;     /* TERM */
  gboolean utf8;        /* the locale's character set */
} CtlSurroundings;

CtlTerminal ctl_terminal_decide(const CtlSurroundings *surroundings);

/* @out: where the text will be printed. The locale must have been set. */
CtlTerminal ctl_terminal_of(FILE *out);

typedef enum {
  CTL_COLOUR_NONE,
  CTL_COLOUR_DIM,
  CTL_COLOUR_BOLD,
  CTL_COLOUR_GREEN,
  CTL_COLOUR_YELLOW,
  CTL_COLOUR_RED,
} CtlColour;

/* The sequences before and after coloured text; "" where there are no colours. Static. */
const char *ctl_colour_begin(const CtlTerminal *terminal, CtlColour colour);
const char *ctl_colour_end(const CtlTerminal *terminal, CtlColour colour);

/* A bar of @width characters, filled by @share (0…1; more is full, less never). Newly allocated. */
char *ctl_bar(const CtlTerminal *terminal, double share, guint width);

/* Green, from 70 % yellow, from 100 % red. */
CtlColour ctl_colour_of_share(double share);

/* As much of @text (visible text) as fits into @width columns, with an ellipsis if it is cut. Newly
 * allocated. */
char *ctl_cut(const CtlTerminal *terminal, const char *text, guint width);

/* Prints @text and a line end. Lines are broken between words to fit the terminal, and indented by
 * @indent from the second on. The cursor is already at @indent. */
void ctl_print_wrapped(const CtlTerminal *terminal, const char *text, guint indent, FILE *out);

G_END_DECLS
