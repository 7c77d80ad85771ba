/* The command line of osquery-watchdogctl. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  CTL_COMMAND_HELP,
  CTL_COMMAND_VERSION,
  CTL_COMMAND_STATUS,
  CTL_COMMAND_EVENTS,
  CTL_COMMAND_EXPLAIN,
  CTL_COMMAND_QUERY,
  CTL_COMMAND_REPORT,
} CtlCommand;

typedef enum {
  CTL_FORMAT_PEOPLE, /* each command's own format for people */
  CTL_FORMAT_JSON,
  CTL_FORMAT_CSV,
  CTL_FORMAT_LINE,
} CtlFormat;

typedef struct {
  CtlCommand command;
  CtlFormat format;
  char *state_dir;
  char *runtime_dir;
  gboolean follow;
  gint64 since_s; /* only events of the last so many seconds; 0: all */
  char *event;    /* only events of this kind, or NULL */
  gint64 eid;     /* of explain; 0: the last unexpected end */
  char *sql;      /* of query; NULL: from standard input, or at a prompt */
  char *html;     /* of report: the file to write, "-" for the standard output */
} CtlOptions;

/* @argv: the whole command line, argv[0] included, NULL-terminated.
 * Returns: NULL with @error: one line that names the argument. */
CtlOptions *ctl_options_parse(const char **argv, GError **error);
void ctl_options_free(CtlOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlOptions, ctl_options_free)

/* "90", "90s", "15m", "1h", "7d", "2w". Returns: the seconds, at least 1; or 0 if it is none of
 * these. */
gint64 ctl_parse_duration(const char *text);

/* The text of --help. */
extern const char ctl_help[];

G_END_DECLS
