/* The sections of a story: a label, and text beside it. */
#pragma once

#include "tables/ctl/print/terminal.h"
#include "tables/ctl/session.h"

G_BEGIN_DECLS

typedef struct {
  const Ctl *ctl;
  CtlTerminal terminal;
} CtlSections;

/* @label: "": @text continues the section before. @text: visible text, one paragraph. */
void ctl_section_print(const CtlSections *sections, const char *label, const char *text);

G_END_DECLS
