/* osqueryd's command line and flagfiles, read as gflags reads them (facts: the syntax, and what is
 * fatal where). Only the flags that matter here are known, and the common ones, so that a real
 * command line is accepted. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STAND_FLAGS_ERROR stand_flags_error_quark()
GQuark stand_flags_error_quark(void);

typedef enum {
  STAND_FLAG_BOOL,
  STAND_FLAG_INT32,
  STAND_FLAG_UINT64,
  STAND_FLAG_STRING,
} StandFlagType;

/* Under which heading --help shows it. */
typedef enum {
  STAND_FLAG_CLI,
  STAND_FLAG_CONFIG, /* a config may set it, too */
  STAND_FLAG_HIDDEN,
  STAND_FLAG_GFLAGS, /* gflags' and glog's: not shown among the others */
  STAND_FLAG_OWN,    /* the stand-in's */
} StandFlagPlace;

typedef struct {
  const char *name;
  StandFlagType type;
  const char *default_value;
  StandFlagPlace place;
} StandFlag;

/* gflags' name of @type. Static. */
const char *stand_flag_type_name(StandFlagType type);

typedef struct StandFlags StandFlags;

/* Reads a whole file. Returns: its text, newly allocated; or NULL with @error. */
typedef char *(*StandReadFile)(const char *path, gpointer user_data, GError **error);

/* @argv: NULL-terminated, the program first. @first_flagfile: applied before argv, or NULL.
 * Returns: NULL with the line that gflags ends the program with. */
StandFlags *stand_flags_parse(const char *const *argv, const char *first_flagfile,
                              StandReadFile read_file, gpointer user_data, GError **error);
void stand_flags_free(StandFlags *flags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandFlags, stand_flags_free)

/* All flags there are; @n: how many. Static. */
const StandFlag *stand_flags_known(guint *n);

/* The value in force of a known flag; borrowed. Booleans are "true" or "false". */
const char *stand_flags_text(const StandFlags *flags, const char *name);
gboolean stand_flags_is_set(const StandFlags *flags, const char *name); /* given at all */
gboolean stand_flags_bool(const StandFlags *flags, const char *name);
gint64 stand_flags_number(const StandFlags *flags, const char *name); /* 0 when it is none */

G_END_DECLS
