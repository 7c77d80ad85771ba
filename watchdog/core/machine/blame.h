/* Which exits count against an extension.
 *
 * An exit proves something only while the worker answers and doesn't list the registration of the
 * process before (seen on osqueryd 5.23.1). While the worker enrols with a server that it can't
 * reach, its manager accepts connections and answers nothing. While a query on another extension's
 * table runs, it keeps the registration of an extension that has died, and refuses the next one as
 * a duplicate. Osquery's own watcher tries such an extension at each check, for hours.
 *
 * What the worker did at the moment of an exit is known for sure only from the next report. So an
 * exit counts at once, but is withdrawn if that report shows an excuse, or never comes. Only an
 * exit that is proven gives an extension up. An excuse lasts a while: after a long query osqueryd
 * was seen to need 50 s until it took registrations again. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Why an exit of @process now isn't its own doing: WD_REASON_WORKER_SILENT or
 * WD_REASON_REGISTRATION. WD_REASON_NONE: it counts, as does any exit of the worker, and of the
 * tables extension, because nothing is reported without it. */
WdReason wd_blame_excuse(const WdMachine *machine, WdProcess *process);

/* Whether the report that has just come proves the last exit of @extension that counted. */
gboolean wd_blame_proves(const WdMachine *machine, WdProcess *extension);

/* Whether anything is ever reported of the worker: FALSE with --notables. */
gboolean wd_blame_hears(const WdMachine *machine);

/* The last exit of @process that counted doesn't count. If it still waits, it is started again, but
 * not before @earliest_us. */
void wd_blame_withdraw(WdProcess *process, gint64 earliest_us);

/* The next end of @process is about to be judged. If no report has proven its last exit by now,
 * none ever will. */
void wd_blame_forget(WdProcess *process);

G_END_DECLS
