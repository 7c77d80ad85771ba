#include "watchdog/look/managed-extensions.h"

#include <string.h>
#include <sys/stat.h>

#include "watchdog/core/settings/extensions-load.h"
#include "watchdog/look/program-file.h"
#include "watchdog/look/text-file.h"
#include "watchdog/record/log.h"

#define TABLES_EXTENSION "osquery-watchdog.ext"
/* A line of extensions.load may name a directory with half the file system below it. */
#define DEPTH_MAX 16
#define EXTENSIONS_MAX 256

typedef struct {
  GPtrArray *extensions;
  gboolean allow_unsafe;
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
  for (guint i = 0; i < loader->extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(loader->extensions, i);
    if (same_file(extension->path, path))
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

static void
consider(const Loader *loader, const char *path)
{
  g_autoptr(GError) error = NULL;
  if (listed(loader, path))
    return;
  if (loader->extensions->len >= EXTENSIONS_MAX)
    wd_logf("extension not loaded: %s: more than %d extensions", path, EXTENSIONS_MAX);
  else if (!wd_extensions_load_accepts(path))
    wd_logf("extension not loaded: %s: its name does not end in .ext", path);
  else if (!wd_program_file_check(path, loader->allow_unsafe, &error))
    wd_logf("extension not loaded: %s", error->message);
  else
    add(loader, path, FALSE);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
  const char *const *name_a = a;
  const char *const *name_b = b;
  return strcmp(*name_a, *name_b);
}

/* Considers the .ext files below a directory, in a fixed order. It follows no symbolic links to
 * directories, because they may form a circle. */
static void
consider_directory(const Loader *loader, const char *directory, guint depth)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GDir) entries = g_dir_open(directory, 0, &error);
  if (entries == NULL) {
    wd_logf("extensions not loaded: %s", error->message);
    return;
  }
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (const char *name = g_dir_read_name(entries); name != NULL; name = g_dir_read_name(entries))
    g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *path = g_build_filename(directory, g_ptr_array_index(names, i), NULL);
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
      if (depth < DEPTH_MAX)
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

static gboolean
add_tables_extension(const Loader *loader, const WdSettings *settings, GError **error)
{
  if (!settings->tables)
    return TRUE;
  g_autofree char *path = find_tables_extension(settings->tables_extension, error);
  if (path == NULL || !wd_program_file_check(path, loader->allow_unsafe, error))
    return FALSE;
  add(loader, path, TRUE);
  return TRUE;
}

/* A missing file is the same as an empty one. */
static void
add_autoloaded(const Loader *loader, const char *autoload, GError **unreadable)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *text = wd_text_file_read(autoload, &failure);
  if (text == NULL) {
    if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      g_propagate_error(unreadable, g_steal_pointer(&failure));
    return;
  }
  g_auto(GStrv) paths = wd_extensions_load_parse(text);
  for (gsize i = 0; paths[i] != NULL; i++) {
    if (g_file_test(paths[i], G_FILE_TEST_IS_DIR))
      consider_directory(loader, paths[i], 0);
    else
      consider(loader, paths[i]);
  }
}

GPtrArray *
wd_managed_extensions_list(const WdSettings *settings, GError **unreadable, GError **error)
{
  g_autoptr(GPtrArray) extensions = g_ptr_array_new_with_free_func(extension_free);
  const Loader loader = {.extensions = extensions, .allow_unsafe = settings->allow_unsafe};
  if (!settings->limits.manager)
    return g_steal_pointer(&extensions);
  if (!add_tables_extension(&loader, settings, error))
    return NULL;
  add_autoloaded(&loader, settings->extensions_autoload, unreadable);
  name_apart(extensions);
  return g_steal_pointer(&extensions);
}
