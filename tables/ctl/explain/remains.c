#include "tables/ctl/explain/remains.h"

#include "tables/ctl/print/text.h"
#include "watchdog/store/database.h"

#include <string.h>

#define MOST_LINES 5

static const char remains_sql[] =
    "SELECT last_output, core_dumped, iif(json_valid(details), details ->> '$.coredump', NULL)"
    " FROM watchdog_events WHERE eid = ?1";

static void
print_last_words(const CtlSections *sections, const char *output)
{
  g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
  guint n = g_strv_length(lines);
  if (n > 0 && *lines[n - 1] == '\0') /* behind the last line break */
    n--;
  const char *label = "Last words";
  const guint hidden = n > MOST_LINES ? n - MOST_LINES : 0;
  if (hidden > 0) {
    g_autofree char *text = g_strdup_printf("(%u more before: --line shows all)", hidden);
    ctl_section_print(sections, label, text);
    label = "";
  }
  for (guint i = hidden; i < n; i++) {
    g_autofree char *text = ctl_visible(lines[i]);
    ctl_section_print(sections, label, text);
    label = "";
  }
}

/* A command must not do more than it shows, whoever wrote the history. */
static gboolean
are_matches(const char *text)
{
  return text != NULL && g_regex_match_simple("^[A-Z_]+=[0-9a-f]+( [A-Z_]+=[0-9a-f]+)*$", text,
                                              G_REGEX_DOLLAR_ENDONLY, 0);
}

gboolean
ctl_remains_print(const CtlSections *sections, gint64 eid, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(sections->ctl, remains_sql, &eid, error);
  const int result = ctl_step(sections->ctl, stmt, error);
  if (result != SQLITE_ROW)
    return result == SQLITE_DONE;
  const char *output = (const char *)sqlite3_column_text(stmt, 0);
  if (output != NULL)
    print_last_words(sections, output);
  if (sqlite3_column_int(stmt, 1) != 1)
    return TRUE;
  const char *matches = (const char *)sqlite3_column_text(stmt, 2);
  g_autofree char *text =
      are_matches(matches)
          ? g_strdup_printf("A core dump was written: coredumpctl info %s", matches)
          : g_strdup("A core dump was written.");
  ctl_section_print(sections, "Core dump", text);
  return TRUE;
}
