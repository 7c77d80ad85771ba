/* Getting the generated types ready. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Touches every generated type, because Thrift's registration of types is not thread-safe, and
 * mends their finalizers. Call it once, before any thread starts and before anything else of this
 * layer. */
void wire_init(void);

/* Thrift 0.17's finalizers don't chain up to GObject's, which leaks some memory with every object.
 * Has
 * @type's class call both. A class that chains up by itself (a newer Thrift) is left alone.
 * Returns: TRUE when there was something to mend. */
gboolean wire_type_mend(GType type);

G_END_DECLS
