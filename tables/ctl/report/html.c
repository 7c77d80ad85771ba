#include "tables/ctl/report/html.h"

#include <stdarg.h>

void
ctl_html(GString *page, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_markup_vprintf_escaped(format, arguments);
  va_end(arguments);
  g_string_append(page, text);
}

void
ctl_html_section(GString *page, const char *id, const char *title)
{
  ctl_html(page, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id, title);
}
