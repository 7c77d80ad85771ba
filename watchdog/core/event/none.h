#pragma once

#include <glib.h>

/* "Does not apply" for every gint64 that is measured, recorded or shown; SQL NULL in the tables. */
#define WD_NONE G_MININT64
