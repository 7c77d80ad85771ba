#include "watchdog/core/event/json.h"

#include "watchdog/core/event/none.h"

#include <string.h>

#define DEEPEST 100

void
wd_json_append_string(GString *json, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  g_string_append_c(json, '"');
  for (const char *at = valid; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      g_string_append_printf(json, "\\%c", *at);
    else if (g_ascii_iscntrl(*at))
      g_string_append_printf(json, "\\u%04x", (guint)*at);
    else
      g_string_append_c(json, *at);
  }
  g_string_append_c(json, '"');
}

void
wd_json_separate(GString *json)
{
  if (json->len > 0 && strchr("{[", json->str[json->len - 1]) == NULL)
    g_string_append_c(json, ',');
}

void
wd_json_append_key(GString *json, const char *key)
{
  wd_json_separate(json);
  g_string_append_printf(json, "\"%s\":", key);
}

void
wd_json_append_text(GString *json, const char *key, const char *text)
{
  wd_json_append_key(json, key);
  if (text == NULL)
    g_string_append(json, "null");
  else
    wd_json_append_string(json, text);
}

void
wd_json_append_number(GString *json, const char *key, gint64 value)
{
  wd_json_append_key(json, key);
  if (value == WD_NONE)
    g_string_append(json, "null");
  else
    g_string_append_printf(json, "%" G_GINT64_FORMAT, value);
}

char *
wd_json_number(const char *key, gint64 value)
{
  GString *json = g_string_new("{");
  wd_json_append_number(json, key, value);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

/* --- validity: each skips at @at what it is named after; NULL: something else stands there --- */

static const char *
skip_space(const char *at)
{
  return at + strspn(at, " \t\n\r");
}

static const char *
skip_digits(const char *at)
{
  const gsize n = strspn(at, "0123456789");
  return n > 0 ? at + n : NULL;
}

static const char *
skip_number(const char *at)
{
  at += *at == '-' ? 1 : 0;
  at = *at == '0' ? at + 1 : skip_digits(at);
  if (at != NULL && *at == '.')
    at = skip_digits(at + 1);
  if (at == NULL || (*at != 'e' && *at != 'E'))
    return at;
  at++;
  return skip_digits(*at == '+' || *at == '-' ? at + 1 : at);
}

static const char *
skip_escape(const char *at)
{
  if (*at != 'u')
    return *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
  for (guint i = 1; i <= 4; i++)
    if (!g_ascii_isxdigit(at[i]))
      return NULL;
  return at + 5;
}

static const char *
skip_string(const char *at)
{
  if (*at != '"')
    return NULL;
  at++;
  while (at != NULL && *at != '"') {
    if ((guchar)*at < ' ') /* the end, too */
      return NULL;
    at = *at == '\\' ? skip_escape(at + 1) : at + 1;
  }
  return at != NULL ? at + 1 : NULL;
}

static const char *
skip_literal(const char *at)
{
  static const char *const literals[] = {"true", "false", "null"};
  for (gsize i = 0; i < G_N_ELEMENTS(literals); i++)
    if (g_str_has_prefix(at, literals[i]))
      return at + strlen(literals[i]);
  return NULL;
}

static const char *
skip_key(const char *at)
{
  at = skip_string(at);
  if (at == NULL)
    return NULL;
  at = skip_space(at);
  return *at == ':' ? skip_space(at + 1) : NULL;
}

static const char *skip_value(const char *at, guint depth);

/* @at: behind the opening bracket. */
static const char *
skip_members(const char *at, char end, guint depth)
{
  at = skip_space(at);
  if (*at == end)
    return at + 1;
  for (;;) {
    if (end == '}')
      at = skip_key(at);
    if (at != NULL)
      at = skip_value(at, depth);
    if (at == NULL)
      return NULL;
    at = skip_space(at);
    if (*at == end)
      return at + 1;
    if (*at != ',')
      return NULL;
    at = skip_space(at + 1);
  }
}

static const char *
skip_value(const char *at, guint depth)
{
  switch (*at) {
  case '{':
    return depth < DEEPEST ? skip_members(at + 1, '}', depth + 1) : NULL;
  case '[':
    return depth < DEEPEST ? skip_members(at + 1, ']', depth + 1) : NULL;
  case '"':
    return skip_string(at);
  case 't':
  case 'f':
  case 'n':
    return skip_literal(at);
  default:
    return skip_number(at);
  }
}

gboolean
wd_json_is_valid(const char *text)
{
  const char *end = skip_value(skip_space(text), 0);
  return end != NULL && *skip_space(end) == '\0';
}
