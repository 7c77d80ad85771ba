/* A message: "WDO", its kind, the worker's pid, and what the kind has. Numbers have this machine's
 * byte order, because both sides run on it. A text follows its length, which has two bytes.
 *
 *   report      responsive, version, schedule_read, listed, unattributed, n_extensions, and for
 * each: pid, uuid, responsive, version denylisted  name, query */
#include "watchdog/core/machine/report.h"

#include <string.h>

#include "watchdog/core/event/safe-text.h"

static const guint8 MAGIC[] = {'W', 'D', 'O'};

/* The longest message of each kind fits. */
G_STATIC_ASSERT(64 + WD_REPORTED_EXTENSIONS_MAX * (8 + 2 + 1 + 2 + WD_REPORTED_VERSION_MAX) +
                    WD_REPORTED_VERSION_MAX <=
                WD_REPORT_BYTES_MAX);
G_STATIC_ASSERT(64 + WD_REPORTED_QUERY_NAME_MAX + WD_REPORTED_QUERY_MAX <= WD_REPORT_BYTES_MAX);

/* --- encoding --- */

static guint8 *
put(guint8 *at, const void *value, gsize size)
{
  memcpy(at, value, size);
  return at + size;
}

static guint8 *
put_boolean(guint8 *at, gboolean value)
{
  *at = value ? 1 : 0;
  return at + 1;
}

static guint8 *
put_text(guint8 *at, const char *text)
{
  const guint16 length = (guint16)strlen(text);
  return put(put(at, &length, sizeof length), text, length);
}

static guint8 *
put_report(guint8 *at, const WdReport *report)
{
  const guint16 n = (guint16)report->registrations.n_extensions;
  at = put_boolean(at, report->registrations.responsive);
  at = put_text(at, report->registrations.version);
  at = put_boolean(at, report->registrations.schedule_read);
  at = put_boolean(at, report->registrations.listed);
  at = put_boolean(at, report->registrations.unattributed);
  at = put(at, &n, sizeof n);
  for (guint i = 0; i < n; i++) {
    const WdReportedExtension *extension = &report->registrations.extensions[i];
    const guint16 uuid = (guint16)extension->uuid;
    at = put(at, &extension->pid, sizeof extension->pid);
    at = put(at, &uuid, sizeof uuid);
    at = put_boolean(at, extension->responsive);
    at = put_text(at, extension->version);
  }
  return at;
}

gsize
wd_report_encode(const WdReport *report, guint8 *bytes)
{
  const guint8 kind = (guint8)report->kind;
  guint8 *at = put(bytes, MAGIC, sizeof MAGIC);
  at = put(at, &kind, sizeof kind);
  at = put(at, &report->worker_pid, sizeof report->worker_pid);
  switch (report->kind) {
  case WD_REPORT_REGISTRATIONS:
    at = put_report(at, report);
    break;
  case WD_REPORT_DENYLISTED:
    at = put_text(at, report->denylisted.name);
    at = put_text(at, report->denylisted.query);
    break;
  }
  return (gsize)(at - bytes);
}

/* --- decoding --- */

typedef struct {
  const guint8 *at;
  gsize left;
} Input;

static gboolean
take(Input *input, void *value, gsize size)
{
  if (input->left < size)
    return FALSE;
  memcpy(value, input->at, size);
  input->at += size;
  input->left -= size;
  return TRUE;
}

static gboolean
take_boolean(Input *input, gboolean *value)
{
  guint8 byte;
  if (!take(input, &byte, sizeof byte) || byte > 1)
    return FALSE;
  *value = byte;
  return TRUE;
}

static gboolean
take_pid(Input *input, gint64 *pid)
{
  return take(input, pid, sizeof *pid) && *pid > 0 && *pid <= G_MAXINT32;
}

/* @size: of the room at @text. */
static gboolean
take_text(Input *input, char *text, gsize size, gboolean lines)
{
  guint16 length;
  if (!take(input, &length, sizeof length) || length >= size || !take(input, text, length) ||
      !wd_text_is_safe(text, length, lines))
    return FALSE;
  text[length] = '\0';
  return TRUE;
}

static gboolean
take_extension(Input *input, WdReportedExtension *extension)
{
  guint16 uuid;
  if (!take_pid(input, &extension->pid) || !take(input, &uuid, sizeof uuid) || uuid == 0)
    return FALSE;
  extension->uuid = uuid;
  return take_boolean(input, &extension->responsive) &&
         take_text(input, extension->version, sizeof extension->version, FALSE);
}

static gboolean
take_report(Input *input, WdReport *report)
{
  guint16 n;
  if (!take_boolean(input, &report->registrations.responsive) ||
      !take_text(input, report->registrations.version, sizeof report->registrations.version,
                 FALSE) ||
      !take_boolean(input, &report->registrations.schedule_read) ||
      !take_boolean(input, &report->registrations.listed) ||
      !take_boolean(input, &report->registrations.unattributed) || !take(input, &n, sizeof n) ||
      n > WD_REPORTED_EXTENSIONS_MAX)
    return FALSE;
  report->registrations.n_extensions = n;
  for (guint i = 0; i < n; i++)
    if (!take_extension(input, &report->registrations.extensions[i]))
      return FALSE;
  return TRUE;
}

static gboolean
take_denylisted(Input *input, WdReport *report)
{
  return take_text(input, report->denylisted.name, sizeof report->denylisted.name, FALSE) &&
         report->denylisted.name[0] != '\0' &&
         take_text(input, report->denylisted.query, sizeof report->denylisted.query, TRUE);
}

gboolean
wd_report_decode(const guint8 *bytes, gsize length, WdReport *report)
{
  Input input = {bytes, length};
  guint8 head[sizeof MAGIC + 1];
  if (!take(&input, head, sizeof head) || memcmp(head, MAGIC, sizeof MAGIC) != 0 ||
      !take_pid(&input, &report->worker_pid))
    return FALSE;
  gboolean taken = FALSE;
  if (head[sizeof MAGIC] == WD_REPORT_REGISTRATIONS) {
    report->kind = WD_REPORT_REGISTRATIONS;
    taken = take_report(&input, report);
  } else if (head[sizeof MAGIC] == WD_REPORT_DENYLISTED) {
    report->kind = WD_REPORT_DENYLISTED;
    taken = take_denylisted(&input, report);
  }
  return taken && input.left == 0;
}
