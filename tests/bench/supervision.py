#!/usr/bin/python3
"""osquery-watchdogd beside other supervisors, measured in one run on one machine.

Usage: /usr/bin/python3 tests/bench/supervision.py [--build DIR] [--kills N] [--seconds N]

Peers are runsv, s6-supervise, monit (Debian's packages runit, s6, monit) and osqueryd's own watcher,
as far as they are installed ($OSQUERYD may name an osqueryd); what is missing is said, and the others
are measured. Nothing is asserted: figures depend on the machine, so only ratios of one run mean
something. stock.py compares more with osqueryd's watcher.

  killed -> running   from kill -9 of the supervised process until main() of the next one. All
                      supervise the same static program, which is over a second old when it is killed:
                      a younger one runsv holds back for a second on purpose (s6 does that always).
  memory              the supervisor's own smaps_rollup, after its restarts.
  at rest             CPU time (schedstat, all threads) and voluntary context switches of the
                      supervisor alone, over --seconds. What it checks is said with each line.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Older than the second for which runsv holds a restart back.
AGE_S = 1.1
START_DEADLINE_S = 30
OSQUERYDS = ("/opt/osquery/bin/osqueryd", "/usr/bin/osqueryd", "/usr/local/bin/osqueryd")


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n{text}\n{'-' * len(text)}")


def installed(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def real_osqueryd():
    """$OSQUERYD, or an installed one; None if there is only the stand-in."""
    for path in (os.environ.get("OSQUERYD", ""), *OSQUERYDS):
        if os.access(path, os.X_OK) and pathlib.Path(path).resolve().parent.name != "stand-in":
            return path
    return None


def schedstat_ns(pid):
    """CPU time of all threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total


def process_ns(pid):
    """CPU time of the process, of the threads that have ended, too (clock_getcpuclockid)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def voluntary_switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        for line in pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def memory_kb(pid):
    """Private dirty and proportional size."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        fields[name] = int(value.split()[0])
    return fields["Private_Dirty"], fields["Pss"]


class Reports:
    """What the supervised programs tell; kept by name until it is asked for."""

    def __init__(self, directory):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"{directory}/report")
        self.kept = []

    def take(self, kind, name, patience=START_DEADLINE_S):
        """The first report of this kind by @name, as [pid, ns, …]; None if none comes in time."""
        deadline = time.monotonic() + patience
        while True:
            for report in self.kept:
                if report[:2] == [kind, name]:
                    self.kept.remove(report)
                    return [int(word) for word in report[2:]]
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                self.kept.append(self.socket.recv(1000).decode().split())
            except TimeoutError:
                pass


class Bench:
    def __init__(self, build, directory):
        self.build = pathlib.Path(build)
        self.directory = pathlib.Path(directory)
        # In memory, as /run is.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir="/dev/shm"))
        self.reports = Reports(directory)
        self.supervisors = []
        self.supervised = self.build / "tests" / "bench-supervised"

    def folder(self, name, program=None):
        """A directory, with the supervised program in it as @program."""
        path = self.directory / name
        path.mkdir(exist_ok=True)
        if program:
            shutil.copy(self.supervised, path / program)
        return path

    def start(self, name, command, **options):
        log = open(self.directory / f"{name}.log", "ab")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={"PATH": os.environ.get("PATH", "")}, **options)
        self.supervisors.append(process)
        return process

    def stop(self):
        for process in self.supervisors:
            if process.poll() is None:
                process.terminate()
        for process in self.supervisors:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.supervisors = []
        # Some of them leave what they supervised running.
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.readlink(f"/proc/{entry}/exe").startswith(
                        f"{self.directory}/"):
                    os.kill(int(entry), signal.SIGKILL)
            except OSError:
                pass

    # --- the supervisors ---

    def watchdogd(self, name, folder, osqueryd, *flags, options=("--notables",), extensions=(),
                  **popen):
        (folder / "extensions.load").write_text("".join(f"{path}\n" for path in extensions))
        (folder / "osquery.flags").write_text("")
        return self.start(name, [
            str(self.build / "bin" / "osquery-watchdogd"), f"--state_dir={folder}/state",
            f"--runtime_dir={self.runtime}/{name}", *options, "--", str(osqueryd),
            f"--flagfile={folder}/osquery.flags", f"--extensions_socket={folder}/em",
            f"--extensions_autoload={folder}/extensions.load", f"--pidfile={folder}/pidfile",
            "--watchdog_level=-1", "--watchdog_max_delay=0", *flags], **popen)

    def watcher(self, name, folder, osqueryd, *flags, extensions=()):
        """osqueryd's own."""
        (folder / "extensions.load").write_text("".join(f"{path}\n" for path in extensions))
        (folder / "osquery.conf").write_text("{}")
        (folder / "osquery.flags").write_text("")
        return self.start(name, [
            str(osqueryd), f"--flagfile={folder}/osquery.flags", f"--extensions_socket={folder}/em",
            f"--extensions_autoload={folder}/extensions.load", f"--pidfile={folder}/pidfile",
            f"--database_path={folder}/osquery.db", f"--logger_path={folder}",
            f"--config_path={folder}/osquery.conf", "--watchdog_level=-1",
            "--watchdog_max_delay=0", *flags])

    def monit(self, name, cycle_s, checks):
        """@checks: (name, folder, limits)."""
        control = self.folder(name) / "monitrc"
        text = (f"set daemon {cycle_s}\nset pidfile {control.parent}/monit.pid\n"
                f"set idfile {control.parent}/id\nset statefile {control.parent}/state\n")
        for check, folder, limits in checks:
            text += f'check process {check} with pidfile {folder}/pid\n'
            text += f'  start program = "{folder}/osqueryd -d"\n'
            text += "".join(f"  {limit}\n" for limit in limits)
        control.write_text(text)
        control.chmod(0o600)
        return self.start(name, [installed("monit"), "-I", "-c", str(control)])

    # --- killed -> running ---

    def restarts(self, kills):
        heading(f"kill -9 -> running again, ms ({kills} times, one after the other)")
        peers = {}
        folder = self.folder("ours", "osqueryd")
        peers["ours"] = ("osquery-watchdogd", self.watchdogd(
            "ours", folder, folder / "osqueryd", "--disable_extensions"))
        for name, title in (("runsv", "runsv"), ("s6", "s6-supervise")):
            if installed(title):
                folder = self.folder(name, "run")
                peers[name] = (title, self.start(name, [installed(title), str(folder)]))
        if installed("monit"):
            folder = self.folder("monitored", "osqueryd")
            peers["monitored"] = ("monit, cycle 1 s",
                                  self.monit("monit", 1, [("worker", folder, ())]))
        times = {name: [] for name in peers}
        running = {}  # name -> (pid, since)
        for name in peers:
            self.note_start(name, running)
        # One after the other, each alone: nobody restarts while another is measured. monit's
        # restart, which takes its cycle, is waited for between the rounds.
        awaited_ns = None
        for _ in range(kills):
            for name in [name for name in peers if name != "monitored"]:
                pid, since = running[name]
                time.sleep(max(0.0, since + AGE_S - time.monotonic()))
                times[name].append(self.kill(name, pid, running))
            if "monitored" in peers and awaited_ns is None:
                awaited_ns = time.monotonic_ns()
                os.kill(running["monitored"][0], signal.SIGKILL)
            elif awaited_ns is not None and (
                    report := self.reports.take("start", "monitored", 0.001)):
                running["monitored"] = (report[0], time.monotonic())
                times["monitored"].append((report[1] - awaited_ns) / 1e6)
                awaited_ns = None
        watchers = self.watcher_restarts(min(kills, 20))
        self.print_restarts(peers, times, watchers)
        self.print_memory(peers)
        self.stop()

    def note_start(self, name, running):
        report = self.reports.take("start", name)
        if report is None:
            raise SystemExit(f"supervision.py: {name} started nothing; see {self.directory}/{name}.log:\n"
                             + (self.directory / f"{name}.log").read_text(errors="replace"))
        running[name] = (report[0], time.monotonic())
        return report

    def kill(self, name, pid, running):
        killed_ns = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        return (self.note_start(name, running)[1] - killed_ns) / 1e6

    def watcher_restarts(self, kills):
        """osqueryd's workers are its own program: they are seen as the children of the watcher."""
        osqueryd = real_osqueryd()
        if osqueryd is None:
            return None
        watcher = self.watcher("osqueryd", self.folder("osqueryd"), osqueryd)
        times = []
        worker = wait_child(watcher.pid)
        for _ in range(kills):
            time.sleep(AGE_S + random.random() * 3)
            killed_ns = time.monotonic_ns()
            os.kill(worker, signal.SIGKILL)
            worker = wait_child(watcher.pid, other_than=worker)
            times.append((time.monotonic_ns() - killed_ns) / 1e6)
        return watcher, times

    def print_restarts(self, peers, times, watchers):
        ours = statistics.median(times["ours"])
        rows = {title: times[name] for name, (title, _) in peers.items()}
        if watchers:
            rows["osqueryd's watcher"] = watchers[1]
            peers["osqueryd"] = ("osqueryd's watcher", watchers[0])
        for title, values in rows.items():
            if values:
                median = statistics.median(values)
                say(f"{title:20} median {median:9.2f}   worst {max(values):9.2f}   n {len(values):4}"
                    + ("" if title == "osquery-watchdogd" else f"   {median / ours:.1f} x ours"))

    def print_memory(self, peers):
        heading("memory of the supervisor, kB")
        ours = memory_kb(peers["ours"][1].pid)[0]
        for title, process in peers.values():
            dirty, proportional = memory_kb(process.pid)
            say(f"{title:20} private dirty {dirty:6}   proportional {proportional:6}"
                + ("" if title == "osquery-watchdogd" else f"   {dirty / ours:.2f} x ours"))

    # --- at rest ---

    def rest(self, seconds):
        heading(f"at rest, over {seconds} s")
        stand_in = self.build / "tests" / "stand-in"
        watched = []  # title, pid, seconds between two checks
        for name, title, flags in (
                ("regular", "osquery-watchdogd, worker and 3 extensions: regular checks alone",
                 ("--watchdog_delay=100000",)),
                ("limits", "the same, limits enforced: with looks at the worker's memory",
                 ("--watchdog_delay=0", "--watchdog_level=0")),
                ("all-limits", "the same, limits of the extensions too",
                 ("--watchdog_delay=0", "--watchdog_level=0", "--enable_extensions_watchdog"))):
            folder = self.folder(name)
            extensions = [shutil.copy(stand_in / "stand-in.ext", folder / f"{letter}.ext")
                          for letter in "ab"]
            osqueryd = shutil.copy(stand_in / "osqueryd", folder / "osqueryd")
            process = self.watchdogd(name, folder, osqueryd, *flags, options=(),
                                     extensions=extensions)
            watched.append((title, process.pid, 3))
        for name in ("runsv", "s6-supervise"):
            if installed(name):
                folder = self.folder(f"rest-{name}", "run")
                watched.append((f"{name}, one process, no checks",
                                self.start(f"rest-{name}", [installed(name), str(folder)]).pid, None))
        if installed("monit"):
            limits = ("if totalmem > 200 MB for 1 cycles then restart",
                      "if cpu > 10% for 4 cycles then restart")
            checks = [(f"p{i}", self.folder(f"monitored-{i}", "osqueryd"), limits) for i in range(4)]
            watched.append(("monit, 4 processes' memory and CPU, cycle 3 s",
                            self.monit("rest-monit", 3, checks).pid, 3))
        osqueryd = real_osqueryd()
        if osqueryd:
            watched.append(("osqueryd's watcher, its worker alone",
                            self.watcher("rest-osqueryd", self.folder("rest-osqueryd"), osqueryd).pid,
                            3))
        time.sleep(10)  # for everything to have started, registered and calmed down
        before = {pid: (schedstat_ns(pid), voluntary_switches(pid)) for _, pid, _ in watched}
        began = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - began
        ours = None
        for title, pid, interval in watched:
            cpu_ms = (schedstat_ns(pid) - before[pid][0]) / 1e6
            wakes = (voluntary_switches(pid) - before[pid][1]) / elapsed
            check = f"{cpu_ms / (elapsed / interval):.3f} ms a check" if interval else "-"
            ours = ours or cpu_ms
            say(f"{title:67} CPU {cpu_ms / elapsed / 10:7.4f} % of a core, {check:16}"
                f" {wakes:6.2f} wake-ups/s   {cpu_ms / ours:.2f} x the first line")
        heading("memory of the supervisor with three extensions, kB")
        for title, pid, _ in watched[:1]:
            dirty, proportional = memory_kb(pid)
            say(f"{'osquery-watchdogd':20} private dirty {dirty:6}   proportional {proportional:6}")
        self.stop()

    # --- observing ---

    def observing(self, seconds):
        heading(f"observing at rest, over {seconds} s")
        stand_in = self.build / "tests" / "stand-in"
        pids = {}
        for name in ("supervised", "observed"):
            folder = self.folder(name)
            extensions = [shutil.copy(stand_in / "stand-in.ext", folder / f"{letter}.ext")
                          for letter in "ab"]
            osqueryd = shutil.copy(stand_in / "osqueryd", folder / "osqueryd")
            flags = ("--watchdog_delay=0", "--watchdog_level=0")
            if name == "supervised":
                pids["watchdogd"] = self.watchdogd(name, folder, osqueryd, *flags, options=(),
                                                   extensions=extensions).pid
            else:
                ours = folder / "osquery-watchdog.ext"
                ours.write_text(f'#!/bin/sh\nexec {self.build}/bin/osquery-watchdog.ext "$@"'
                                f" --state_dir={folder}/state --runtime_dir={self.runtime}/{name}\n")
                ours.chmod(0o755)
                pids["watcher"] = self.watcher(name, folder, osqueryd, *flags,
                                               extensions=(*extensions, ours)).pid
        time.sleep(75)  # started, registered, and for a while nothing new
        for name, parent in (("supervised", "watchdogd"), ("observed", "watcher")):
            pids[name] = wait_named_child(pids[parent], "osquery-watchdo")
        before = {name: process_ns(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        ms = {name: (process_ns(pid) - before[name]) / 1e6 for name, pid in pids.items()}
        own = ms["observed"] - ms["supervised"]
        say(f"osquery-watchdogd supervising {ms['watchdogd']:8.2f} ms"
            f"   {ms['watchdogd'] / seconds / 10:.4f} % of a core")
        say(f"the extension observing       {own:8.2f} ms   {own / seconds / 10:.4f} % of a core"
            f"   {own / ms['watchdogd']:.2f} x   ({ms['observed']:.2f} ms with the tables,"
            f" {ms['supervised']:.2f} ms the tables alone)")
        say(f"the stand-in's own watcher    {ms['watcher']:8.2f} ms")
        self.stop()


def wait_named_child(parent, name):
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        for task in os.listdir(f"/proc/{parent}/task"):
            for pid in pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text().split():
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    return int(pid)
        time.sleep(0.1)
    raise SystemExit(f"supervision.py: {parent} has no {name}")


def wait_child(parent, other_than=None, interval_s=0.001):
    """The newest child of @parent."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        children = []
        for task in os.listdir(f"/proc/{parent}/task"):
            children += pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text().split()
        found = [int(pid) for pid in children if int(pid) != other_than]
        if found:
            return max(found)
        time.sleep(interval_s)
    raise SystemExit(f"supervision.py: {parent} started nothing")


def main():
    parser = argparse.ArgumentParser(description="osquery-watchdogd beside other supervisors")
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("--kills", type=int, default=100, help="0 leaves this part out")
    parser.add_argument("--seconds", type=int, default=60, help="at rest; 0 leaves it out")
    arguments = parser.parse_args()
    for program, package in (("runsv", "runit"), ("s6-supervise", "s6"), ("monit", "monit")):
        if not installed(program):
            say(f"not measured: {program} (package {package} is not installed)")
    if not real_osqueryd():
        say("not measured: osqueryd's own watcher (no real osqueryd in $OSQUERYD, nor installed)")
    directory = tempfile.mkdtemp(prefix="bench-")
    bench = Bench(arguments.build, directory)
    try:
        if arguments.kills:
            bench.restarts(arguments.kills)
        if arguments.seconds:
            bench.rest(arguments.seconds)
            bench.observing(arguments.seconds)
    finally:
        bench.stop()
        shutil.rmtree(bench.runtime)
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
