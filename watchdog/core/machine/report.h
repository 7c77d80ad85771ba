/* Reports of the tables extension to the watchdog, on what only the extension can see. Each is one
 * message over an inherited SOCK_SEQPACKET descriptor. Pure: both sides encode, check and decode
 * here.
 *
 * Each message is complete in itself: if one is lost, the next of its kind makes up for it. The
 * watchdog doesn't believe what it can find out by itself, above all which processes there are. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment variable that gives the extension the descriptor's number. */
#define WD_REPORT_FD_VARIABLE "OSQUERY_WATCHDOG_FD"

/* More extensions than the watchdog manages. */
#define WD_REPORTED_EXTENSIONS_MAX 256
#define WD_REPORTED_VERSION_MAX 63
#define WD_REPORTED_QUERY_NAME_MAX 255
#define WD_REPORTED_QUERY_MAX 16383

/* No message is longer, in bytes. */
#define WD_REPORT_BYTES_MAX 32768

typedef enum {
  WD_REPORT_REGISTRATIONS = 1, /* every interval: the worker's manager and its extensions */
  WD_REPORT_DENYLISTED = 2,    /* a scheduled query that the worker newly denylists */
} WdReportKind;

/* One registration. */
typedef struct {
  gint64 pid;                                /* of the process that serves its socket */
  gint64 uuid;                               /* 1…65535 */
  gboolean responsive;                       /* it answered its ping */
  char version[WD_REPORTED_VERSION_MAX + 1]; /* "": not known */
} WdReportedExtension;

typedef struct {
  WdReportKind kind;
  gint64 worker_pid; /* the worker that this is about */
  union {
    struct {
      gboolean responsive;                       /* the manager answered */
      char version[WD_REPORTED_VERSION_MAX + 1]; /* osquery's; "": not known */
      gboolean schedule_read; /* all queries that the worker denylists are reported */
      gboolean listed;        /* FALSE: the next three are not known */
      gboolean unattributed;  /* some registrations are left out: their processes aren't known */
      guint n_extensions;
      WdReportedExtension extensions[WD_REPORTED_EXTENSIONS_MAX];
    } registrations;
    struct {
      char name[WD_REPORTED_QUERY_NAME_MAX + 1];
      char query[WD_REPORTED_QUERY_MAX + 1]; /* a longer one is cut */
    } denylisted;
  };
} WdReport;

/* @bytes: has room for WD_REPORT_BYTES_MAX. @report: one that decoding would accept.
 * Returns: the length of the message. */
gsize wd_report_encode(const WdReport *report, guint8 *bytes);

/* Returns: FALSE when @bytes are not exactly one message, or a value in it is out of range; then
 * @report is undefined. */
gboolean wd_report_decode(const guint8 *bytes, gsize length, WdReport *report);

G_END_DECLS
