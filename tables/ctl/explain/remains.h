/* What a process left behind: the sections "Last words" and "Core dump". */
#pragma once

#include "tables/ctl/explain/section.h"

G_BEGIN_DECLS

/* @eid: of its end. Returns: FALSE with @error. */
gboolean ctl_remains_print(const CtlSections *sections, gint64 eid, GError **error);

G_END_DECLS
