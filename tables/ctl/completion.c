#include "tables/ctl/completion.h"

#include "tables/definitions.h"

#include <string.h>

/* Those of statements that read. */
static const char *const keywords[] = {
    "ALL",      "AND",    "AS",        "ASC",    "BETWEEN", "BY",        "CASE",   "CAST",  "DESC",
    "DISTINCT", "ELSE",   "END",       "EXCEPT", "EXISTS",  "EXPLAIN",   "FROM",   "GLOB",  "GROUP",
    "HAVING",   "IN",     "INTERSECT", "IS",     "JOIN",    "LEFT",      "LIKE",   "LIMIT", "NOT",
    "NULL",     "OFFSET", "ON",        "OR",     "ORDER",   "RECURSIVE", "SELECT", "THEN",  "UNION",
    "USING",    "VALUES", "WHEN",      "WHERE",  "WITH",    NULL,
};
static const char *const first_keywords[] = {"EXPLAIN", "SELECT", "VALUES", "WITH", NULL};

typedef enum {
  TOKEN_END,
  TOKEN_WORD,
  TOKEN_OTHER,      /* an operator, a number, a complete text: one character or more */
  TOKEN_UNFINISHED, /* a text or a comment without its end */
} TokenKind;

typedef struct {
  TokenKind kind;
  gsize start;
  gsize end;
} Token;

static gboolean
is_word_start(char c)
{
  return g_ascii_isalpha(c) || c == '_';
}

static gboolean
is_word_part(char c)
{
  return is_word_start(c) || g_ascii_isdigit(c);
}

/* The place after the first @end at or after @from; 0 if there is none. */
static gsize
behind(const char *sql, gsize length, gsize from, const char *end)
{
  const char *found = from < length ? g_strstr_len(sql + from, (gssize)(length - from), end) : NULL;
  return found != NULL ? (gsize)(found - sql) + strlen(end) : 0;
}

/* The token at or after @at; blanks and comments are skipped. */
static Token
next_token(const char *sql, gsize length, gsize at)
{
  while (at < length) {
    char c = sql[at];
    char d = at + 1 < length ? sql[at + 1] : '\0';
    gboolean comment = (c == '-' && d == '-') || (c == '/' && d == '*');
    if (g_ascii_isspace(c))
      at++;
    else if (comment || c == '\'' || c == '"') {
      gsize body = comment ? at + 2 : at + 1;
      const char end[] = {c, '\0'};
      gsize to = behind(sql, length, body, c == '-' ? "\n" : c == '/' ? "*/" : end);
      if (to == 0)
        return (Token){TOKEN_UNFINISHED, at, length};
      if (!comment)
        return (Token){TOKEN_OTHER, at, to};
      at = to;
    } else {
      gsize to = at + 1;
      while (is_word_part(c) && to < length && is_word_part(sql[to]))
        to++;
      return (Token){is_word_start(c) ? TOKEN_WORD : TOKEN_OTHER, at, to};
    }
  }
  return (Token){TOKEN_END, length, length};
}

static gboolean
token_is(const char *sql, const Token *token, const char *word)
{
  gsize length = token->end - token->start;
  return strlen(word) == length && g_ascii_strncasecmp(sql + token->start, word, length) == 0;
}

static const WdTable *
table_named(const char *sql, const Token *token)
{
  guint n;
  const WdTable *const *tables = table_definitions(&n);
  for (guint i = 0; i < n; i++)
    if (token->kind == TOKEN_WORD && token_is(sql, token, tables[i]->name))
      return tables[i];
  return NULL;
}

/* The table of which @name is the name or an alias somewhere in @sql; NULL if there is none. */
static const WdTable *
table_called(const char *sql, const Token *name)
{
  gsize length = strlen(sql);
  const WdTable *named = table_named(sql, name);
  const WdTable *before = NULL; /* the table that the last token named */
  g_autofree char *alias = g_strndup(sql + name->start, name->end - name->start);
  for (Token token = next_token(sql, length, 0);
       named == NULL && token.kind != TOKEN_END && token.kind != TOKEN_UNFINISHED;
       token = next_token(sql, length, token.end)) {
    if (before != NULL && token_is(sql, &token, "AS"))
      continue;
    if (before != NULL && token.start != name->start && token_is(sql, &token, alias))
      named = before;
    before = table_named(sql, &token);
  }
  return named;
}

static gboolean
mentions(const char *sql, const WdTable *table)
{
  gsize length = strlen(sql);
  for (Token token = next_token(sql, length, 0);
       token.kind != TOKEN_END && token.kind != TOKEN_UNFINISHED;
       token = next_token(sql, length, token.end))
    if (table_named(sql, &token) == table)
      return TRUE;
  return FALSE;
}

/* What stands before the word that is to be completed. */
typedef struct {
  Token word;       /* up to the point; empty if none has begun */
  Token before;     /* TOKEN_END: nothing, the statement begins */
  Token owner;      /* of `owner.word`; else TOKEN_END */
  gboolean no_word; /* in a text, a comment, a number */
} Place;

static Place
find_place(const char *sql, gsize point)
{
  Place place = {.word = {TOKEN_END, point, point}};
  Token before_that = {TOKEN_END, 0, 0};
  for (Token token = next_token(sql, point, 0); token.kind != TOKEN_END;
       token = next_token(sql, point, token.end)) {
    char first = sql[token.start];
    gboolean literal = g_ascii_isdigit(first) || first == '\'' || first == '"';
    if (token.kind == TOKEN_UNFINISHED || (literal && token.end == point)) {
      place.no_word = TRUE;
      return place;
    }
    if (token.kind == TOKEN_WORD && token.end == point) {
      place.word = token;
      break;
    }
    before_that = place.before;
    place.before = token;
    if (token_is(sql, &token, ";"))
      place.before = (Token){TOKEN_END, 0, 0};
  }
  gboolean owned = place.before.kind == TOKEN_OTHER && token_is(sql, &place.before, ".") &&
                   place.before.end == place.word.start && before_that.kind == TOKEN_WORD;
  if (owned)
    place.owner = before_that;
  return place;
}

/* The candidates that begin as the word does. */
typedef struct {
  const char *sql;
  const Token *word;
  GPtrArray *found;
} Collector;

static void
collect(Collector *collector, const char *candidate, gboolean lower)
{
  if (g_ascii_strncasecmp(candidate, collector->sql + collector->word->start,
                          collector->word->end - collector->word->start) == 0)
    g_ptr_array_add(collector->found, lower ? g_ascii_strdown(candidate, -1) : g_strdup(candidate));
}

static void
collect_keywords(Collector *collector, const char *const *words)
{
  for (; *words != NULL; words++)
    collect(collector, *words, g_ascii_islower(collector->sql[collector->word->start]));
}

static void
collect_columns(Collector *collector, const WdTable *table)
{
  for (guint i = 0; i < table->n_columns; i++)
    collect(collector, table->columns[i].name, FALSE);
}

static void
collect_tables(Collector *collector)
{
  guint n;
  const WdTable *const *tables = table_definitions(&n);
  for (guint i = 0; i < n; i++)
    collect(collector, tables[i]->name, FALSE);
}

/* Of the tables that the statement is about; of all of them while it names none. */
static void
collect_all_columns(Collector *collector)
{
  guint n;
  const WdTable *const *tables = table_definitions(&n);
  gboolean any = FALSE;
  for (guint i = 0; i < n; i++)
    any = any || mentions(collector->sql, tables[i]);
  for (guint i = 0; i < n; i++)
    if (!any || mentions(collector->sql, tables[i]))
      collect_columns(collector, tables[i]);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
  const char *const *name_a = a;
  const char *const *name_b = b;
  return g_ascii_strcasecmp(*name_a, *name_b);
}

/* In order, and each once: tables share names of columns. */
static char **
take_sorted(GPtrArray *found)
{
  g_ptr_array_sort(found, by_name);
  for (guint i = found->len; i-- > 1;)
    if (g_str_equal(found->pdata[i], found->pdata[i - 1]))
      g_ptr_array_remove_index(found, i);
  g_ptr_array_add(found, NULL);
  return (char **)g_ptr_array_free(found, FALSE);
}

char **
ctl_complete(const char *sql, gsize point, gsize *start)
{
  Place place = find_place(sql, point);
  Collector collector = {
      .sql = sql, .word = &place.word, .found = g_ptr_array_new_with_free_func(g_free)};
  *start = place.word.start;
  if (place.no_word)
    return take_sorted(collector.found);
  if (place.owner.kind == TOKEN_WORD) {
    const WdTable *owner = table_called(sql, &place.owner);
    if (owner != NULL)
      collect_columns(&collector, owner);
  } else if (place.before.kind == TOKEN_END)
    collect_keywords(&collector, first_keywords);
  else if (token_is(sql, &place.before, "FROM") || token_is(sql, &place.before, "JOIN"))
    collect_tables(&collector);
  else {
    collect_all_columns(&collector);
    if (place.word.end > place.word.start) { /* else it would be everything there is */
      collect_tables(&collector);
      collect_keywords(&collector, keywords);
    }
  }
  return take_sorted(collector.found);
}

char *
ctl_completion_prefix(char *const *words)
{
  gsize length = strlen(words[0]);
  for (gsize i = 1; words[i] != NULL; i++) {
    gsize same = 0;
    while (same < length && words[i][same] == words[0][same])
      same++;
    length = same;
  }
  return g_strndup(words[0], length);
}
