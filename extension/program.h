/* The running extension: has the registration's plans carried out, until one says to end. */
#pragma once

#include "extension/options.h"

G_BEGIN_DECLS

/* Returns: the exit code. What went wrong stands on stderr. */
int ext_program_run(const ExtOptions *options);

G_END_DECLS
