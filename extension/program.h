/* The running extension: carries out the registration's plans until one of them is to end. */
#pragma once

#include "extension/options.h"

G_BEGIN_DECLS

/* Returns: the exit code. Errors go to stderr. */
int ext_program_run(const ExtOptions *options);

G_END_DECLS
