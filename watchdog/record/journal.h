/* The system's journal, by its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL): a datagram of
 * fields. It doesn't use libsystemd, which waits for a journal that doesn't read, and needs five
 * more libraries. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether our stderr leads to the journal (systemd.exec(5), JOURNAL_STREAM). */
gboolean wd_journal_has_stderr(void);

/* @fields: "NAME=VALUE", NULL-terminated; a value may hold any bytes but NUL. Never blocks: a
 * datagram that the journal doesn't take at once is dropped. */
void wd_journal_send(const char *const *fields);

/* The same fields, newly allocated: what wd_journal_send_line() begins a datagram with. */
GByteArray *wd_journal_encode(const char *const *fields);

/* Sends @line, any bytes, as MESSAGE, with @encoded before it. Blocks until the journal takes it.
 * Returns: whether it did. */
gboolean wd_journal_send_line(const GByteArray *encoded, int priority, const char *line,
                              gsize length);

G_END_DECLS
