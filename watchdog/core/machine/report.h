/* What only the tables extension can see, as it tells the watchdog: messages over an inherited
 * SOCK_SEQPACKET descriptor, one observation each. Pure: both sides encode, check and decode here.
 *
 * Each message stands for itself: one that is lost is made up for by the next of its kind. The
 * watchdog believes nothing of it that it can know by itself, above all which processes there are.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The variable that names the descriptor to the extension. */
#define WD_OBSERVATION_FD_VARIABLE "OSQUERY_WATCHDOG_FD"

/* More than the watchdog manages. */
#define WD_OBSERVED_EXTENSIONS_MAX 256
#define WD_OBSERVED_VERSION_MAX 63
#define WD_OBSERVED_QUERY_NAME_MAX 255
#define WD_OBSERVED_QUERY_MAX 16383

/* No message is longer, in bytes. */
#define WD_OBSERVATION_BYTES_MAX 32768

typedef enum {
  WD_OBSERVATION_REPORT = 1, /* how the worker's manager and its extensions are, every interval */
  WD_OBSERVATION_DENYLISTED = 2, /* a scheduled query that the worker newly denylists */
} WdObservationKind;

/* One registration. */
typedef struct {
  gint64 pid;                                /* of who serves its socket */
  gint64 uuid;                               /* 1…65535 */
  gboolean responsive;                       /* it answered its ping */
  char version[WD_OBSERVED_VERSION_MAX + 1]; /* "": not known */
} WdObservedExtension;

typedef struct {
  WdObservationKind kind;
  gint64 worker_pid; /* of whom this is said */
  union {
    struct {
      gboolean responsive;                       /* the manager answered */
      char version[WD_OBSERVED_VERSION_MAX + 1]; /* osquery's; "": not known */
      gboolean listed; /* the next two are what it answered; FALSE: nothing is known of them */
      guint n_extensions;
      WdObservedExtension extensions[WD_OBSERVED_EXTENSIONS_MAX];
    } report;
    struct {
      char name[WD_OBSERVED_QUERY_NAME_MAX + 1];
      char query[WD_OBSERVED_QUERY_MAX + 1]; /* cut where it is longer */
    } denylisted;
  };
} WdObservation;

/* Copies @text into the @size bytes at @to, cut between two characters where it is too long, made
 * valid UTF-8, with control characters as spaces unless @lines. NULL is "". */
void wd_observation_set_text(char *to, gsize size, const char *text, gboolean lines);

/* @bytes: room for WD_OBSERVATION_BYTES_MAX. @observation: must be one that decoding would accept.
 * Returns: how many bytes the message has. */
gsize wd_observation_encode(const WdObservation *observation, guint8 *bytes);

/* Returns: FALSE when @bytes are not exactly one message, or a value in it is out of range; then
 * @observation is undefined. */
gboolean wd_observation_decode(const guint8 *bytes, gsize length, WdObservation *observation);

G_END_DECLS
