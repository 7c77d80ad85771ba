/* Reads one flag of a command line by gflags' rules (src/gflags.cc, SplitArgumentLocked), for
 * osquery-watchdogd and osqueryd (gflags.h) and for osquery-watchdog.ext (extension/options.h).
 *
 * `--name=value`, `--name value` (not for booleans), `-name`, `--bool`, `--nobool`; dashes in a
 * name stand for underscores. `--nobool=anything` is false. An unknown flag takes no value: in
 * `--unknown x`, x is an argument. */
#pragma once

#include "watchdog/core/settings/flag-value.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* with underscores */
  WdFlagType type;
  const char *initial; /* the value if it isn't given; valid for the type */
} WdFlagSpec;

/* @name: with dashes or underscores. Returns: its spec; NULL: none of @specs has the name. */
const WdFlagSpec *wd_flag_spec_find(const WdFlagSpec *specs, gsize n_specs, const char *name);

typedef struct {
  char *name;             /* owned: as given, without leading dashes and value */
  const WdFlagSpec *spec; /* borrowed; NULL: unknown */
  const char *value;      /* borrowed from the word, or static; NULL: none */
} WdFlagWord;

/* The flag at @argv[*@i], which begins with '-'. If its value is the next word, *@i is advanced to
 * it. */
WdFlagWord wd_flag_word_take(const WdFlagSpec *specs, gsize n_specs, const char *const *argv,
                             gsize *i);

void wd_flag_word_clear(WdFlagWord *word);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WdFlagWord, wd_flag_word_clear)

G_END_DECLS
