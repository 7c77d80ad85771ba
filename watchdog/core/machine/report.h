/* What only the tables extension can see, as it tells the watchdog: messages over an inherited
 * SOCK_SEQPACKET descriptor, one report each. Pure: both sides encode, check and decode here.
 *
 * Each message stands for itself: one that is lost is made up for by the next of its kind. The
 * watchdog believes nothing of it that it can know by itself, above all which processes there are.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The variable that names the descriptor to the extension. */
#define WD_REPORT_FD_VARIABLE "OSQUERY_WATCHDOG_FD"

/* More than the watchdog manages. */
#define WD_REPORTED_EXTENSIONS_MAX 256
#define WD_REPORTED_VERSION_MAX 63
#define WD_REPORTED_QUERY_NAME_MAX 255
#define WD_REPORTED_QUERY_MAX 16383

/* No message is longer, in bytes. */
#define WD_REPORT_BYTES_MAX 32768

typedef enum {
  WD_REPORT_REGISTRATIONS = 1, /* how the worker's manager and its extensions are, every interval */
  WD_REPORT_DENYLISTED = 2,    /* a scheduled query that the worker newly denylists */
} WdReportKind;

/* One registration. */
typedef struct {
  gint64 pid;                                /* of who serves its socket */
  gint64 uuid;                               /* 1…65535 */
  gboolean responsive;                       /* it answered its ping */
  char version[WD_REPORTED_VERSION_MAX + 1]; /* "": not known */
} WdReportedExtension;

typedef struct {
  WdReportKind kind;
  gint64 worker_pid; /* of whom this is said */
  union {
    struct {
      gboolean responsive;                       /* the manager answered */
      char version[WD_REPORTED_VERSION_MAX + 1]; /* osquery's; "": not known */
      gboolean listed; /* the next two are what it answered; FALSE: nothing is known of them */
      guint n_extensions;
      WdReportedExtension extensions[WD_REPORTED_EXTENSIONS_MAX];
    } registrations;
    struct {
      char name[WD_REPORTED_QUERY_NAME_MAX + 1];
      char query[WD_REPORTED_QUERY_MAX + 1]; /* cut where it is longer */
    } denylisted;
  };
} WdReport;

/* @bytes: room for WD_REPORT_BYTES_MAX. @report: must be one that decoding would accept.
 * Returns: how many bytes the message has. */
gsize wd_report_encode(const WdReport *report, guint8 *bytes);

/* Returns: FALSE when @bytes are not exactly one message, or a value in it is out of range; then
 * @report is undefined. */
gboolean wd_report_decode(const guint8 *bytes, gsize length, WdReport *report);

G_END_DECLS
