/* Makes the generated types ready for use. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Touches every generated type, because Thrift's registration of types is not thread-safe, and
 * mends their finalizers. Call it once, before any thread starts and before anything else of this
 * layer. */
void wire_init(void);

/* Makes @type's class call GObject's finalizer after its own: those of Thrift 0.17 don't, which
 * leaks some memory with every object. A class that does so by itself (a newer Thrift) is left
 * alone. Returns: TRUE when it was mended. For wire_init(); tests call it for types of their own.
 */
gboolean wire_type_mend(GType type);

G_END_DECLS
