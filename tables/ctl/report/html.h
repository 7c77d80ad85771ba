/* Writing HTML. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends to @page, as printf; what %s stands for is escaped, for text and quoted attributes alike.
 */
void ctl_html(GString *page, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Begins a section of the page, with its heading. */
void ctl_html_section(GString *page, const char *id, const char *title);

G_END_DECLS
