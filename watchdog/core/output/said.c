#include "watchdog/core/output/said.h"

#include "watchdog/core/event/safe-text.h"

#include <string.h>

/* glog writes a message with one write, so its lines come together. A line that comes later is not
 * part of it: a runtime writes so why it aborts. */
#define MESSAGE_US (500 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  const char *at;
  gsize length;
} Span;

typedef struct {
  WdStatement statement; /* its query is that of @query */
  GString *query;
} Kept;

struct WdSaid {
  Kept schedule, distributed;
  WdOrigin open; /* whose query goes on in the next line, unless that begins a message */
  gint64 line_us;
};

WdSaid *
wd_said_new(void)
{
  return g_new0(WdSaid, 1);
}

static void
kept_clear(Kept *kept)
{
  g_free(kept->statement.name);
  if (kept->query != NULL)
    g_string_free(kept->query, TRUE);
  *kept = (Kept){0};
}

void
wd_said_free(WdSaid *said)
{
  if (said == NULL)
    return;
  wd_said_forget(said);
  g_free(said);
}

void
wd_said_forget(WdSaid *said)
{
  kept_clear(&said->schedule);
  kept_clear(&said->distributed);
  said->open = WD_ORIGIN_NONE;
}

void
wd_said_end_message(WdSaid *said)
{
  said->open = WD_ORIGIN_NONE;
}

static void
kept_copy(const Kept *kept, Kept *copy)
{
  *copy = *kept;
  copy->statement.name = g_strdup(kept->statement.name);
  if (kept->query == NULL)
    return;
  copy->query = g_string_new_len(kept->query->str, (gssize)kept->query->len);
  copy->statement.query = copy->query->str;
}

WdSaid *
wd_said_copy(const WdSaid *said)
{
  WdSaid *copy = wd_said_new();
  *copy = *said;
  kept_copy(&said->schedule, &copy->schedule);
  kept_copy(&said->distributed, &copy->distributed);
  return copy;
}

static Kept *
kept_of(WdSaid *said, WdOrigin origin)
{
  return origin == WD_ORIGIN_SCHEDULE ? &said->schedule : &said->distributed;
}

const WdStatement *
wd_said_statement(const WdSaid *said, WdOrigin origin)
{
  const Kept *kept = origin == WD_ORIGIN_SCHEDULE      ? &said->schedule
                     : origin == WD_ORIGIN_DISTRIBUTED ? &said->distributed
                                                       : NULL;
  return kept != NULL && kept->statement.name != NULL ? &kept->statement : NULL;
}

void
wd_said_note_idle(WdSaid *said, WdOrigin origin, gint64 now_us)
{
  const WdStatement *statement = wd_said_statement(said, origin);
  if (statement != NULL && statement->idle_us == WD_NONE && now_us >= statement->said_us)
    kept_of(said, origin)->statement.idle_us = now_us;
}

/* --- the beginning of a message --- */

static void
skip(Span *rest, gsize length)
{
  rest->at += length;
  rest->length -= length;
}

/* Takes what matches @pattern, in which each 0 is a digit. */
static gboolean
take_pattern(Span *rest, const char *pattern)
{
  const gsize length = strlen(pattern);
  if (rest->length < length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (pattern[i] == '0' ? !g_ascii_isdigit(rest->at[i]) : rest->at[i] != pattern[i])
      return FALSE;
  skip(rest, length);
  return TRUE;
}

/* A number of at most 10 digits, padded with spaces. */
static gboolean
take_tid(Span *rest, gint64 *tid)
{
  gsize digits = 0;
  while (rest->length > 0 && *rest->at == ' ')
    skip(rest, 1);
  for (*tid = 0; digits < rest->length && g_ascii_isdigit(rest->at[digits]); digits++) {
    if (digits == 10)
      return FALSE;
    *tid = *tid * 10 + (rest->at[digits] - '0');
  }
  skip(rest, digits);
  return digits > 0;
}

/* FILE:LINE] */
static gboolean
take_place(Span *rest)
{
  const char *space = memchr(rest->at, ' ', rest->length);
  if (space == NULL || space - rest->at < 4 || space[-1] != ']')
    return FALSE;
  const char *at = space - 2;
  while (at > rest->at && g_ascii_isdigit(*at))
    at--;
  if (at == space - 2 || at == rest->at || *at != ':')
    return FALSE;
  skip(rest, (gsize)(space - rest->at) + 1);
  return TRUE;
}

static gboolean
take_beginning(Span *rest, gint64 *tid)
{
  if (rest->length == 0 || memchr("IWEF", *rest->at, 4) == NULL)
    return FALSE;
  skip(rest, 1);
  return (take_pattern(rest, "0000 00:00:00.000000 ") ||
          take_pattern(rest, "00000000 00:00:00.000000 ")) &&
         take_tid(rest, tid) && take_pattern(rest, " ") && take_place(rest);
}

/* --- NAME: SQL --- */

/* Whether a query may begin so. */
static gboolean
begins_sql(Span text)
{
  static const char *const words[] = {"select", "with", "values", "explain", "pragma"};
  while (text.length > 0 && (g_ascii_isspace(*text.at) || *text.at == '('))
    skip(&text, 1);
  if (text.length == 0 || take_pattern(&text, "--") || take_pattern(&text, "/*"))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    const gsize length = strlen(words[i]);
    if (text.length >= length && g_ascii_strncasecmp(text.at, words[i], length) == 0 &&
        (text.length == length || !(g_ascii_isalnum(text.at[length]) || text.at[length] == '_')))
      return TRUE;
  }
  return FALSE;
}

static gboolean
find_colon(Span text, gboolean before_sql, Span *name, Span *sql)
{
  for (gsize i = 0; i + 2 <= text.length; i++) {
    if (text.at[i] != ':' || text.at[i + 1] != ' ')
      continue;
    *name = (Span){text.at, i};
    *sql = (Span){text.at + i + 2, text.length - i - 2};
    if (!before_sql || begins_sql(*sql))
      return TRUE;
  }
  return FALSE;
}

/* Appends @text, made valid and safe, as far as @max allows. Returns: FALSE: it didn't all fit. */
static gboolean
append_safe(GString *to, Span text, gsize max, gboolean lines)
{
  const gsize room = max - to->len;
  g_autofree char *valid = g_utf8_make_valid(text.at, (gssize)MIN(text.length, room + 1));
  const gsize length = strlen(valid);
  g_autofree char *safe = g_malloc(MIN(length, room) + 1);
  wd_text_copy_safe(safe, MIN(length, room) + 1, valid, lines);
  g_string_append(to, safe);
  return length <= room;
}

static gboolean
split(WdOrigin origin, Span text, Span *name, Span *sql)
{
  return find_colon(text, TRUE, name, sql) ||
         (origin == WD_ORIGIN_DISTRIBUTED && find_colon(text, FALSE, name, sql));
}

/* --- statements --- */

/* Returns: FALSE: it didn't all fit. */
static gboolean
set_name(WdStatement *statement, Span name)
{
  GString *safe = g_string_new(NULL);
  const gboolean whole = append_safe(safe, name, WD_SAID_NAME_MAX, FALSE);
  g_free(statement->name);
  statement->name = g_string_free(safe, FALSE);
  return whole;
}

static void
add_sql(Kept *kept, Span sql, gboolean cut)
{
  if (!append_safe(kept->query, sql, WD_SAID_QUERY_MAX, TRUE) || cut)
    kept->statement.cut = TRUE;
  kept->statement.query = kept->query->str;
}

/* What is known of the name and the SQL. Returns: whether there is SQL. */
static gboolean
set_text(Kept *kept, WdOrigin origin, Span text, gboolean cut)
{
  Span name;
  Span sql;
  if (!split(origin, text, &name, &sql))
    return FALSE;
  (void)set_name(&kept->statement, name);
  kept->query = g_string_new(NULL);
  add_sql(kept, sql, cut);
  return TRUE;
}

static void
begin(WdSaid *said, WdOrigin origin, Span text, gboolean cut, gint64 tid)
{
  Kept *kept = kept_of(said, origin);
  kept_clear(kept);
  kept->statement.tid = tid;
  kept->statement.said_us = said->line_us;
  kept->statement.idle_us = WD_NONE;
  if (!set_text(kept, origin, text, cut))
    (void)set_name(&kept->statement, text);
  said->open = cut || kept->statement.cut ? WD_ORIGIN_NONE : origin;
}

/* A name with a line break, if SQL follows. Without SQL, a scheduled query's message has ended. */
static void
go_on_in_name(WdSaid *said, Kept *kept, Span line, gboolean cut)
{
  g_autoptr(GString) text = g_string_new(kept->statement.name);
  g_string_append_c(text, ' ');
  g_string_append_len(text, line.at, (gssize)line.length);
  const Span joined = {text->str, text->len};
  if (set_text(kept, said->open, joined, cut))
    return;
  if (said->open != WD_ORIGIN_DISTRIBUTED || !set_name(&kept->statement, joined))
    said->open = WD_ORIGIN_NONE;
}

static void
go_on(WdSaid *said, Span line, gboolean cut)
{
  Kept *kept = kept_of(said, said->open);
  if (kept->query == NULL) {
    go_on_in_name(said, kept, line, cut);
  } else {
    const gboolean full = kept->query->len == WD_SAID_QUERY_MAX;
    if (!full)
      g_string_append_c(kept->query, '\n');
    add_sql(kept, line, cut || full);
  }
  if (cut || kept->statement.cut)
    said->open = WD_ORIGIN_NONE;
}

static void
take_message(WdSaid *said, Span text, gboolean cut, gint64 tid)
{
  static const struct {
    const char *text;
    WdOrigin origin;
    gboolean begins; /* else the query has ended */
  } sayings[] = {
      {"Executing scheduled query ", WD_ORIGIN_SCHEDULE, TRUE},
      {"Executing distributed query: ", WD_ORIGIN_DISTRIBUTED, TRUE},
      {"Error executing scheduled query ", WD_ORIGIN_SCHEDULE, FALSE},
      {"Error executing distributed query: ", WD_ORIGIN_DISTRIBUTED, FALSE},
      {"Not executing distributed denylisted query: ", WD_ORIGIN_DISTRIBUTED, FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(sayings); i++) {
    if (!take_pattern(&text, sayings[i].text))
      continue;
    if (sayings[i].begins)
      begin(said, sayings[i].origin, text, cut, tid);
    else if (kept_of(said, sayings[i].origin)->statement.tid == tid)
      wd_said_note_idle(said, sayings[i].origin, said->line_us);
    return;
  }
}

void
wd_said_take_line(WdSaid *said, const char *line, gsize length, gboolean cut, gint64 now_us)
{
  Span text = {line, length > 0 && line[length - 1] == '\r' ? length - 1 : length};
  const Span whole = text;
  const gboolean together = now_us - said->line_us <= MESSAGE_US;
  gint64 tid = 0;
  said->line_us = now_us;
  if (take_beginning(&text, &tid)) {
    said->open = WD_ORIGIN_NONE;
    take_message(said, text, cut, tid);
  } else if (said->open != WD_ORIGIN_NONE && together) {
    go_on(said, whole, cut);
  } else {
    said->open = WD_ORIGIN_NONE;
  }
}
