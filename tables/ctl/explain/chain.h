/* Which events belong to the story of one process's end. Pure.
 *
 *   cause ← … ← the event asked for       the way back along cause_eid, to the root: the caller's
 *   the root's process, up to its end     by run, name and pid
 *   whatever any of them led to           by cause_eid
 *   the next start of that name, and its registration */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* The columns of watchdog_events that decide. */
typedef struct {
  gint64 eid;
  gint64 cause_eid; /* WD_NONE if absent, as the pid */
  gint64 pid;
  const char *run_id; /* NULL if absent, as the name */
  const char *name;
  WdEventKind kind;
} CtlLink;

typedef struct CtlChain CtlChain;

/* @root: the event without a cause. */
CtlChain *ctl_chain_new(const CtlLink *root);
void ctl_chain_free(CtlChain *chain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlChain, ctl_chain_free)

/* Takes the next event, if it belongs to the story. Must be called for every event after the root,
 * in the order of their eids. */
void ctl_chain_take(CtlChain *chain, const CtlLink *link);

/* A story has at most so many events; later ones are left out. */
#define CTL_CHAIN_MAX 1000

/* Of gint64: the eids of the story's events, in order. The chain's. */
const GArray *ctl_chain_eids(const CtlChain *chain);

/* "SELECT @columns FROM watchdog_events …": of the story's events, in order. Newly allocated. */
char *ctl_chain_select(const CtlChain *chain, const char *columns);

/* The process's end, or the root while it has none. */
gint64 ctl_chain_main(const CtlChain *chain);

/* The process's limit_exceeded or would_terminate, whose details show its activity; or WD_NONE. */
gint64 ctl_chain_breach(const CtlChain *chain);

G_END_DECLS
