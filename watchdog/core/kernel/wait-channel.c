#include "watchdog/core/kernel/wait-channel.h"

#include <string.h>
#include <sys/syscall.h>

#define APART_US (20 * G_TIME_SPAN_MILLISECOND)
#define LONGEST_US (3 * G_TIME_SPAN_SECOND)

gboolean
wd_wait_channel_is_futex(const char *text, gsize length)
{
  g_autofree char *name = g_strndup(text, length);
  return g_str_has_prefix(name, "futex") || g_str_has_prefix(name, "do_futex") ||
         strstr(name, "futex_wait") != NULL;
}

gboolean
wd_wait_syscall_is_pause(const char *text, gsize length)
{
  /* NUMBER, and six arguments, of which the fourth is where the time stands: 0 for none. */
  enum { WORD_NUMBER = 0, WORD_TIMEOUT = 4 };
  g_autofree char *copy = g_strndup(text, length);
  g_auto(GStrv) words = g_strsplit(copy, " ", WORD_TIMEOUT + 2);
  g_autofree char *futex = g_strdup_printf("%d", (int)SYS_futex);
  return g_strv_length(words) > WORD_TIMEOUT && g_str_equal(words[WORD_NUMBER], futex) &&
         g_str_has_prefix(words[WORD_TIMEOUT], "0x") && !g_str_equal(words[WORD_TIMEOUT], "0x0");
}

gboolean
wd_wait_look(WdWaitLook *look, gboolean waits, gint64 said_us, gint64 now_us)
{
  if (!waits) {
    look->said_us = 0;
    return FALSE;
  }
  if (look->said_us != said_us)
    *look = (WdWaitLook){.said_us = said_us, .since_us = now_us};
  return now_us - look->since_us >= APART_US;
}

gint64
wd_wait_next_look_us(const WdWaitLook *look, gint64 said_us, gint64 now_us)
{
  if (look->said_us == said_us)
    return MAX(look->since_us + APART_US, now_us + 1);
  return now_us + CLAMP((now_us - said_us) / 4, APART_US, LONGEST_US);
}
