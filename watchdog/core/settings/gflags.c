#include "watchdog/core/settings/gflags.h"

#include "watchdog/core/settings/flagfile.h"
#include "watchdog/core/settings/settings-error.h"
#include "watchdog/core/settings/text-kind.h"

#include <string.h>

enum {
  MAX_DEPTH = 16,
  MAX_FILES = 256,
};

typedef struct {
  WdFlags *flags;
  const WdSettingsIo *io;
  const char *program;            /* as called */
  const char *reading[MAX_DEPTH]; /* the flagfiles that are being applied, outermost first */
  guint depth;
  guint files;
} Parser;

static gboolean set_flag(Parser *parser, WdFlag *flag, const char *value, const char *source,
                         GError **error);

static void
unknown_flag_free(gpointer data)
{
  WdUnknownFlag *unknown = data;

  g_free(unknown->name);
  g_free(unknown->source);
  g_free(unknown);
}

static WdFlag *
flag_of(const WdFlags *flags, const WdFlagSpec *spec)
{
  return spec != NULL ? &flags->flags[spec - flags->specs] : NULL;
}

static WdFlag *
find_flag(const WdFlags *flags, const char *name)
{
  return flag_of(flags, wd_flag_spec_find(flags->specs, flags->n_flags, name));
}

static void
add_unknown(Parser *parser, const char *name, const char *source)
{
  WdUnknownFlag *unknown = g_new0(WdUnknownFlag, 1);

  unknown->name = g_strdup(name);
  unknown->source = g_strdup(source);
  g_ptr_array_add(parser->flags->unknown, unknown);
}

/* A list as gflags reads it: one comma at its end is no harm, any other empty entry is.
 * Returns: NULL with @error. */
static char **
split_list(const WdFlag *flag, const char *source, GError **error)
{
  g_auto(GStrv) items = g_strsplit(flag->text, ",", -1);
  guint n = g_strv_length(items);

  if (n > 0 && *items[n - 1] == '\0')
    g_clear_pointer(&items[--n], g_free);
  for (guint i = 0; i < n; i++) {
    if (*items[i] == '\0' || *items[i] == '-') {
      wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                       "%s: --%s=%s: expected names separated by commas", source, flag->spec->name,
                       flag->text);
      return NULL;
    }
  }
  return g_steal_pointer(&items);
}

/* "--name value" in a flagfile looks right and does nothing. Returns: FALSE if @name isn't that. */
static gboolean
warn_ignored(Parser *parser, const char *name, const char *source)
{
  gsize length = strcspn(name, " \t");
  g_autofree char *first = g_strndup(name, length);
  const WdFlag *flag = find_flag(parser->flags, first);

  if (flag == NULL || name[length] == '\0')
    return FALSE;
  wd_settings_warn(
      parser->flags->warnings,
      "%s: ignored: in a flagfile, --%s needs a '=' before its value and no blank before it",
      source, flag->spec->name);
  return TRUE;
}

static gboolean
apply_flag_line(Parser *parser, const char *line, const char *source, GError **error)
{
  const WdFlags *flags = parser->flags;
  const char *const alone[] = {line, NULL};
  gsize i = 0;
  g_auto(WdFlagWord) word = wd_flag_word_take(flags->specs, flags->n_flags, alone, &i);

  if (word.spec == NULL) {
    if (!warn_ignored(parser, word.name, source))
      add_unknown(parser, word.name, source);
    return TRUE;
  }
  if (word.value == NULL) {
    wd_settings_warn(flags->warnings, "%s: ignored: --%s has no value", source, word.spec->name);
    return TRUE;
  }
  return set_flag(parser, flag_of(flags, word.spec), word.value, source, error);
}

/* @length: of the whole file; @text ends where gflags stops reading. */
static void
warn_unreadable(const Parser *parser, const char *path, const char *text, gsize length)
{
  GPtrArray *warnings = parser->flags->warnings;
  const WdTextKind kind = wd_text_kind(text, length);
  guint line = 1;

  if (kind == WD_TEXT_UTF16) {
    wd_settings_warn(warnings, "%s: ignored: it is UTF-16 text; save it as UTF-8", path);
    return;
  }
  if (kind == WD_TEXT_BOM)
    wd_settings_warn(
        warnings,
        "%s:1: ignored, as are the flags below: the file begins with a byte order "
        "mark, so this line is read as the name of a program; save it without the mark",
        path);
  if (strlen(text) == length)
    return;
  for (const char *at = text; *at != '\0'; at++)
    line += *at == '\n';
  wd_settings_warn(warnings, "%s:%u: has a NUL byte, at which reading ends: the rest is ignored",
                   path, line);
}

static gboolean
apply_text(Parser *parser, const char *path, const char *text, GError **error)
{
  WdFlagfile file = wd_flagfile_begin(text);
  WdFlagfileLine line;
  gboolean relevant = TRUE;
  gboolean in_names = FALSE;
  gboolean after_bom = FALSE;

  while (wd_flagfile_next(&file, &line)) {
    g_autofree char *content = line.text;
    g_autofree char *source = g_strdup_printf("%s:%u", path, line.number);

    if (line.joined)
      wd_settings_warn(parser->flags->warnings,
                       "%s: this line and those below it, up to the next CR, are read as one",
                       source);
    if (*content == '#')
      continue;
    if (*content != '-') {
      relevant = (in_names && relevant) || wd_flagfile_names_program(content, parser->program);
      in_names = TRUE;
      after_bom = wd_text_kind(content, strlen(content)) == WD_TEXT_BOM;
      continue;
    }
    if (!relevant && in_names && !after_bom) /* that one was warned of as a whole */
      wd_settings_warn(
          parser->flags->warnings,
          "%s: ignored, as are the flags below: the line above has no '-', so it names the "
          "programs that they are for",
          source);
    in_names = FALSE;
    if (relevant && !apply_flag_line(parser, content, source, error))
      return FALSE;
  }
  return TRUE;
}

/* @optional: as osquery does with its default flagfile, one that can't be read isn't there. */
static gboolean
apply_file(Parser *parser, const char *path, gboolean optional, const char *source, GError **error)
{
  for (guint i = 0; i < parser->depth; i++) {
    if (g_str_equal(parser->reading[i], path))
      return wd_settings_fail(error, WD_SETTINGS_ERROR_FILE, "%s: the flagfile %s includes itself",
                              source, path);
  }
  if (parser->depth == MAX_DEPTH || parser->files == MAX_FILES)
    return wd_settings_fail(
        error, WD_SETTINGS_ERROR_FILE,
        "%s: flagfile %s: expected at most %d flagfiles, nested at most %d deep", source, path,
        MAX_FILES, MAX_DEPTH);

  g_autoptr(GError) read_error = NULL;
  gsize length = 0;
  g_autofree char *text = parser->io->read_file(path, &length, parser->io->user_data, &read_error);
  const gboolean readable = !g_error_matches(read_error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
  if (text == NULL && !optional && readable)
    return wd_settings_fail(error, WD_SETTINGS_ERROR_FILE, "%s: flagfile %s: %s", source, path,
                            read_error->message);
  if (text == NULL) {
    if (!g_error_matches(read_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      wd_settings_warn(parser->flags->warnings, "%s: ignored: %s", path, read_error->message);
    return TRUE;
  }
  warn_unreadable(parser, path, text, length);
  parser->reading[parser->depth++] = path;
  parser->files++;
  gboolean ok = apply_text(parser, path, text, error);
  parser->depth--;
  return ok;
}

static gboolean
apply_flagfile(Parser *parser, const WdFlag *flag, const char *source, GError **error)
{
  g_auto(GStrv) paths = split_list(flag, source, error);

  if (paths == NULL)
    return FALSE;
  for (gsize i = 0; paths[i] != NULL; i++) {
    if (!apply_file(parser, paths[i], FALSE, source, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
apply_environment(Parser *parser, const WdFlag *list, gboolean required, const char *source,
                  GError **error)
{
  g_auto(GStrv) names = split_list(list, source, error);

  if (names == NULL)
    return FALSE;
  for (gsize i = 0; names[i] != NULL; i++) {
    WdFlag *flag = find_flag(parser->flags, names[i]);
    if (flag == NULL) {
      add_unknown(parser, names[i], source);
      continue;
    }
    /* gflags refuses fewer of these, and recurses without end on the others. */
    if (g_str_has_suffix(flag->spec->name, "fromenv"))
      return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                              "%s: --%s=%s: expected no flag that reads the environment", source,
                              list->spec->name, names[i]);

    g_autofree char *variable = g_strconcat("FLAGS_", names[i], NULL);
    const char *value = parser->io->get_env(variable, parser->io->user_data);
    if (value == NULL && required)
      return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                              "%s: --%s=%s: expected %s in the environment", source,
                              list->spec->name, names[i], variable);
    if (value != NULL && !set_flag(parser, flag, value, variable, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
set_flag(Parser *parser, WdFlag *flag, const char *value, const char *source, GError **error)
{
  const char *name = flag->spec->name;

  if (!wd_flag_value_parse(flag->spec->type, value, &flag->number))
    return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE, "%s: --%s=%s: expected %s", source,
                            name, value, wd_flag_type_text(flag->spec->type));
  g_free(flag->text);
  flag->text = flag->spec->type == WD_FLAG_BOOL ? g_strdup(flag->number != 0 ? "true" : "false")
                                                : g_strdup(value);
  g_free(flag->source);
  flag->source = g_strdup(source);

  if (g_str_equal(name, "flagfile"))
    return apply_flagfile(parser, flag, source, error);
  if (g_str_equal(name, "fromenv"))
    return apply_environment(parser, flag, TRUE, source, error);
  if (g_str_equal(name, "tryfromenv"))
    return apply_environment(parser, flag, FALSE, source, error);
  return TRUE;
}

/* "--bool false" sets it to true, and leaves "false" as an argument. */
static void
warn_misread(Parser *parser, const WdFlagSpec *spec, const char *given, const char *next)
{
  gint64 number;

  if (spec->type == WD_FLAG_BOOL && strchr(given, '=') == NULL && next != NULL &&
      wd_flag_value_parse(WD_FLAG_BOOL, next, &number))
    wd_settings_warn(parser->flags->warnings,
                     "argv: %s %s: the value is ignored: --%s needs a '=' before it", given, next,
                     spec->name);
}

/* The flag at @argv[*@i], and its value if that is the next word. */
static gboolean
apply_word(Parser *parser, const char *const *argv, gsize *i, GError **error)
{
  const WdFlags *flags = parser->flags;
  const char *given = argv[*i];
  g_auto(WdFlagWord) word = wd_flag_word_take(flags->specs, flags->n_flags, argv, i);

  if (word.spec == NULL) {
    add_unknown(parser, word.name, "argv");
    return TRUE;
  }
  warn_misread(parser, word.spec, given, argv[*i + 1]);
  if (word.value == NULL)
    return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE, "argv: --%s: expected a value",
                            word.spec->name);
  return set_flag(parser, flag_of(flags, word.spec), word.value, "argv", error);
}

/* The command line itself. */
static gboolean
apply_argv(Parser *parser, const char *const *argv, GError **error)
{
  gboolean flags_ended = FALSE;

  for (gsize i = 1; argv[i] != NULL; i++) {
    if (flags_ended || argv[i][0] != '-' || argv[i][1] == '\0')
      g_ptr_array_add(parser->flags->arguments, g_strdup(argv[i]));
    else if (g_str_equal(argv[i], "--"))
      flags_ended = TRUE;
    else if (!apply_word(parser, argv, &i, error))
      return FALSE;
  }
  return TRUE;
}

WdFlags *
wd_flags_new(const WdFlagSpec *specs, gsize n_specs)
{
  WdFlags *flags = g_new0(WdFlags, 1);

  flags->specs = specs;
  flags->flags = g_new0(WdFlag, n_specs);
  flags->n_flags = n_specs;
  flags->unknown = g_ptr_array_new_with_free_func(unknown_flag_free);
  flags->arguments = g_ptr_array_new_with_free_func(g_free);
  flags->warnings = g_ptr_array_new_with_free_func(g_free);
  for (gsize i = 0; i < n_specs; i++) {
    WdFlag *flag = &flags->flags[i];
    flag->spec = &specs[i];
    flag->text = g_strdup(specs[i].initial);
    flag->source = g_strdup("default");
    if (!wd_flag_value_parse(specs[i].type, specs[i].initial, &flag->number))
      g_error("the flag %s has a default that isn't of its type", specs[i].name);
  }
  return flags;
}

WdFlags *
wd_flags_parse(const WdFlagSpec *specs, gsize n_specs, const char *const *argv,
               const char *default_flagfile, const WdSettingsIo *io, GError **error)
{
  g_autoptr(WdFlags) flags = wd_flags_new(specs, n_specs);
  Parser parser = {.flags = flags, .io = io, .program = argv[0]};

  if (default_flagfile != NULL && !apply_file(&parser, default_flagfile, TRUE, "default", error))
    return NULL;
  if (!apply_argv(&parser, argv, error))
    return NULL;
  return g_steal_pointer(&flags);
}

void
wd_flags_free(WdFlags *flags)
{
  if (flags == NULL)
    return;
  for (gsize i = 0; i < flags->n_flags; i++) {
    g_free(flags->flags[i].text);
    g_free(flags->flags[i].source);
  }
  g_free(flags->flags);
  g_ptr_array_unref(flags->unknown);
  g_ptr_array_unref(flags->arguments);
  g_ptr_array_unref(flags->warnings);
  g_free(flags);
}

const WdFlag *
wd_flags_get(const WdFlags *flags, const char *name)
{
  const WdFlag *flag = find_flag(flags, name);

  if (flag == NULL)
    g_error("the flag %s isn't in the table", name);
  return flag;
}

gboolean
wd_flags_on(const WdFlags *flags, const char *name)
{
  return wd_flags_get(flags, name)->number != 0;
}

gboolean
wd_flag_refuse(const WdFlag *flag, const char *expected, GError **error)
{
  return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE, "%s: --%s=%s: expected %s", flag->source,
                          flag->spec->name, flag->text, expected);
}
