#include "watchdog/core/kernel/proc-stat.h"

#include <string.h>

/* include/linux/sched.h: forked, but didn't exec. */
#define PF_FORKNOEXEC 0x40

/* What is left to be read. */
typedef struct {
  const char *at;
  const char *end;
} Text;

/* Decimal digits, at least one, with a sign where @negative allows it. */
static gboolean
take_number(Text *text, gboolean negative, gint64 *value)
{
  gboolean minus = negative && text->at < text->end && *text->at == '-';
  const char *digit = text->at + (minus ? 1 : 0);
  const char *first = digit;
  gint64 number = 0;

  for (; digit < text->end && g_ascii_isdigit(*digit); digit++) {
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, *digit - '0', &number))
      return FALSE;
  }
  if (digit == first)
    return FALSE;
  text->at = digit;
  *value = minus ? -number : number;
  return TRUE;
}

static gboolean
take_char(Text *text, char expected)
{
  if (text->at == text->end || *text->at != expected)
    return FALSE;
  text->at++;
  return TRUE;
}

/* A number and the blank after it: without the blank, the number may have been cut. */
static gboolean
take_field(Text *text, gint64 *value)
{
  return take_number(text, TRUE, value) && take_char(text, ' ');
}

static gboolean
skip_fields(Text *text, guint count)
{
  for (; count > 0; count--) {
    const char *blank = memchr(text->at, ' ', (gsize)(text->end - text->at));
    if (blank == NULL)
      return FALSE;
    text->at = blank + 1;
  }
  return TRUE;
}

gboolean
wd_proc_stat_parse(const char *text, gsize length, WdProcStat *stat)
{
  Text rest = {text, text + length};
  WdProcStat parsed = {0};
  gint64 flags;

  if (!take_field(&rest, &parsed.pid) || !take_char(&rest, '('))
    return FALSE;

  /* The name may hold any byte but NUL, so only the last parenthesis is surely the kernel's. */
  const char *close = memrchr(rest.at, ')', (gsize)(rest.end - rest.at));
  if (close == NULL)
    return FALSE;
  memcpy(parsed.name, rest.at, MIN((gsize)(close - rest.at), sizeof parsed.name - 1));
  rest.at = close + 1;

  if (!take_char(&rest, ' ') || rest.at == rest.end || !g_ascii_isalpha(*rest.at))
    return FALSE;
  parsed.state = *rest.at++;
  if (!take_char(&rest, ' ') || !take_field(&rest, &parsed.ppid) ||
      !take_field(&rest, &parsed.pgrp) || !skip_fields(&rest, 3) /* session … tpgid */ ||
      !take_field(&rest, &flags) || !skip_fields(&rest, 4) /* minflt … cmajflt */ ||
      !take_field(&rest, &parsed.user_ticks) || !take_field(&rest, &parsed.system_ticks) ||
      !skip_fields(&rest, 4) /* cutime … nice */ || !take_field(&rest, &parsed.threads) ||
      !skip_fields(&rest, 1) /* itrealvalue */ || !take_field(&rest, &parsed.start_ticks) ||
      !skip_fields(&rest, 1) /* vsize */ || !take_field(&rest, &parsed.resident_pages))
    return FALSE;

  if (parsed.pid <= 0 || parsed.user_ticks < 0 || parsed.system_ticks < 0 || parsed.threads < 0 ||
      parsed.start_ticks < 0 || parsed.resident_pages < 0)
    return FALSE;
  parsed.forked_only = (flags & PF_FORKNOEXEC) != 0;
  *stat = parsed;
  return TRUE;
}

/* "\t  123 kB": the rest of a line of memory; "\t5" with an empty @unit. */
static gboolean
parse_value(Text line, const char *unit, gint64 *value)
{
  while (line.at < line.end && (*line.at == ' ' || *line.at == '\t'))
    line.at++;
  return take_number(&line, FALSE, value) && (gsize)(line.end - line.at) == strlen(unit) &&
         memcmp(line.at, unit, strlen(unit)) == 0;
}

gboolean
wd_proc_memory_parse(const char *text, gsize length, WdProcMemory *memory)
{
  WdProcMemory parsed = {WD_NONE, WD_NONE, WD_NONE, WD_NONE, WD_NONE};
  const struct {
    const char *key;
    const char *unit;
    gint64 scale;
    gint64 *value;
  } lines[] = {
      {"RssAnon:", " kB", 1024, &parsed.anon_bytes},
      {"RssFile:", " kB", 1024, &parsed.file_bytes},
      {"RssShmem:", " kB", 1024, &parsed.shmem_bytes},
      {"VmSwap:", " kB", 1024, &parsed.swap_bytes},
      {"Threads:", "", 1, &parsed.threads},
  };
  Text rest = {text, text + length};

  while (rest.at < rest.end) {
    const char *newline = memchr(rest.at, '\n', (gsize)(rest.end - rest.at));
    const char *line_end = newline != NULL ? newline : rest.end;

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
      gsize key_length = strlen(lines[i].key);
      if ((gsize)(line_end - rest.at) < key_length ||
          memcmp(rest.at, lines[i].key, key_length) != 0)
        continue;

      gint64 number;
      if (newline == NULL ||
          !parse_value((Text){rest.at + key_length, line_end}, lines[i].unit, &number) ||
          __builtin_mul_overflow(number, lines[i].scale, lines[i].value))
        return FALSE;
    }
    rest.at = newline != NULL ? newline + 1 : rest.end;
  }
  *memory = parsed;
  return TRUE;
}

gint64
wd_proc_schedstat_cpu_ms(const char *text, gsize length)
{
  const char *space = memchr(text, ' ', length);
  g_autofree char *number = space != NULL ? g_strndup(text, (gsize)(space - text)) : NULL;
  guint64 ns;
  if (number == NULL || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64, &ns, NULL))
    return WD_NONE;
  return (gint64)(ns / 1000000);
}
