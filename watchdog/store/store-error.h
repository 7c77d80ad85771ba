/* The faults of the store's files. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_STORE_ERROR wd_store_error_quark()
GQuark wd_store_error_quark(void);

typedef enum {
  WD_STORE_ERROR_BUSY,    /* locked by another process: try again */
  WD_STORE_ERROR_IO,      /* full, read-only, missing, EIO: try again */
  WD_STORE_ERROR_CORRUPT, /* not a database, or malformed: recover */
  WD_STORE_ERROR_MOVED,   /* its files are gone or replaced: recover */
  WD_STORE_ERROR_NEWER,   /* a schema of a newer version than ours: leave alone */
  WD_STORE_ERROR_MISSING, /* readers only: there is no file, or nothing in it yet */
} WdStoreError;

/* Sets @error to the formatted line. Returns: FALSE. */
gboolean wd_store_fail(GError **error, WdStoreError code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

G_END_DECLS
