#include "watchdog/look/managed-extensions.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "watchdog/core/settings/extensions-load.h"
#include "watchdog/core/settings/settings-error.h"
#include "watchdog/core/settings/text-kind.h"
#include "watchdog/look/program-file.h"
#include "watchdog/look/text-file.h"

#define TABLES_EXTENSION "osquery-watchdog.ext"
/* A line of extensions.load may name a directory with half the file system below it. */
#define DEPTH_MAX 16
#define EXTENSIONS_MAX 256

typedef struct {
  GPtrArray *extensions;
  GPtrArray *warnings; /* of char * */
  gboolean allow_unsafe;
  GHashTable *visited; /* "DEVICE INODE" of each directory, because links may form a circle */
} Loader;

static void
extension_free(gpointer data)
{
  WdManagedExtension *extension = data;

  g_free(extension->path);
  g_free(extension->name);
  g_free(extension);
}

/* Finds our own extension's file: @option if not NULL, else beside this program, else in libexec.
 * The way to libexec begins at this program, because an installation may be moved. */
static char *
find_tables_extension(const char *option, GError **error)
{
  if (option != NULL)
    return g_canonicalize_filename(option, NULL);
  g_autofree char *program = g_file_read_link("/proc/self/exe", error);
  if (program == NULL)
    return NULL;
  g_autofree char *directory = g_path_get_dirname(program);
  g_autofree char *beside = g_build_filename(directory, TABLES_EXTENSION, NULL);
  g_autofree char *unresolved = g_build_filename(directory, BIN_TO_LIBEXEC, TABLES_EXTENSION, NULL);
  g_autofree char *installed = g_canonicalize_filename(unresolved, NULL);
  if (g_file_test(beside, G_FILE_TEST_EXISTS))
    return g_steal_pointer(&beside);
  if (g_file_test(installed, G_FILE_TEST_EXISTS))
    return g_steal_pointer(&installed);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
              "the tables extension is neither %s nor %s (name it with --tables_extension=PATH, or "
              "do without: --notables)",
              beside, installed);
  return NULL;
}

static gboolean
same_file(const char *a, const char *b)
{
  struct stat status_a;
  struct stat status_b;
  return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 && status_a.st_dev == status_b.st_dev &&
         status_a.st_ino == status_b.st_ino;
}

static gboolean
listed(const Loader *loader, const char *path)
{
  g_autofree char *name = g_path_get_basename(path);
  for (guint i = 0; i < loader->extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(loader->extensions, i);
    if ((extension->is_tables || strcmp(extension->name, name) == 0) &&
        same_file(extension->path, path))
      return TRUE;
  }
  return FALSE;
}

static void
add(const Loader *loader, const char *path, gboolean is_tables)
{
  WdManagedExtension *extension = g_new0(WdManagedExtension, 1);
  extension->path = g_strdup(path);
  extension->name = g_path_get_basename(path);
  extension->is_tables = is_tables;
  g_ptr_array_add(loader->extensions, extension);
}

/* Keeps ".." as it is, because behind a link it isn't the directory that the text names. */
static char *
make_absolute(const char *path)
{
  g_autofree char *here = g_get_current_dir();
  return g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(here, path, NULL);
}

/* @path: as it is listed. As osquery, starts it by its absolute path. */
static void
consider(const Loader *loader, const char *path)
{
  g_autoptr(GError) error = NULL;
  if (listed(loader, path))
    return;
  if (loader->extensions->len >= EXTENSIONS_MAX)
    wd_settings_warn(loader->warnings, "extension not loaded: %s: more than %d extensions", path,
                     EXTENSIONS_MAX);
  else if (!wd_extensions_load_accepts(path))
    wd_settings_warn(loader->warnings, "extension not loaded: %s: its name does not end in .ext",
                     path);
  else if (!wd_program_file_check(path, loader->allow_unsafe, &error))
    wd_settings_warn(loader->warnings, "extension not loaded: %s", error->message);
  else {
    g_autofree char *absolute = make_absolute(path);
    add(loader, absolute, FALSE);
  }
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  const char *const *name_a = a;
  const char *const *name_b = b;
  return strcmp(*name_a, *name_b);
}

static gboolean
visit(const Loader *loader, const struct stat *directory)
{
  return g_hash_table_add(loader->visited,
                          g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                                          (guint64)directory->st_dev, (guint64)directory->st_ino));
}

/* Considers the .ext files below a directory, in a fixed order. As osquery, follows links, and
 * leaves out hidden files and directories in @directory itself, but not those below. */
static void
consider_directory(const Loader *loader, const char *directory, guint depth)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) entries = g_dir_open(directory, 0, &error);
  if (entries == NULL) {
    wd_settings_warn(loader->warnings, "extensions not loaded: %s", error->message);
    return;
  }
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (const char *name = g_dir_read_name(entries); name != NULL; name = g_dir_read_name(entries))
    g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *path = g_build_filename(directory, g_ptr_array_index(names, i), NULL);
    struct stat status;
    if (depth == 0 && g_str_has_prefix(g_ptr_array_index(names, i), "."))
      continue;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
      if (depth < DEPTH_MAX && visit(loader, &status))
        consider_directory(loader, path, depth + 1);
    } else if (wd_extensions_load_accepts(path)) {
      consider(loader, path);
    }
  }
}

/* Extensions that share a file name are called by their paths. */
static void
name_apart(const GPtrArray *extensions)
{
  for (guint i = 0; i < extensions->len; i++) {
    WdManagedExtension *extension = g_ptr_array_index(extensions, i);
    g_autofree char *name = g_path_get_basename(extension->path);
    for (guint j = 0; j < extensions->len; j++) {
      const WdManagedExtension *other = g_ptr_array_index(extensions, j);
      g_autofree char *other_name = g_path_get_basename(other->path);
      if (i == j || strcmp(name, other_name) != 0)
        continue;
      g_free(extension->name);
      extension->name = g_strdup(extension->path);
      break;
    }
  }
}

static void
add_tables_extension(const Loader *loader, const WdSettings *settings)
{
  if (!settings->tables)
    return;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = find_tables_extension(settings->tables_extension, &error);
  if (path != NULL && wd_program_file_check(path, loader->allow_unsafe, &error))
    add(loader, path, TRUE);
  else
    wd_settings_warn(loader->warnings, "no tables are served: %s", error->message);
}

static void
consider_lines(const Loader *loader, const char *text, gsize length)
{
  g_auto(GStrv) paths = wd_extensions_load_parse(text, length);
  for (gsize i = 0; paths[i] != NULL; i++) {
    /* Not canonical by its text alone, because of links before "..". */
    g_autofree char *directory =
        g_file_test(paths[i], G_FILE_TEST_IS_DIR) ? realpath(paths[i], NULL) : NULL;
    if (wd_text_kind(paths[i], strlen(paths[i])) == WD_TEXT_BOM)
      wd_settings_warn(
          loader->warnings,
          "extension not loaded: %s: the file begins with a byte order mark, which osquery takes "
          "for a part of this path",
          paths[i]);
    else if (directory != NULL)
      consider_directory(loader, directory, 0);
    else
      consider(loader, paths[i]);
  }
}

/* A missing file is the same as an empty one. */
static void
add_autoloaded(const Loader *loader, const char *autoload, GError **unreadable)
{
  g_autoptr(GError) failure = NULL;
  gsize length;
  g_autofree char *text = wd_text_file_read(autoload, &length, &failure);
  if (text == NULL) {
    if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      g_propagate_error(unreadable, g_steal_pointer(&failure));
    return;
  }
  if (wd_text_kind(text, length) == WD_TEXT_UTF16) {
    g_set_error(unreadable, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "%s: is UTF-16 text; save it as UTF-8", autoload);
    return;
  }
  if (strlen(text) < length)
    wd_settings_warn(loader->warnings,
                     "%s: has a NUL byte: of a line with one, only what is before it is read",
                     autoload);
  consider_lines(loader, text, length);
}

GPtrArray *
wd_managed_extensions_list(const WdSettings *settings, GPtrArray *warnings, GError **unreadable)
{
  g_autoptr(GPtrArray) extensions = g_ptr_array_new_with_free_func(extension_free);
  g_autoptr(GHashTable) visited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  const Loader loader = {
      .extensions = extensions,
      .warnings = warnings,
      .allow_unsafe = settings->allow_unsafe,
      .visited = visited,
  };
  if (!settings->limits.manager)
    return g_steal_pointer(&extensions);
  add_tables_extension(&loader, settings);
  add_autoloaded(&loader, settings->extensions_autoload, unreadable);
  name_apart(extensions);
  return g_steal_pointer(&extensions);
}
