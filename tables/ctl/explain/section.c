#include "tables/ctl/explain/section.h"

#define LABEL_WIDTH 12

void
ctl_section_print(const CtlSections *sections, const char *label, const char *text)
{
  const CtlTerminal *terminal = &sections->terminal;
  FILE *out = sections->ctl->out;
  fprintf(out, "%s%-*s%s", ctl_colour_begin(terminal, CTL_COLOUR_BOLD), LABEL_WIDTH, label,
          ctl_colour_end(terminal, CTL_COLOUR_BOLD));
  ctl_print_wrapped(terminal, text, LABEL_WIDTH, out);
}
