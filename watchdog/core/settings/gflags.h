/* Reads a command line and its flagfiles as gflags 2.2.2 does, the version that osquery is built
 * with; every quirk below is gflags' own (src/gflags.cc: ParseNewCommandLineFlags,
 * ProcessOptionsFromStringLocked). Pure: files and environment come through callbacks.
 *
 * Flags are written as flag-word.h says; the last one wins. `--` ends the flags; what doesn't begin
 * with a dash, and `-` alone, is an argument, wherever it stands.
 *
 * `--flagfile=A,B` is applied at its place in the command line. Lines: leading blanks and empty
 * lines are skipped, `#` begins a comment, `-` a flag, all else is a list of patterns (fnmatch):
 * the flags below it are for programs whose name matches one. A flag there needs its `=`: `--name
 * value` is an unknown flag. Trailing blanks belong to the value. If there is a CR further on, a
 * line ends at the next CR, not at an LF before it. `--fromenv=A,B` takes FLAGS_A and FLAGS_B,
 * `--tryfromenv` those of them that exist.
 *
 * A flagfile ends at its first NUL byte, and one that can be opened but isn't a regular file is
 * empty.
 *
 * Not as gflags: flagfiles that include themselves, that nest deeper than 16 or are more than 256
 * in all are errors here; gflags would go on until it crashes. */
#pragma once

#include "watchdog/core/settings/flag-word.h"

G_BEGIN_DECLS

/* Reads a whole file. @length: set to its bytes.
 * Returns: its text, newly allocated, NUL-terminated; or NULL with @error: G_FILE_ERROR_INVAL when
 * it can be opened, but not read as a file. */
typedef char *(*WdReadFile)(const char *path, gsize *length, gpointer user_data, GError **error);

/* getenv(). Returns: the value, owned by the environment; NULL: not set. */
typedef const char *(*WdGetEnv)(const char *name, gpointer user_data);

/* The sources of settings, beside the command line. */
typedef struct {
  WdReadFile read_file;
  WdGetEnv get_env;
  gpointer user_data;
} WdSettingsIo;

typedef struct {
  const WdFlagSpec *spec; /* borrowed */
  char *text;             /* owned: as given, except that booleans are "true" or "false" */
  gint64 number;          /* as wd_flag_value_parse() gives it */
  char *source; /* owned: "default", "argv", "PATH:LINE" or "FLAGS_name" of the environment */
} WdFlag;

/* A flag that isn't in the table. */
typedef struct {
  char *name;   /* as given, without the dashes and the value */
  char *source; /* as in WdFlag */
} WdUnknownFlag;

typedef struct {
  const WdFlagSpec *specs; /* borrowed: the table */
  WdFlag *flags;           /* in the order of the table */
  gsize n_flags;
  GPtrArray *unknown;   /* of WdUnknownFlag */
  GPtrArray *arguments; /* of char *, the command line's; argv[0] is none of them */
  GPtrArray *warnings;  /* of char *: lines "PATH:LINE: …" for what gflags ignores in silence */
} WdFlags;

/* Every flag with its default. @specs: must outlive the result. */
WdFlags *wd_flags_new(const WdFlagSpec *specs, gsize n_specs);

/* @specs: the known flags. Of the four that gflags itself defines, flagfile, fromenv and tryfromenv
 * are acted upon if they are among them; undefok only needs its value.
 * @argv: NULL-terminated; argv[0] is the program's name.
 * @default_flagfile: applied before @argv if it can be read, as osquery does with its own; or NULL.
 * Returns: NULL with @error in WD_SETTINGS_ERROR at the first fault for which gflags would end a
 * program. Unknown flags are none. */
WdFlags *wd_flags_parse(const WdFlagSpec *specs, gsize n_specs, const char *const *argv,
                        const char *default_flagfile, const WdSettingsIo *io, GError **error);
void wd_flags_free(WdFlags *flags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdFlags, wd_flags_free)

/* @name: one of the table. */
const WdFlag *wd_flags_get(const WdFlags *flags, const char *name);

/* @name: a boolean of the table. */
gboolean wd_flags_on(const WdFlags *flags, const char *name);

/* Sets @error to "SOURCE: --NAME=VALUE: expected EXPECTED". Returns: FALSE. */
gboolean wd_flag_refuse(const WdFlag *flag, const char *expected, GError **error);

G_END_DECLS
