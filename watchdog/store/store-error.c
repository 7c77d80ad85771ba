#include "watchdog/store/store-error.h"

G_DEFINE_QUARK(wd - store - error, wd_store_error)
