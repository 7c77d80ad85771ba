/* Parses the kernel's files about a process, which the caller reads.
 *
 * The text is untrusted: a process chooses its own name, and a short read cuts the text anywhere.
 * Both functions leave their output untouched unless they return TRUE, and read no byte past
 * @length. */
#pragma once

#include "watchdog/core/event/none.h"

G_BEGIN_DECLS

/* The kernel's names have 15 bytes; a kernel thread's may be longer and is cut. */
#define WD_PROC_NAME_SIZE 16

/* Of proc(5), /proc/PID/stat. */
typedef struct {
  gint64 pid;
  char name[WD_PROC_NAME_SIZE]; /* any bytes but NUL: the process chose them */
  char state;                   /* R, S, D, Z, … */
  gint64 ppid;
  gint64 pgrp;
  gboolean forked_only; /* it hasn't executed a program since its fork, or never did */
  gint64 user_ticks;    /* clock ticks, as are the next and start_ticks */
  gint64 system_ticks;
  gint64 threads;
  gint64 start_ticks;    /* since boot: with the pid, the process's identity */
  gint64 resident_pages; /* 0 for a zombie */
} WdProcStat;

/* @text: /proc/PID/stat, whole or at least up to and including the blank after the 24th field.
 * Returns: FALSE if it is cut short, or if a value isn't a number or doesn't fit into 63 bits. */
gboolean wd_proc_stat_parse(const char *text, gsize length, WdProcStat *stat);

/* @text: /proc/PID/task/TID/schedstat, whose first number is the CPU time in ns. Returns: in ms;
 * WD_NONE if it isn't understood. */
gint64 wd_proc_schedstat_cpu_ms(const char *text, gsize length);

/* Of proc(5), /proc/PID/status; WD_NONE for a line that isn't there (a zombie has no memory). */
typedef struct {
  gint64 anon_bytes;  /* RssAnon */
  gint64 file_bytes;  /* RssFile */
  gint64 shmem_bytes; /* RssShmem */
  gint64 swap_bytes;  /* VmSwap */
  gint64 threads;     /* Threads */
} WdProcMemory;

/* @text: /proc/PID/status, whole lines. Returns: FALSE if one of the lines above is cut short, in
 * another unit than kB, or out of range. */
gboolean wd_proc_memory_parse(const char *text, gsize length, WdProcMemory *memory);

G_END_DECLS
