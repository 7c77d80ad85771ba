/* Prepares the generated types for use. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Registers every generated type, because Thrift doesn't do so in a thread-safe way, and repairs
 * their finalizers. Call it once, before any thread starts and before anything else in thrift/. */
void wire_init(void);

/* Makes @type's class call GObject's finalizer after its own. Thrift 0.17's classes don't, which
 * leaks memory with every object. A class that already does (a newer Thrift) is left alone.
 * Returns: TRUE if it was repaired. wire_init() and tests use this. */
gboolean wire_type_repair(GType type);

G_END_DECLS
