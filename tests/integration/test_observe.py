"""The extension, autoloaded by a stock osqueryd, observes that osqueryd's own watcher.

The watcher is the stand-in's, which writes down what it does: that is the truth that the recorded
events are compared with. How processes end is seen where the kernel tells us: root, and since Linux 6.6 anybody,
outside of containers."""

import contextlib
import json
import os
import platform
import pwd
import signal
import subprocess
import time

import pytest

from harness import (BUILD, CTL, MARK, PATIENCE, STAND_IN, Proc, Watchdog, alive, eventually,
                     hanging_disk)
from rules import check_history

EXTENSION = BUILD / "bin" / "osquery-watchdog.ext"
NAME = EXTENSION.name
# The watcher looks more often than osquery's, so that the tests take less time; its back-off is
# as short as its flag allows.
FAST = ("--watcher_interval_ms=1000", "--watchdog_max_delay=1", "--extensions_interval=1")
SMALL = ("--watchdog_delay=0", "--watchdog_memory_limit=30")
# Slow enough that the watcher has a baseline before it is over.
GROW = "grow:60:200"
# In the middle of a query a worker ends a while after it is asked to, so that whoever observes it
# has the time to see it over its limit, on a busy machine, too.
GROW_IN_A_QUERY = f"{GROW},sleep:6"
SPIN_IN_A_QUERY = "spin:1,sleep:12"
BLIND = "how processes end can't be seen"

# Starts the extension on a kernel that knows neither process events nor pidfds.
OLD_KERNEL = """#!/usr/bin/python3
import ctypes, os, struct, sys
def rule(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)
LOAD, EQUAL, RETURN, ERRNO = 0x20, 0x15, 0x06, 0x00050000
code = b"".join([
    rule(LOAD, 0, 0, 0), rule(EQUAL, 4, 0, 434), rule(EQUAL, 0, 2, {socket}),
    rule(LOAD, 0, 0, 16), rule(EQUAL, 2, 0, 16), rule(RETURN, 0, 0, 0x7fff0000),
    rule(RETURN, 0, 0, ERRNO | 38), rule(RETURN, 0, 0, ERRNO | 93)])
kept = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(kept))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv("{program}", ["{program}", *sys.argv[1:], *{arguments}])
"""


class Stock(Watchdog):
    """A stock osqueryd with our extension in extensions.load."""

    def __init__(self, directory, osqueryd, user=None):
        super().__init__(directory, osqueryd)
        self.user = user  # who runs osqueryd; None: we ourselves
        self.truth_path = self.directory / "truth"
        extension = EXTENSION
        if user:  # who may not get to where they were built
            self.osqueryd = self.program("osqueryd", osqueryd)
            (self.directory / "built").mkdir()
            extension = self.program(f"built/{NAME}", EXTENSION)
        # osquery gives an extension no arguments of its own.
        self.tables_extension = self.program(
            NAME, f'#!/bin/sh\nexec {extension} "$@" --state_dir={self.state_dir}'
                  f' --runtime_dir={self.runtime_dir}\n')
        self.autoload.write_text(f"{self.tables_extension}\n")

    def command(self, *options, flags=()):
        ours = super().command(flags=[*FAST, f"--watcher_truth={self.truth_path}", *flags])
        return ours[ours.index("--") + 1:]

    def start(self, *flags, ready=True):
        self.truth_path.unlink(missing_ok=True)
        if self.user:
            self.popen = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
            for path in [self.directory, *self.directory.rglob("*")]:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        super().start(flags=flags, ready=False)
        if ready:
            self.observed()
        return self

    @property
    def sees_ends(self):
        return BLIND not in self.log()

    def observed(self):
        """Waits until the present worker is observed, and its limits are known; its pid."""
        def known():
            row = self.status("worker")
            started = self.truth("started")
            return (started and row and row["pid"] == started[-1]["pid"] and
                    row["state"] == "running" and row["memory_limit"] and row["pid"])
        return eventually(known, "the worker is observed")

    def truth(self, event, role="worker", **columns):
        """What the watcher did."""
        lines = self.truth_path.read_text().splitlines() if self.truth_path.exists() else []
        wanted = {"event": event, "role": role, **columns}
        return [line for line in map(json.loads, lines)
                if all(line[key] == value for key, value in wanted.items())]

    def wait_truth(self, event, role="worker", count=1, **columns):
        return eventually(lambda: len(found := self.truth(event, role, **columns)) >= count and
                          found, f"the watcher: {event} {role}")[-1]

    def names(self):
        """Of all rows."""
        return {row["name"] for row in self.read(self.runtime_dir / "status.db",
                                                 "SELECT name FROM processes")}

    def the_end_of(self, truth):
        """The event of a process's end, which must be as the watcher has it."""
        event = self.wait_event(f"pid = {truth['pid']} AND"
                                " event IN ('process_exited', 'process_terminated')")
        self.event(f"pid = {truth['pid']} AND event IN ('process_exited', 'process_terminated')")
        seen = (truth["code"], truth["signal"]) if self.sees_ends else (None, None)
        assert (event["exit_code"], event["exit_signal"]) == seen
        assert event["signals_sent"] is None and event["duration_ms"] is None
        return event


def basis(event):
    return json.loads(event["details"])["basis"]


def observing(stock):
    yield stock
    left = stock.clean_up()
    print(stock.log())
    print(stock.truth_path.read_text() if stock.truth_path.exists() else "")
    assert not left, f"left running: {left}"
    for sanitizer in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert sanitizer not in stock.log()


@pytest.fixture
def stock(directory):
    yield from observing(Stock(directory, STAND_IN / "osqueryd"))


@pytest.fixture(params=["root", "nobody"] if os.geteuid() == 0 else ["ourselves"])
def anyones(directory, request):
    """Root's, and an ordinary user's."""
    user = pwd.getpwnam("nobody") if request.param == "nobody" else None
    yield from observing(Stock(directory, STAND_IN / "osqueryd", user))


def misbehave(stock, modes):
    """Asked once, lest the next worker hears it. Returns a process to wait for."""
    stock.query("SELECT 1")
    return stock.asking(f"SELECT misbehave('{modes}')")


# --- what is seen ---


def test_shows_the_watcher_the_worker_and_the_extensions(stock):
    one = stock.add_extension("one")
    worker = stock.start(*SMALL).observed()
    pid = stock.registered("one")
    rows = eventually(
        lambda: len(found := {row["name"]: row for row in stock.query(
            "SELECT * FROM watchdog_processes")}) == 4 and found, "all four")
    assert {name: (row["role"], int(row["pid"]), row["path"], row["state"])
            for name, row in rows.items() if name != NAME} == {
        "watchdog": ("watchdog", stock.process.pid, str(stock.osqueryd), "running"),
        "worker": ("worker", worker, str(stock.osqueryd), "running"),
        "one.ext": ("extension", pid, str(one), "running")}
    assert rows["worker"]["memory_limit"] == str(30 * 1024 * 1024)
    assert rows["worker"]["enforced"] == "1" and rows["one.ext"]["enforced"] == "0"
    assert stock.event("event = 'watchdog_started'")["pid"] == stock.process.pid
    for name, pid in (("worker", worker), ("one.ext", pid)):
        assert stock.event(f"event = 'process_started' AND name = '{name}'")["pid"] == pid
    assert stock.stop() == 0


@pytest.mark.parametrize("modes, delay, signals", [
    (GROW_IN_A_QUERY, 10, "USR1,TERM"), (f"ignore-term,{GROW}", 3, "USR1,TERM,KILL")])
def test_memory(anyones, modes, delay, signals):
    stock = anyones
    worker = stock.start(*SMALL, f"--watchdog_forced_shutdown_delay={delay}").observed()
    misbehave(stock, modes).wait(PATIENCE)
    truth = stock.wait_truth("stopped", pid=worker)
    assert (truth["reason"], truth["signals"]) == ("memory", signals)
    event = stock.the_end_of(truth)
    assert (event["event"], event["reason"], basis(event)) == (
        "process_terminated", "memory", "inferred")
    assert event["measured"] > event["limit_value"] == 30 * 1024 * 1024
    # It grew on until it was gone.
    assert event["measured"] < event["peak"] <= 200 * 1024 * 1024 and event["baseline"] > 0
    outcome = "killed" if signals.endswith("KILL") else "graceful"
    assert event["outcome"] == (outcome if stock.sees_ends else None)
    cause = stock.event(f"eid = {event['cause_eid']}")
    assert (cause["event"], cause["pid"], basis(cause)) == ("limit_exceeded", worker, "seen")
    # What it was doing then, as a supervisor tells it.
    details = json.loads(cause["details"])
    assert details["busiest_threads"] and details["threads"] >= 1 and details["descriptors"] > 3
    assert details["anonymous_bytes"] > 30 * 1024 * 1024 and not details["partial"]
    assert stock.observed() != worker
    assert stock.status("worker")["terminations"] == 1


def test_cpu(anyones):
    stock = anyones
    # osquery's own interval: CPU is judged by whole intervals.
    worker = stock.start("--watchdog_delay=0", "--watchdog_latency_limit=6",
                         "--watchdog_utilization_limit=3", "--watcher_interval_ms=3000",
                         "--watchdog_forced_shutdown_delay=10").observed()
    misbehave(stock, SPIN_IN_A_QUERY).wait(PATIENCE)
    truth = stock.wait_truth("stopped", pid=worker)
    assert truth["reason"] == "cpu"
    event = stock.the_end_of(truth)
    assert (event["event"], event["reason"], basis(event)) == (
        "process_terminated", "cpu", "inferred")
    assert event["measured"] > event["limit_value"] and event["unit"] == "ms"
    assert event["utilization"] > event["utilization_limit"] == 3
    details = json.loads(stock.event(f"eid = {event['cause_eid']}")["details"])
    assert details["busiest_threads"][0]["cpu_ms"] > 0


def test_a_crash_and_a_kill_are_nobodys_terminations(anyones):
    stock = anyones
    worker = stock.start(*SMALL).observed()
    for end in (lambda: stock.asking("SELECT misbehave('crash')").wait(PATIENCE),
                lambda: os.kill(worker, signal.SIGKILL)):
        end()
        event = stock.the_end_of(stock.wait_truth("exited", pid=worker))
        assert (event["event"], basis(event)) == ("process_exited", "seen")
        assert event["reason"] == ("signal" if stock.sees_ends else None)
        worker = eventually(
            lambda: (pid := stock.observed()) != worker and pid, "the next worker")
    assert not stock.events("event IN ('process_terminated', 'limit_exceeded')")
    # It lives on when the worker dies, and registers with the next one.
    assert len(stock.truth("started", "extension", name=NAME)) == 1
    assert stock.query("SELECT count(*) AS n FROM watchdog_events")[0]["n"] > "0"


def zombies_of(watcher):
    """Pids of its dead children that still have its thread's name, because they could not be
    executed."""
    lines = subprocess.run(["ps", "-eo", "ppid=,stat=,pid=,comm="], text=True, check=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    return [int(pid) for ppid, stat, pid, name, *_ in map(str.split, lines)
            if int(ppid) == watcher and stat.startswith("Z") and name == "WatcherRunner"]


def test_an_extension_that_cannot_be_started_is_nobody(stock):
    """Its process is a zombie with the name of the watcher's thread until the watcher looks."""
    broken = stock.program("broken.ext", "#!/nowhere\n")
    stock.autoload.write_text(f"{stock.tables_extension}\n{broken}\n")
    worker = stock.start(*SMALL).observed()
    watcher = stock.process.pid
    eventually(lambda: zombies_of(watcher), "the extension is dead")
    os.kill(watcher, signal.SIGSTOP)
    (dead,) = zombies_of(watcher)
    os.kill(worker, signal.SIGKILL)
    stock.wait_event(f"event = 'process_exited' AND pid = {worker}")
    time.sleep(2.5)  # the extension looks for children at least every second
    os.kill(watcher, signal.SIGCONT)
    eventually(lambda: stock.observed() != worker, "the next worker")
    assert not stock.events(f"pid = {dead}")
    assert stock.names() == {"watchdog", "worker", NAME}


def test_an_extension_is_one_row_whether_it_lives_or_ends_at_once(stock):
    """One that ends at once, as when the core refuses it, is a zombie before anybody looks at it."""
    path = stock.program("one.ext", "#!/bin/sh\nexit 3\n")
    stock.autoload.write_text(f"{stock.tables_extension}\n{path}\n")
    stock.start(*SMALL)
    if stock.sees_ends:
        stock.wait_event("event = 'process_exited' AND name = 'one.ext' AND exit_code = 3", 2)

    def replace(with_what):
        new = stock.program("new", with_what)
        os.replace(new, path)
    replace(STAND_IN / "stand-in.ext")
    pid = stock.pid("one.ext")
    shown(stock, "one.ext", (1, 1))
    assert stock.status("one.ext")["path"] == str(path)
    replace("#!/bin/sh\nexit 4\n")
    os.kill(pid, signal.SIGKILL)
    if stock.sees_ends:
        stock.wait_event("event = 'process_exited' AND name = 'one.ext' AND exit_code = 4", 2)
    else:
        stock.wait_truth("exited", "extension", 2, name="one.ext", code=4)
    assert stock.names() == {"watchdog", "worker", NAME, "one.ext"}


def test_a_script_that_only_starts_another_program_is_that_program(stock):
    path = stock.program("wrapper.ext", f"#!/bin/sh\nsleep 0.5\nexec {STAND_IN}/stand-in.ext \"$@\"\n")
    stock.autoload.write_text(f"{stock.tables_extension}\n{path}\n")
    stock.start(*SMALL)
    os.kill(stock.pid("stand-in.ext"), signal.SIGKILL)
    stock.wait_event("event = 'process_started' AND name = 'stand-in.ext'", 2)
    assert stock.names() == {"watchdog", "worker", NAME, "stand-in.ext"}


def test_a_worker_that_exits_78_ends_everything(anyones):
    stock = anyones
    worker = stock.start(*SMALL).observed()
    stock.asking("SELECT misbehave('exit:78')").wait(PATIENCE)
    assert stock.wait() == 78
    event = stock.the_end_of(stock.wait_truth("exited", pid=worker))
    assert event["event"] == "process_exited"
    stopped = stock.wait_event("event = 'watchdog_stopped'")
    assert stopped["pid"] == stock.process.pid
    stock.wait_nothing_runs()


def test_extensions_are_ended_where_that_is_enabled(anyones):
    stock = anyones
    path = stock.add_extension("one")
    stock.start(*SMALL, "--enable_extensions_watchdog", "--watchdog_forced_shutdown_delay=3")
    stock.registered("one")
    stock.pid("one.ext")
    stock.query(f"SELECT * FROM one WHERE misbehave = 'ignore-term,{GROW}'")
    truth = stock.wait_truth("stopped", "extension", name=path.name)
    assert truth["reason"] == "memory"
    event = stock.the_end_of(truth)
    assert (event["role"], event["name"]) == ("extension", "one.ext")
    assert (event["event"], event["reason"], basis(event)) == (
        "process_terminated", "memory", "inferred")


def test_a_crash_loop_to_the_end(anyones):
    stock = anyones
    stock.start()
    stock.flags("--misbehave=exit:3:1.5")  # of the next worker on
    misbehave(stock, "exit:3").wait(PATIENCE)
    assert stock.wait() == 1
    assert len(stock.truth("gave_up")) == 1
    exits = stock.truth("exited")
    ends = [stock.the_end_of(truth) for truth in exits]
    assert {event["event"] for event in ends} == {"process_exited"}
    # Unless the first one was too old to count.
    assert len(ends) in (5, 6)
    # Its back-off is as short as its flag allows.
    delayed = stock.events("event = 'respawn_delayed'")
    assert [event["cause_eid"] for event in delayed] == [event["eid"] for event in ends[-5:-1]]
    assert {(event["delay"], event["reason"], basis(event)) for event in delayed} == {
        (1, "exit" if stock.sees_ends else None, "inferred")}
    reached = stock.wait_event("event = 'respawn_limit_reached'")
    assert (reached["name"], basis(reached)) == ("worker", "inferred")
    assert stock.wait_event("event = 'watchdog_stopped'")["cause_eid"] == reached["eid"]
    stock.wait_nothing_runs()


def check_every_start_has_its_end(stock):
    """By the watcher's stop, as a supervisor records its own."""
    ends = {event["pid"]: event for event in stock.events(
        "event IN ('process_exited', 'process_terminated')")}
    starts = stock.events("event = 'process_started'")
    assert sorted(ends) == sorted(event["pid"] for event in starts)
    for event in ends.values():
        assert (event["event"], event["reason"], basis(event)) == (
            "process_terminated", "request", "inferred"), event
    assert ends[stock.truth("started")[-1]["pid"]]["outcome"] == (
        "graceful" if stock.sees_ends else None)
    assert {row["state"] for row in stock.read(
        stock.runtime_dir / "status.db",
        "SELECT state FROM processes WHERE role <> 'watchdog'")} == {"stopped"}


def test_what_a_stopping_watcher_ends_is_told_so(anyones):
    stock = anyones
    stock.add_extension("one")
    stock.start(*SMALL)
    stock.registered("one")
    stock.pid("one.ext")
    assert stock.stop() == 0
    stock.wait_event("event = 'watchdog_stopped'")
    check_every_start_has_its_end(stock)


def test_what_a_dying_worker_shuts_down_follows_it(stock):
    """It ends first. The stand-in's extension ignores shutdown(), so it is made to exit."""
    stock.add_extension("one")
    worker = stock.start(*SMALL).observed()
    shown(stock, "one.ext", (1, 1))
    one = stock.pid("one.ext")
    os.kill(stock.process.pid, signal.SIGSTOP)  # it starts nobody meanwhile
    try:
        stock.asking("SELECT * FROM one WHERE misbehave = 'exit:0'").wait(PATIENCE)
        eventually(lambda: not alive(one), "the extension ends")
        os.kill(worker, signal.SIGTERM)
        ended = stock.wait_event(f"event = 'process_exited' AND pid = {one}")
    finally:
        os.kill(stock.process.pid, signal.SIGCONT)
    assert (ended["reason"], basis(ended)) == ("worker_gone", "inferred")
    assert stock.event(f"eid = {ended['cause_eid']}")["pid"] == worker


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM])
def test_the_watchers_end_is_the_runs(anyones, signo):
    stock = anyones
    stock.start(*SMALL)
    stock.query("SELECT 1 FROM watchdog_events LIMIT 1")
    pid = stock.truth("started", "extension", name=NAME)[0]["pid"]
    assert Proc.of(pid).ppid == stock.process.pid
    assert stock.stop(signo) == (0 if signo == signal.SIGTERM else -signo)
    eventually(lambda: not alive(pid), "the extension ends")
    stopped = stock.event("event = 'watchdog_stopped'")
    assert stopped["eid"] == max(event["eid"] for event in stock.events())
    if signo == signal.SIGKILL:
        assert stopped["exit_signal"] == (signo if stock.sees_ends else None)
    else:
        assert stopped["reason"] == "request"
        check_every_start_has_its_end(stock)
    # A restarted osqueryd's own copy meets no duplicate, and begins a run of its own.
    stock.wait_nothing_runs()
    stock.start(*SMALL)
    assert not stock.events("event = 'watchdog_crashed'")
    assert len({event["run_id"] for event in stock.events()}) == 2
    assert "refuses us" not in stock.log()


def on_an_old_kernel(stock):
    stock.program(NAME, OLD_KERNEL.format(
        program=EXTENSION, socket={"x86_64": 41, "aarch64": 198}[platform.machine()],
        arguments=[f"--state_dir={stock.state_dir}", f"--runtime_dir={stock.runtime_dir}"]))


def test_an_old_kernel(stock):
    on_an_old_kernel(stock)
    worker = stock.start(*SMALL, "--watchdog_forced_shutdown_delay=10").observed()
    # It says once what it can't see, and shows what it can.
    assert stock.log().count(BLIND) == stock.log().count("no pidfds") == 1
    os.kill(worker, signal.SIGKILL)
    event = stock.the_end_of(stock.wait_truth("exited", pid=worker))
    assert (event["event"], event["reason"]) == ("process_exited", None)
    worker = eventually(lambda: (pid := stock.observed()) != worker and pid, "the next worker")
    misbehave(stock, GROW_IN_A_QUERY).wait(PATIENCE)
    event = stock.the_end_of(stock.wait_truth("stopped", pid=worker))
    assert (event["event"], event["reason"], event["outcome"], basis(event)) == (
        "process_terminated", "memory", None, "inferred")
    stock.observed()
    stock.query("SELECT 1")  # the worker knows by then who its watcher is
    assert stock.stop(signal.SIGKILL) == -signal.SIGKILL
    stopped = stock.wait_event("event = 'watchdog_stopped'")
    assert stopped["reason"] is None and stopped["exit_signal"] is None
    assert stock.log().count(BLIND) == 1
    stock.wait_nothing_runs()  # the worker looks at its parent every three seconds


def test_what_ended_before_a_request_to_end_is_told(stock):
    """Also where it wasn't looked for yet."""
    on_an_old_kernel(stock)
    worker = stock.start(*SMALL).observed()
    pid = stock.truth("started", "extension", name=NAME)[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)
    assert stock.stop(signal.SIGKILL) == -signal.SIGKILL
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)
    stock.wait_nothing_runs()
    exited = stock.event("event = 'process_exited'")
    stopped = stock.event("event = 'watchdog_stopped'")
    assert (exited["pid"], exited["reason"], stopped["reason"]) == (worker, None, None)
    assert exited["eid"] < stopped["eid"]


def test_a_worker_that_is_held_back_is_told_while_it_is(stock):
    worker = stock.start("--watchdog_max_delay=600", "--watcher_interval_ms=500").observed()
    ended = time.monotonic()
    os.kill(worker, signal.SIGKILL)  # younger than 4 s
    delayed = stock.wait_event("event = 'respawn_delayed'")
    assert len(stock.truth("started")) == 1  # it is held back still
    assert (delayed["delay"], delayed["restarts"], basis(delayed)) == (7, 0, "inferred")
    assert delayed["cause_eid"] == stock.the_end_of({"pid": worker, "code": None, "signal": 9})["eid"]
    assert stock.status("worker")["state"] == "waiting"
    stock.wait_event("event = 'process_started' AND name = 'worker'", 2)
    assert time.monotonic() - ended >= 7


# --- what only an extension can see ---


def shown(stock, name, expected):
    def shows():
        row = stock.status(name)
        return row and (row["registered"], row["responsive"]) == expected
    eventually(shows, f"{name} is {expected}")


def test_registrations_versions_and_pings(stock):
    one = stock.add_extension("one")
    worker = stock.start(*SMALL).observed()
    pid = stock.registered("one")
    for name in ("one.ext", NAME):
        shown(stock, name, (1, 1))
        event = stock.event(f"event = 'extension_registered' AND name = '{name}'")
        assert basis(event) == "seen"
        assert json.loads(event["details"])["uuid"] == stock.status(name)["uuid"]
        assert stock.status(name)["version"] == "0.2.0"
    shown(stock, "worker", (None, 1))
    eventually(lambda: stock.status("worker")["version"] == "5.23.0-standin", "the worker's version")
    os.kill(pid, signal.SIGSTOP)
    try:
        shown(stock, "one.ext", (1, 0))
        silent = stock.wait_event("event = 'unresponsive'")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (silent["name"], silent["pid"], basis(silent)) == ("one.ext", pid, "seen")
    eventually(lambda: stock.registered("one"), "it is registered again")
    os.kill(worker, signal.SIGKILL)
    death = stock.the_end_of(stock.wait_truth("exited", pid=worker))
    gone = stock.wait_event(f"event = 'extension_unregistered' AND cause_eid = {death['eid']}")
    assert (gone["reason"], basis(gone)) == ("worker_gone", "inferred")
    stock.observed()
    shown(stock, "one.ext", (1, 1))
    assert str(one) == stock.status("one.ext")["path"]


def test_a_denylisted_query_is_told_with_the_death_that_led_to_it(stock):
    schedule = stock.directory / "schedule"
    schedule.write_text("heavy 3 SELECT misbehave('grow:60:200,sleep:30')\n")
    stock.start(*SMALL, "--watchdog_forced_shutdown_delay=3", f"--schedule={schedule}", ready=False)
    told = stock.wait_event("event = 'query_denylisted'")
    assert (told["query_name"], basis(told)) == ("heavy", "seen")
    death = stock.event(f"eid = {told['cause_eid']}")
    assert (death["event"], death["reason"]) == ("process_terminated", "memory")


# --- who observes ---


def test_who_comes_second_only_reads_until_the_first_is_gone(stock, directory):
    (directory / "second").mkdir()
    second = Stock(directory / "second", stock.osqueryd)
    second.state_dir, second.runtime_dir = stock.state_dir, stock.runtime_dir
    second.program(NAME, stock.tables_extension)
    stock.start(*SMALL)
    try:
        second.start(*SMALL, ready=False)
        # It says so once, and serves what the other one writes.
        eventually(lambda: second.try_query("SELECT 1 FROM watchdog_events LIMIT 1"), "it reads")
        rows = second.query("SELECT pid FROM watchdog_processes WHERE role = 'watchdog'")
        assert rows == [{"pid": str(stock.process.pid)}]
        assert stock.stop() == 0
        eventually(lambda: (row := stock.status("watchdog")) and
                   row["pid"] == second.process.pid, "it observes its own watcher")
        assert second.log().count("can't observe osqueryd's watcher yet, and only reads") == 1
        assert not stock.events("event = 'watchdog_crashed'")
        assert second.stop() == 0
    finally:
        left = second.clean_up()
    print(second.log())
    assert not left



@contextlib.contextmanager
def started_by_hand(stock, **environment):
    """The extension, with the socket of a core whose watcher it doesn't come from; asked to end in
    the end."""
    stock.autoload.write_text("")
    command = [EXTENSION, f"--socket={stock.socket}", f"--state_dir={stock.state_dir}",
               f"--runtime_dir={stock.runtime_dir}"]
    with stock.log_path.open("ab") as log, subprocess.Popen(
            command, stderr=log,
            env={**os.environ, MARK: str(stock.directory), **environment}) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0


def test_by_hand_it_observes_whoever_is_behind_the_socket(stock):
    with started_by_hand(stock):
        assert stock.start(*SMALL).worker() == stock.truth("started")[-1]["pid"]
    assert stock.event("event = 'watchdog_stopped'")["reason"] == "request"


def kill_without_a_word(stock):
    """The watcher and its worker; the extension then isn't told to shut down."""
    os.kill(stock.process.pid, signal.SIGSTOP)
    os.kill(stock.truth("started")[-1]["pid"], signal.SIGKILL)
    assert stock.stop(signal.SIGKILL) == -signal.SIGKILL


def test_the_next_watcher_is_observed_once_the_last_ones_end_is_written(stock):
    with started_by_hand(stock):
        stock.start(*SMALL)
        kill_without_a_word(stock)
        worker = stock.start(*SMALL).worker()
        assert stock.event(f"event = 'process_started' AND pid = {worker}")
    assert len(stock.events("event = 'watchdog_started'")) == 2


def test_the_next_watcher_is_not_observed_while_the_disk_hangs(stock):
    """Two writers of one history would ruin it."""
    hangs = stock.directory / "hangs"
    with started_by_hand(stock, **hanging_disk(hangs)):
        stock.start(*SMALL)
        hangs.touch()
        kill_without_a_word(stock)
        stock.start(*SMALL, ready=False)
        eventually(lambda: stock.log().count("registered with") == 2, "it is registered again")
        eventually(lambda: stock.try_query("SELECT 1 FROM watchdog_processes"), "it serves")
        assert stock.log().count("observes osqueryd's watcher") == 1
        hangs.unlink()
    check_history(stock.events(), complete=False)


@pytest.mark.parametrize("option, observes", [("", False), ("--observe", True)])
def test_a_watcher_of_another_name_is_observed_on_request(stock, option, observes):
    stock.osqueryd = stock.program("agentd", STAND_IN / "osqueryd")
    stock.program(NAME, f'#!/bin/sh\nexec {EXTENSION} "$@" {option}'
                        f' --state_dir={stock.state_dir} --runtime_dir={stock.runtime_dir}\n')
    stock.start(*SMALL, ready=observes)
    eventually(lambda: "registered with" in stock.log(), "it is registered")
    assert ("observes osqueryd's watcher" in stock.log()) == observes == stock.state_dir.exists()


def test_noobserve(stock):
    stock.program(NAME, f'#!/bin/sh\nexec {EXTENSION} "$@" --noobserve'
                        f' --state_dir={stock.state_dir} --runtime_dir={stock.runtime_dir}\n')
    stock.start(*SMALL, ready=False)
    eventually(lambda: "registered with" in stock.log(), "it is registered")
    assert not stock.state_dir.exists() and not stock.runtime_dir.exists()
    assert "observes" not in stock.log()


def test_ctl_reads_what_was_observed(stock):
    stock.start(*SMALL)
    done = subprocess.run([CTL, f"--state_dir={stock.state_dir}",
                           f"--runtime_dir={stock.runtime_dir}", "status"],
                          capture_output=True, text=True, check=True)
    assert "worker" in done.stdout


def test_samples_of_what_is_observed(stock):
    worker = stock.start(*SMALL).observed()
    rows = eventually(lambda: stock.query(
        f"SELECT * FROM watchdog_samples WHERE name = 'worker' AND pid = {worker}"), "samples")
    assert rows[0]["memory_limit"] == str(30 * 1024 * 1024)
    assert int(rows[0]["resident_size"]) > 0 and float(rows[0]["utilization"]) >= 0
