#include "tables/ctl/print/terminal.h"

#include "tables/ctl/print/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80
#define NARROWEST_TEXT 20

/* The value of an environment variable; 0 if it isn't a sensible number. */
static guint
columns_of(const char *text)
{
  guint64 columns = 0;
  return text != NULL && g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &columns, NULL)
             ? (guint)columns
             : 0;
}

CtlTerminal
ctl_terminal_decide(const CtlSurroundings *surroundings)
{
  CtlTerminal terminal = {.utf8 = surroundings->utf8};
  if (!surroundings->is_terminal)
    return terminal;
  guint wanted = columns_of(surroundings->columns);
  terminal.width = surroundings->window_columns > 0 ? surroundings->window_columns
                   : wanted > 0                     ? wanted
                                                    : USUAL_WIDTH;
  gboolean forbidden = surroundings->no_color != NULL && *surroundings->no_color != '\0';
  gboolean able = surroundings->term != NULL && *surroundings->term != '\0' &&
                  !g_str_equal(surroundings->term, "dumb");
  terminal.colour = able && !forbidden;
  return terminal;
}

CtlTerminal
ctl_terminal_of(FILE *out)
{
  int fd = fileno(out);
  struct winsize window = {0};
  CtlSurroundings surroundings = {
      .is_terminal = fd >= 0 && isatty(fd),
      .columns = g_getenv("COLUMNS"),
      .no_color = g_getenv("NO_COLOR"),
      .term = g_getenv("TERM"),
      .utf8 = g_get_charset(NULL),
  };
  if (surroundings.is_terminal && ioctl(fd, TIOCGWINSZ, &window) == 0)
    surroundings.window_columns = window.ws_col;
  return ctl_terminal_decide(&surroundings);
}

const char *
ctl_colour_begin(const CtlTerminal *terminal, CtlColour colour)
{
  if (!terminal->colour)
    return "";
  switch (colour) {
  case CTL_COLOUR_NONE:
    return "";
  case CTL_COLOUR_DIM:
    return "\033[2m";
  case CTL_COLOUR_BOLD:
    return "\033[1m";
  case CTL_COLOUR_GREEN:
    return "\033[32m";
  case CTL_COLOUR_YELLOW:
    return "\033[33m";
  case CTL_COLOUR_RED:
    return "\033[31m";
  }
  g_assert_not_reached();
}

const char *
ctl_colour_end(const CtlTerminal *terminal, CtlColour colour)
{
  return terminal->colour && colour != CTL_COLOUR_NONE ? "\033[0m" : "";
}

char *
ctl_bar(const CtlTerminal *terminal, double share, guint width)
{
  guint full = (guint)(CLAMP(share, 0, 1) * width); /* the last one only at the limit */
  g_autoptr(GString) bar = g_string_new(NULL);
  for (guint i = 0; i < width; i++)
    g_string_append(bar, terminal->utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "-"));
  return g_string_free(g_steal_pointer(&bar), FALSE);
}

CtlColour
ctl_colour_of_share(double share)
{
  return share >= 1 ? CTL_COLOUR_RED : share >= 0.7 ? CTL_COLOUR_YELLOW : CTL_COLOUR_GREEN;
}

char *
ctl_cut(const CtlTerminal *terminal, const char *text, guint width)
{
  if (ctl_display_width(text) <= width)
    return g_strdup(text);
  const char *ellipsis = terminal->utf8 ? "…" : "~";
  if (width == 0)
    return g_strdup("");
  return g_strdup_printf("%.*s%s", (int)ctl_bytes_within(text, width - 1), text, ellipsis);
}

/* Where to break @text: before a word that doesn't fit, or within one that fits nowhere. */
static gsize
line_bytes(const char *text, guint width)
{
  gsize fits = ctl_bytes_within(text, width);
  if (text[fits] == '\0' || text[fits] == ' ')
    return fits;
  const char *blank = g_strrstr_len(text, (gssize)fits, " ");
  return blank != NULL && blank > text ? (gsize)(blank - text) : fits;
}

void
ctl_print_wrapped(const CtlTerminal *terminal, const char *text, guint indent, FILE *out)
{
  guint width = terminal->width == 0                        ? G_MAXUINT
                : terminal->width > indent + NARROWEST_TEXT ? terminal->width - indent
                                                            : NARROWEST_TEXT;
  for (;;) {
    gsize bytes = line_bytes(text, width);
    fprintf(out, "%.*s\n", (int)bytes, text);
    text += bytes;
    while (*text == ' ')
      text++;
    if (*text == '\0')
      return;
    fprintf(out, "%*s", (int)indent, "");
  }
}
