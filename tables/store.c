#include "tables/store.h"

#include "tables/processes.h"
#include "tables/source.h"
#include "watchdog/store/reader.h"

#include <sys/stat.h>

typedef struct {
  char *directory;
  char *path;
  sqlite3 *db; /* NULL: not open */
  dev_t device;
  ino_t inode;       /* of the open file; no other file gets this number while it is open */
  gboolean has_wal;  /* FALSE: later writes aren't visible through this connection */
  guint64 columns;   /* bit set: those of the table that the file has */
  gboolean complete; /* FALSE: it lacks some, until its writer brings it up to date */
  gboolean too_old;  /* it lacks all of them */
} Connection;

/* So many of SQLite's instructions take a millisecond or two. */
#define BREATH_INSTRUCTIONS 10000

struct TableStore {
  Connection connections[TABLE_N_SOURCES];
  void (*breathe)(gpointer user_data); /* NULL: not needed */
  gpointer user_data;
  gboolean (*may_read)(const char *directory, gpointer user_data); /* NULL: everything */
  gpointer may_read_data;
  gboolean demands_files;
};

TableStore *
table_store_new(const char *state_dir, const char *runtime_dir)
{
  TableStore *store = g_new0(TableStore, 1);
  for (guint i = 0; i < TABLE_N_SOURCES; i++) {
    const TableSource *source = &table_sources[i];
    Connection *connection = &store->connections[i];
    connection->directory =
        g_canonicalize_filename(source->in_state_dir ? state_dir : runtime_dir, NULL);
    connection->path = g_build_filename(connection->directory, source->file, NULL);
  }
  return store;
}

void
table_store_free(TableStore *store)
{
  if (store == NULL)
    return;
  for (guint i = 0; i < TABLE_N_SOURCES; i++) {
    sqlite3_close_v2(store->connections[i].db);
    g_free(store->connections[i].directory);
    g_free(store->connections[i].path);
  }
  g_free(store);
}

void
table_store_set_breather(TableStore *store, void (*breathe)(gpointer user_data), gpointer user_data)
{
  store->breathe = breathe;
  store->user_data = user_data;
}

void
table_store_demand_files(TableStore *store)
{
  store->demands_files = TRUE;
}

void
table_store_guard(TableStore *store,
                  gboolean (*may_read)(const char *directory, gpointer user_data),
                  gpointer user_data)
{
  store->may_read = may_read;
  store->may_read_data = user_data;
}

static int
on_progress(void *data)
{
  TableStore *store = data;
  if (store->breathe != NULL)
    store->breathe(store->user_data);
  return 0; /* go on */
}

const char *
table_store_path(const TableStore *store, const WdTable *table)
{
  return store->connections[table_source_index(table)].path;
}

/* Columns are added to tables only: a view has all of its own. */
static gboolean
has_column(sqlite3 *db, const WdTable *table, guint i)
{
  return table->columns[i].value == WD_VALUE_DERIVED ||
         wd_database_has_column(db, table->stored, table->columns[i].name);
}

static gboolean
find_columns(Connection *connection, const TableSource *source, sqlite3 *db, GError **error)
{
  gint64 version;
  if (!wd_database_integer(db, "PRAGMA user_version", &version, error))
    return FALSE;
  connection->columns = 0;
  connection->too_old = version < source->since;
  connection->complete = !connection->too_old;
  for (guint i = 0; i < source->table->n_columns && !connection->too_old; i++)
    if (has_column(db, source->table, i))
      connection->columns |= G_GUINT64_CONSTANT(1) << i;
    else
      connection->complete = FALSE;
  return TRUE;
}

gboolean
table_store_connect(TableStore *store, guint source, sqlite3 **db, guint64 *columns, GError **error)
{
  Connection *connection = &store->connections[source];
  *db = NULL;
  *columns = 0;
  if (store->may_read != NULL && !store->may_read(connection->directory, store->may_read_data)) {
    g_clear_pointer(&connection->db, sqlite3_close_v2);
    return TRUE;
  }
  /* Before opening, so that the next call notices a file that was replaced meanwhile. */
  struct stat info = {0};
  gboolean exists = stat(connection->path, &info) == 0;
  gboolean has_wal = wd_reader_has_wal(connection->path);
  gboolean same = exists && info.st_dev == connection->device && info.st_ino == connection->inode;
  if (connection->db != NULL && !(same && has_wal && connection->has_wal && connection->complete))
    g_clear_pointer(&connection->db, sqlite3_close_v2);

  if (connection->db == NULL) {
    g_autoptr(GError) failure = NULL;
    g_autoptr(sqlite3) opened =
        wd_reader_open(connection->path, table_sources[source].schema, &failure);
    if (opened != NULL && table_processes_prepare(opened) != SQLITE_OK)
      wd_database_set_error(opened, &failure);
    if (failure == NULL)
      (void)find_columns(connection, &table_sources[source], opened, &failure);
    if (failure != NULL) {
      if (!store->demands_files && g_error_matches(failure, WD_STORE_ERROR, WD_STORE_ERROR_MISSING))
        return TRUE;
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    sqlite3_progress_handler(opened, BREATH_INSTRUCTIONS, on_progress, store);
    connection->db = g_steal_pointer(&opened);
    connection->device = info.st_dev;
    connection->inode = info.st_ino;
    connection->has_wal = has_wal;
  }
  *columns = connection->columns;
  *db = connection->too_old ? NULL : connection->db;
  return TRUE;
}
