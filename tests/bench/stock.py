#!/usr/bin/python3
"""osquery-watchdogd beside osqueryd's own watcher, measured in one run on one machine.

Usage: OSQUERYD=/opt/osquery/bin/osqueryd /usr/bin/python3 tests/bench/stock.py [--build DIR]
           [--only respawns|peaks|cost] [--growths N] [--seconds N]

Without a real osqueryd ($OSQUERYD, or an installed one) ours supervises the stand-in, and the watcher
is left out. Nothing is asserted: only ratios of one run mean something, and the load is said with each.

  respawns  a worker is killed with kill -9 at given ages, again and again; until the next one runs.
            What the rule says is printed by build/tests/bench/respawns.
  peaks     an extension grows at 1 GB/s, or as fast as the machine lets it (the rate is
            said), past a limit of 60 MB, beginning at any moment between two checks, and ignores SIGUSR1 and SIGTERM. When the first signal comes, how large it
            gets, and when it is gone; with the kernel's counter of page faults, and without.
  cost      at rest, limits enforced: CPU time and private memory of the supervisor alone. Ours has the
            worker and the tables extension, the watcher its worker.
"""

import argparse
import mmap
import os
import pathlib
import random
import select
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

from supervision import (ROOT, Bench, heading, memory_kb, process_ns, real_osqueryd, say,
                         voluntary_switches, wait_child, wait_named_child)

sys.path.insert(0, str(ROOT / "tests"))
from perf_events import refuse_counters  # noqa: E402

MEGABYTE = 1024 * 1024
LIMIT_MB = 60  # as supervised.c has it
CHECK_S = 3
TOUCHED_MB = 4000  # as much as supervised.c takes
# In the order in which they are killed.
AGES_S = ((6,) * 4, (2,) * 3, (3.5,) * 3, (5,) * 6, (15,) * 5, (2, 6, 6, 6), (70,))
# A watcher may begin one check after another, each with signals and waits of its own.
END_DEADLINE_S = 30


def load():
    """How busy the machine is: others on it make every figure worse."""
    return f"load {os.getloadavg()[0]:.2f} of {os.cpu_count()} CPUs"


def median_and_worst(values, unit):
    return f"median {statistics.median(values):6.0f}, worst {max(values):6.0f} {unit}"


class Pair:
    """Starts ours and, where there is a real osqueryd, the watcher."""

    def __init__(self, bench):
        self.bench = bench
        self.real = real_osqueryd()
        self.kinds = ["ours"] + (["stock"] if self.real else [])

    def start(self, kind, name, *flags, options=("--notables",), extensions=(), **popen):
        folder = self.bench.folder(name)
        # Of a level that has the limits and the back-off of an ordinary host.
        flags = ("--watchdog_level=0", "--watchdog_max_delay=600", "--disable_events",
                 "--watchdog_delay=0", *flags)
        if kind == "stock":
            return self.bench.watcher(name, folder, self.real, *flags, extensions=extensions)
        (folder / "osquery.conf").write_text("{}")
        osqueryd = self.real or shutil.copy(self.bench.build / "tests/stand-in/osqueryd",
                                            folder / "osqueryd")
        if self.real:
            flags += (f"--database_path={folder}/osquery.db", f"--logger_path={folder}",
                      f"--config_path={folder}/osquery.conf")
        return self.bench.watchdogd(name, folder, osqueryd, *flags, options=options,
                                    extensions=extensions, **popen)


# --- respawns ---


def kill_at(supervisor, ages, delays):
    """Fills @delays with the seconds until the next worker, after each kill at one of @ages."""
    worker = wait_child(supervisor.pid)
    started = time.monotonic()
    for age in ages:
        time.sleep(max(0.0, started + age - time.monotonic()))
        os.kill(worker, signal.SIGKILL)
        killed = time.monotonic()
        worker = wait_child(supervisor.pid, other_than=worker, interval_s=0.02)
        started = time.monotonic()
        delays.append(started - killed)


def respawns(bench):
    heading(f"a worker killed at these ages: s until the next one   ({load()})")
    pair = Pair(bench)
    runs = []
    for number, ages in enumerate(AGES_S):
        for kind in pair.kinds:
            supervisor = pair.start(kind, f"{kind}-respawn-{number}", "--disable_extensions")
            delays = []
            thread = threading.Thread(target=kill_at, args=(supervisor, ages, delays), daemon=True)
            thread.start()
            runs.append((kind, ages, delays, thread))
    for kind, ages, delays, thread in runs:
        thread.join()
        if len(delays) != len(ages):
            raise SystemExit(f"stock.py: {kind} started no further worker at ages {ages}")
    for ages in AGES_S:
        found = {kind: delays for kind, of, delays, _ in runs if of == ages}
        for kind, delays in found.items():
            say(f"{' '.join(f'{age:3}' for age in ages):24} {kind:6}"
                f" {' '.join(f'{delay:5.2f}' for delay in delays):36} sum {sum(delays):6.2f}"
                + (f"   {sum(delays) / sum(found['stock']):.2f} x stock"
                   if kind == "ours" and "stock" in found else ""))
    bench.stop()


# --- peaks ---


def touched_memory():
    """What a virtual machine's host has really given it: the first touch costs far more than a fault."""
    return mmap.mmap(-1, TOUCHED_MB * MEGABYTE,
                     flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)


def high_water_mb(pid, pidfd):
    """Follows the process until it is gone; the greatest resident size that was seen."""
    peak_kb = 0
    deadline = time.monotonic() + END_DEADLINE_S
    while not select.select([pidfd], [], [], 0.002)[0]:
        if time.monotonic() > deadline:
            raise SystemExit(f"stock.py: {pid} was never ended")
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("VmHWM:"):  # no longer there once it is dying
                peak_kb = max(peak_kb, int(line.split()[1]))
    return peak_kb / 1024


def grow_deaf(bench, name, times):
    """For each time: ms from crossing the limit to the first signal, MB grown by then, peak MB, ms from
    crossing the limit to the end, MB/s."""
    values = []
    for _ in range(times):
        pid = bench.note_start(name, {})[0]
        memory = touched_memory()
        # Its baseline is taken within a check of its start; then any moment between two checks.
        time.sleep(3.5 + random.random() * CHECK_S)
        pidfd = os.pidfd_open(pid)
        memory.close()
        began_ns = time.monotonic_ns()
        os.kill(pid, signal.SIGUSR2)
        peak_mb = high_water_mb(pid, pidfd)
        ended_ns = time.monotonic_ns()
        os.close(pidfd)
        crossed_ns = bench.reports.take("crossed", name)[1]
        # What got no signal before SIGKILL has SIGKILL as its first.
        _, signalled_ns, grown = (bench.reports.take("signal", name, 0.1) or
                                  (pid, ended_ns, peak_mb * MEGABYTE))
        values.append(((signalled_ns - crossed_ns) / 1e6, grown / MEGABYTE, peak_mb,
                       (ended_ns - crossed_ns) / 1e6, peak_mb / ((ended_ns - began_ns) / 1e9)))
    return values


def peaks(bench, times):
    heading(f"a deaf extension growing past {LIMIT_MB} MB, {times} times   ({load()})")
    pair = Pair(bench)
    medians = {}
    for title, kind, popen in (("ours, events", "ours", {}),
                               ("ours, polling", "ours", {"preexec_fn": refuse_counters}),
                               ("stock", "stock", {})):
        if kind not in pair.kinds:
            continue
        name = f"peak-{title.split()[-1]}"
        extension = shutil.copy(bench.supervised, bench.folder(name) / "grow.ext")
        pair.start(kind, name, f"--watchdog_memory_limit={LIMIT_MB}", "--enable_extensions_watchdog",
                   "--watchdog_max_delay=0", extensions=(extension,), **popen)
        after, size, peak, end, rate = zip(*grow_deaf(bench, name, times))
        bench.stop()
        medians[title] = [statistics.median(values) for values in (after, size, peak, end)]
        say(f"{title:14} first signal after {median_and_worst(after, 'ms')}, at"
            f" {median_and_worst(size, 'MB')}\n{'':14} peak {median_and_worst(peak, 'MB')}, gone after"
            f" {median_and_worst(end, 'ms')}   ({statistics.median(rate):.0f} MB/s)")
    for title, values in medians.items():
        if title != "stock" and "stock" in medians:
            ratios = [ours / stock for ours, stock in zip(values, medians["stock"])]
            say("{:14} x stock's medians: first signal {:.3f} at {:.3f}, peak {:.3f}, gone {:.3f}".format(
                title, *ratios))


# --- cost ---


def cost(bench, seconds):
    heading(f"at rest over {seconds} s, limits enforced   ({load()})")
    pair = Pair(bench)
    supervisors = {"ours": pair.start("ours", "cost-ours", options=())}
    wait_named_child(supervisors["ours"].pid, "osquery-watchdo")
    if pair.real:
        supervisors["stock"] = pair.start("stock", "cost-stock")
    pids = {kind: process.pid for kind, process in supervisors.items()}
    time.sleep(30)  # for everything to have started, registered and calmed down
    before = {kind: (process_ns(pid), voluntary_switches(pid)) for kind, pid in pids.items()}
    began = time.monotonic()
    time.sleep(seconds)
    checks = (time.monotonic() - began) / CHECK_S
    figures = {}
    for kind, pid in pids.items():
        cpu_us = (process_ns(pid) - before[kind][0]) / 1e3 / checks
        dirty, proportional = memory_kb(pid)
        figures[kind] = (cpu_us, dirty)
        wakes = (voluntary_switches(pid) - before[kind][1]) / checks
        say(f"{kind:6} CPU {cpu_us:7.0f} us each {CHECK_S} s, {wakes:5.1f} wake-ups;"
            f" private dirty {dirty:6} kB, proportional {proportional:6} kB")
    if "stock" in figures:
        for (what, goal), ours, stock in zip((("CPU", 1), ("private memory", 1 / 3)), figures["ours"],
                                             figures["stock"]):
            say(f"{what:14} {ours / stock:.2f} x stock's, goal at most {goal:.2f}:"
                f" {'reached' if ours <= stock * goal else 'MISSED'}")
    bench.stop()


def main():
    parser = argparse.ArgumentParser(description="osquery-watchdogd beside osqueryd's own watcher")
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("--only", choices=("respawns", "peaks", "cost"))
    parser.add_argument("--growths", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60, help="at rest")
    arguments = parser.parse_args()
    if not real_osqueryd():
        say("not measured: osqueryd's own watcher (no real osqueryd in $OSQUERYD, nor installed)")
    directory = tempfile.mkdtemp(prefix="bench-")
    bench = Bench(arguments.build, directory)
    parts = {"respawns": lambda: respawns(bench), "peaks": lambda: peaks(bench, arguments.growths),
             "cost": lambda: cost(bench, arguments.seconds)}
    try:
        for name, part in parts.items():
            if arguments.only in (None, name):
                part()
    finally:
        bench.stop()
        shutil.rmtree(bench.runtime)
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
