/* Decides how to stay registered with the core that runs: which call to make next, and when; which
 * socket to listen on; when to end. A pure machine: it takes events and returns plans, which
 * program.c carries out.
 *
 * osquery drops an extension after one failed ping without notice, so we have to ask whether we are
 * still registered. It refuses a second registration of the same name, so we wait until it has
 * noticed that our old socket is gone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A call to the manager. There is one at a time. */
typedef enum {
  EXT_CALL_NONE,
  EXT_CALL_REGISTER,
  EXT_CALL_VERIFY, /* is our uuid among extensions()? */
  EXT_CALL_DEREGISTER,
} ExtCall;

typedef enum {
  EXT_STARTED, /* the first event */
  EXT_DUE,     /* the plan's time has come */
  /* How the call under way ended. */
  EXT_REGISTERED, /* with a uuid */
  EXT_DUPLICATE,  /* refused: an extension of our name is registered */
  EXT_REFUSED,    /* for another reason */
  EXT_CONFIRMED,  /* our uuid is there */
  EXT_LOST,       /* our uuid is not there */
  EXT_NO_CORE,    /* nothing listens on the manager's socket */
  EXT_NO_ANSWER,  /* no valid answer in time, or we cancelled the call */
  EXT_DEREGISTERED,
  /* What else happens. */
  EXT_CORE_STARTED,  /* the manager's socket was made anew */
  EXT_CANNOT_LISTEN, /* on the socket that the plan says */
  EXT_SHUTDOWN,      /* the core asks us to end */
  EXT_STOP,          /* the process that started us asks us to end; a second time: at once */
} ExtEvent;

typedef enum {
  EXT_STATE_WAITING, /* for a core that accepts us */
  EXT_STATE_REGISTERED,
  EXT_STATE_STOPPING,
  EXT_STATE_ENDED,
} ExtState;

/* What to do after an event. */
typedef struct {
  ExtCall call;       /* begin this call now; NONE: begin none */
  gint64 uuid;        /* for VERIFY and DEREGISTER */
  gboolean cancel;    /* cancel the call under way, which still ends with an event */
  gint64 due_us;      /* when to give EXT_DUE; -1: never */
  gint64 listen_uuid; /* listen on the socket of this uuid and on no other; -1: on none */
  gboolean end;       /* end the program with @exit_code */
  int exit_code;
} ExtPlan;

typedef struct {
  gboolean supervised; /* we outlive cores, and wait for the next without end; may be cleared */
  gint64 timeout_us;   /* otherwise: how long we wait for one */
  gint64 interval_us;  /* between two verifications, as between the core's pings */

  ExtState state;
  gint64 uuid;             /* ours; -1: none */
  gint64 due_us;           /* when to make the next call */
  gint64 waiting_since_us; /* when the core was last there */
  guint refusals;          /* in a row */
  ExtCall calling;         /* the call under way */
  gboolean core_started;   /* since that call began: its answer may be the previous core's */
} ExtRegistration;

void ext_registration_init(ExtRegistration *registration, gboolean supervised, gint64 timeout_us,
                           gint64 interval_us);

/* @uuid: of EXT_REGISTERED. @now_us: monotonic. */
ExtPlan ext_registration_step(ExtRegistration *registration, ExtEvent event, gint64 uuid,
                              gint64 now_us);

G_END_DECLS
