/* Whatever a child writes, in whatever pieces: lines of bounded length, last lines and statements
 * that are bounded valid text, and a culprit that is among what was said. */
#include "watchdog/core/event/json.h"
#include "watchdog/core/output/culprit.h"
#include "watchdog/core/output/last-lines.h"
#include "watchdog/core/output/line-reader.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first bytes of the input: how it comes, and what the threads do. */
#define HEAD 3
/* How often a long input comes, so that some lines are too long. */
#define REPEATS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  WdLastLines *last;
  WdSaid *said;
  gint64 now_us;
  gint64 step_us; /* from line to line */
  gsize given;    /* bytes */
  gsize lines;
} Heard;

static void
on_line(const char *line, gsize length, gboolean cut, gpointer user_data)
{
  Heard *heard = user_data;
  g_assert_cmpuint(length, <=, WD_LINE_MAX);
  g_assert_true(!cut || length == WD_LINE_MAX);
  g_assert_null(length > 0 ? memchr(line, '\n', length) : NULL);
  heard->given += length;
  heard->lines++;
  heard->now_us += heard->step_us;
  wd_last_lines_take(heard->last, line, length);
  wd_said_take_line(heard->said, line, length, cut, heard->now_us);
}

/* Whether it is one that may be shown, with white space or without. */
static void
check_text(const char *text, gsize most, gboolean lines)
{
  g_assert_cmpuint(strlen(text), <=, most);
  g_assert_true(g_utf8_validate(text, -1, NULL));
  for (const char *at = text; *at != '\0'; at++)
    g_assert_true(!g_ascii_iscntrl(*at) || (lines && g_ascii_isspace(*at)));
}

static void
check_last(const Heard *heard)
{
  g_autofree char *text = wd_last_lines_text(heard->last);
  guint breaks = 0;
  g_assert_true((text == NULL) == (heard->lines == 0));
  if (text == NULL)
    return;
  check_text(text, WD_LAST_LINES_BYTES, TRUE);
  g_assert_null(strchr(text, '\r'));
  for (const char *at = text; *at != '\0'; at++)
    breaks += *at == '\n';
  g_assert_true(breaks > 0 && breaks <= MIN(WD_LAST_LINES_MAX, heard->lines));
  g_assert_true(g_str_has_suffix(text, "\n"));
}

static const WdStatement *
check_statement(const Heard *heard, WdOrigin origin)
{
  const WdStatement *statement = wd_said_statement(heard->said, origin);
  if (statement == NULL)
    return NULL;
  check_text(statement->name, WD_SAID_NAME_MAX, FALSE);
  if (statement->query != NULL)
    check_text(statement->query, WD_SAID_QUERY_MAX, TRUE);
  g_assert_true(statement->query != NULL || !statement->cut);
  g_assert_true(statement->tid >= 0 && statement->tid < G_GINT64_CONSTANT(10000000000));
  g_assert_true(statement->said_us > 0 && statement->said_us <= heard->now_us);
  g_assert_true(statement->idle_us == WD_NONE || statement->idle_us >= statement->said_us);
  return statement;
}

static void
check_culprit(const Heard *heard, const WdBusiest *busiest)
{
  g_auto(WdCulprit) culprit = {0};
  const WdStatement *schedule = check_statement(heard, WD_ORIGIN_SCHEDULE);
  const WdStatement *distributed = check_statement(heard, WD_ORIGIN_DISTRIBUTED);
  wd_culprit_find(heard->said, busiest, heard->now_us, &culprit);
  const WdStatement *named = culprit.origin == WD_ORIGIN_SCHEDULE ? schedule : distributed;
  if (culprit.query_name != NULL)
    g_assert_true(named != NULL && g_str_equal(culprit.query_name, named->name) &&
                  g_strcmp0(culprit.query, named->query) == 0);
  else
    g_assert_null(culprit.query);
  g_assert_true(culprit.details == NULL || wd_json_is_valid(culprit.details));
  g_assert_true(culprit.details != NULL || culprit.origin == WD_ORIGIN_NONE);
}

static WdBusiest
busiest_of(const Heard *heard, guint8 head)
{
  static const char *const names[] = {"SchedulerRunner", "DistributedRunn", "ExtensionRunner", "x"};
  const WdStatement *statement =
      wd_said_statement(heard->said, (head & 4) != 0 ? WD_ORIGIN_SCHEDULE : WD_ORIGIN_DISTRIBUTED);
  WdBusiest busiest = {.tid = statement != NULL ? statement->tid : 1,
                       .cpu_ms = (head & 8) != 0 ? 1 : 0,
                       .since_us = (head & 16) != 0 ? heard->now_us : WD_NONE};
  g_strlcpy(busiest.name, names[head & 3], sizeof busiest.name);
  return busiest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < HEAD)
    return 0;
  g_autoptr(WdLastLines) last = wd_last_lines_new();
  g_autoptr(WdSaid) said = wd_said_new();
  Heard heard = {.last = last, .said = said, .now_us = 1, .step_us = data[1] * 10000};
  g_autoptr(WdLineReader) reader = wd_line_reader_new(on_line, &heard);
  const gsize piece = data[0] > 0 ? data[0] : size;
  const gsize repeats = (data[2] & 128) != 0 && size > 4096 ? REPEATS : 1;
  for (gsize i = 0; i < repeats; i++)
    for (gsize at = HEAD; at < size; at += piece)
      wd_line_reader_take(reader, (const char *)data + at, MIN(piece, size - at));
  wd_line_reader_finish(reader);
  g_assert_cmpuint(heard.given + heard.lines, <=, repeats * (size - HEAD) + 1);
  if ((data[2] & 32) != 0)
    wd_said_note_idle(said, WD_ORIGIN_SCHEDULE, heard.now_us);

  const WdBusiest busiest = busiest_of(&heard, data[2]);
  check_last(&heard);
  check_culprit(&heard, (data[2] & 64) != 0 ? &busiest : NULL);
  return 0;
}
