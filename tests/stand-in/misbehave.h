/* The ways in which a stand-in misbehaves on request; shared by the worker and the extension.
 *
 * A request list is `NAME[:NUMBER[:NUMBER]]`, several joined by commas: `grow:100,ignore-term`.
 * They begin in this order. `say` has a text, in which `%` and two hexadecimal digits are a byte;
 * so it can hold a comma. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STAND_MISBEHAVE_ERROR stand_misbehave_error_quark()
GQuark stand_misbehave_error_quark(void);

typedef enum {
  STAND_MODE_SPIN,
  STAND_MODE_GROW,
  STAND_MODE_BURN,
  STAND_MODE_GROW_HERE,
  STAND_MODE_IGNORE_TERM,
  STAND_MODE_EXIT,
  STAND_MODE_CRASH,
  STAND_MODE_ABORT,
  STAND_MODE_HANG,
  STAND_MODE_SLOW_SOCKET,
  STAND_MODE_SLEEP,
  STAND_MODE_SAY,
  STAND_MODE_FLOOD,
} StandMode;

typedef struct {
  StandMode mode;
  double arguments[2]; /* 0 where not given */
  char *text;          /* of `say`, decoded; else NULL */
} StandRequest;

/* What the rest of the program has to honour; everything else happens in threads of its own. Set
 * from any thread, read with g_atomic_int_get(). */
typedef struct {
  gint ignore_term;    /* takes no notice of SIGTERM, SIGINT, SIGUSR1 */
  gint hang;           /* the server accepts, reads, and answers nothing */
  gint slow_socket_ms; /* the server is opened this long after the start */
} StandMisbehaviour;

/* The text of the table of modes, one line each, for --help. Newly allocated. */
char *stand_misbehave_help(void);

/* @text: a request list; "" is one without requests.
 * Returns: an array of StandRequest that frees what is in it, or NULL with a one-line @error that
 * names the part. */
GArray *stand_misbehave_parse(const char *text, GError **error);

/* Begins with everything in @text. Returns: FALSE with @error when the list is wrong; then nothing
 * has begun. `exit`, `crash` and `abort` without a delay don't return; `sleep`, `burn`, `grow-here`
 * and `flood` return when they are over. */
gboolean stand_misbehave(StandMisbehaviour *misbehaviour, const char *text, GError **error);

G_END_DECLS
