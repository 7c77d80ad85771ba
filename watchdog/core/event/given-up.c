#include "watchdog/core/event/given-up.h"

#include <string.h>

#include "watchdog/core/event/json.h"

WdGivenUp *
wd_given_up_new(const char *path, const char *details, gint64 left_s)
{
  WdGivenUp *given_up = g_new(WdGivenUp, 1);
  *given_up = (WdGivenUp){.path = g_strdup(path), .details = g_strdup(details), .left_s = left_s};
  return given_up;
}

void
wd_given_up_free(WdGivenUp *given_up)
{
  g_free(given_up->path);
  g_free(given_up->details);
  g_free(given_up);
}

WdGivenUp *
wd_given_up_find(const GPtrArray *list, const char *path, const char *file)
{
  g_autofree char *details = wd_given_up_details(file, WD_GIVEN_UP_WITH_ALL);
  for (guint i = 0; i < list->len; i++) {
    WdGivenUp *given_up = g_ptr_array_index(list, i);
    if (strcmp(given_up->path, path) == 0 && strcmp(given_up->details, details) == 0)
      return given_up;
  }
  return NULL;
}

char *
wd_given_up_details(const char *file, WdGivenUpHow how)
{
  GString *json = g_string_new("{");
  wd_json_append_text(json, "file", file);
  wd_json_append_key(json, "ended_osquery");
  g_string_append(json, how == WD_GIVEN_UP_WITH_ALL || how == WD_GIVEN_UP_ALONE_AGAIN ? "true}"
                                                                                      : "false}");
  return g_string_free(json, FALSE);
}

static const char *
consequence(WdGivenUpHow how)
{
  switch (how) {
  case WD_GIVEN_UP_WITH_ALL:
    return ". This ends osquery, but only once: if it is started again within a day, it goes "
           "on without the extension. Fix the extension, remove it from extensions.load, or use "
           "--extension_give_up=abandon";
  case WD_GIVEN_UP_ALONE:
    return "";
  case WD_GIVEN_UP_ALONE_AGAIN:
    return ". It ended osquery within the last day, so osquery goes on without it and tries it "
           "now and then. Fix it, or remove it from extensions.load";
  case WD_GIVEN_UP_ALONE_UNREMEMBERED:
    return ". The history can't remember that it ended osquery, so osquery goes on without it and "
           "tries it now and then. Fix it, or remove it from extensions.load";
  }
  g_return_val_if_reached("");
}

char *
wd_given_up_message(const char *path, WdGivenUpHow how)
{
  return g_strconcat("Too many extension restarts: ", path, consequence(how), NULL);
}
