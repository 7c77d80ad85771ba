/* Tells a leak from a peak: how the memory of one process grew until it was over its limit. Pure.
 *
 * A leak is a floor that rises all the time, whatever the peaks on it are. So the process's life is
 * cut into parts of the same length, and the floor of each is a low value of its samples. A line
 * through the floors (Theil and Sen: the median of the slopes between any two) shows how much of
 * the growth is the floor's. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  CTL_GROWTH_UNKNOWN, /* too few samples, or neither */
  CTL_GROWTH_LEAK,    /* steady, over most of the time that was measured */
  CTL_GROWTH_JUMP,    /* most of it at the end */
} CtlGrowthKind;

typedef struct {
  CtlGrowthKind kind;
  double bytes_per_hour; /* of a leak; else 0, as the next one */
  gint64 reach_s; /* how long after a start a leak is over the limit again, with a peak on it that
                     is as high as the last one */
} CtlGrowth;

/* What a regular check measured. */
typedef struct {
  gint64 time_s; /* by the wall clock of that moment */
  gint64 bytes;  /* what the memory limit is applied to */
} CtlGrowthPoint;

/* @points: of CtlGrowthPoint, in the order of the checks; those of an earlier process with the same
 * pid may come first. @lifetime_ms: how long the process had lived; WD_NONE: not known.
 * @measured: what it had when it was over the limit. @limit: that limit; both in bytes. */
CtlGrowth ctl_growth_find(const GArray *points, gint64 lifetime_ms, gint64 measured, gint64 limit);

/* "A leak: …" or "A peak: …", one or two sentences, newly allocated; NULL when it isn't known. */
char *ctl_growth_words(const CtlGrowth *growth);

G_END_DECLS
