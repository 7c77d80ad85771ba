/* The section "Query": which one a worker was executing, how that is known, and what follows. */
#pragma once

#include "tables/ctl/advice/finding.h"
#include "tables/ctl/explain/chain.h"
#include "tables/ctl/explain/section.h"

G_BEGIN_DECLS

/* @finding: of the chain's main event. Returns: FALSE with @error. */
gboolean ctl_query_print(const CtlSections *sections, const CtlChain *chain,
                         const CtlFinding *finding, GError **error);

G_END_DECLS
