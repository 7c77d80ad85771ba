"""However the watchdog ends, nothing that it started outlives it; and the next one knows."""

import os
import pathlib
import pty
import re
import signal
import subprocess
import time

import pytest

from harness import (MARK, PATIENCE, STAND_IN, Proc, alive, all_processes, environment, eventually,
                     signals)

# A stop grants four seconds less than --alarm_timeout. osqueryd itself refuses less than ten.
STUBBORN = "#!/bin/sh\ntrap '' TERM INT\necho ready >\"$0.ready\"\nwhile :; do sleep 0.1; done\n"


def kill(pid, signo=signal.SIGKILL):
    os.kill(pid, signo)


def stubborn_worker(watchdog, alarm=6):
    """A worker that takes no notice of a request to end. Returns its pid."""
    watchdog.osqueryd = watchdog.program("osqueryd", STUBBORN)
    watchdog.flags(f"--alarm_timeout={alarm}", "--watchdog_forced_shutdown_delay=1")
    pid = watchdog.start().worker()
    eventually((watchdog.directory / "osqueryd.ready").exists, "it ignores SIGTERM")
    return pid


def in_a_query(watchdog, seconds):
    """Starts a query that runs so long, and returns once it runs."""
    asking = watchdog.asking(f"SELECT misbehave('grow:0.001'), misbehave('sleep:{seconds}')")
    worker = watchdog.worker()
    eventually(lambda: "misbehave" in thread_names(worker), "the query runs")
    return asking


def thread_names(pid):
    names = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            names.append((task / "comm").read_text().rstrip("\n"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return names


# --- asked to stop ---


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop(watchdog, signo):
    for name in ("one", "two"):
        watchdog.add_extension(name)
    watchdog.flags(f"--alarm_timeout={2 * PATIENCE}")  # nobody is waited for so long
    watchdog.start()
    pids = {watchdog.worker(), watchdog.registered("one"), watchdog.registered("two")}
    assert watchdog.stop(signo) == 0
    assert not watchdog.running()

    ended = watchdog.events("event = 'process_terminated'")
    assert {event["pid"] for event in ended} == pids
    assert {(event["reason"], event["signals_sent"], event["outcome"], event["measured"])
            for event in ended} == {("request", "TERM", "graceful", None)}
    stopped = watchdog.events()[-1]
    assert (stopped["event"], stopped["reason"], stopped["exit_code"]) == ("watchdog_stopped",
                                                                          "request", 0)
    assert not watchdog.events("event = 'process_exited'")
    assert not (watchdog.runtime_dir / "processes").exists()


# Ends when it is asked to, but not before it may.
OBEDIENT = """#!/bin/sh
trap 'touch "$0.asked"; until [ -e "$0.go" ]; do sleep 0.05; done; exit 0' TERM
touch "$0.ready"
while :; do sleep 0.05; done
"""


def test_after_a_stall_ends_come_before_time(watchdog):
    """A watchdog that stood still while its worker ended in order must not kill it for the time that has passed."""
    grace = 2
    watchdog.osqueryd = watchdog.program("osqueryd", OBEDIENT)
    watchdog.flags(f"--alarm_timeout={grace + 4}")
    worker = watchdog.start(ready=False).worker()
    eventually((watchdog.directory / "osqueryd.ready").exists, "it takes SIGTERM")
    kill(watchdog.process.pid, signal.SIGTERM)
    asked = time.monotonic()
    eventually((watchdog.directory / "osqueryd.asked").exists, "it is asked to end")
    kill(watchdog.process.pid, signal.SIGSTOP)
    try:
        (watchdog.directory / "osqueryd.go").touch()
        eventually(lambda: not alive(worker) and time.monotonic() > asked + grace + 0.5,
                   "it has ended, and its grace time is over")
    finally:
        kill(watchdog.process.pid, signal.SIGCONT)
    assert watchdog.wait() == 0
    ended = watchdog.event("event = 'process_terminated'")
    assert (ended["outcome"], ended["signals_sent"]) == ("graceful", "TERM")


def test_ctrl_c_in_a_terminal(watchdog):
    watchdog.add_extension("one")
    master, slave = pty.openpty()

    def controlling_terminal():
        os.setsid()
        os.close(os.open(os.ttyname(slave), os.O_RDWR))

    watchdog.popen = {"stdin": slave, "stdout": slave, "stderr": slave,
                      "preexec_fn": controlling_terminal}
    watchdog.start()
    os.close(slave)
    watchdog.registered("one")
    os.write(master, b"\x03")
    assert watchdog.wait() == 0
    assert not watchdog.running()
    # The terminal's signal reached the watchdog alone: it decided in which order they ended.
    assert {event["signals_sent"] for event in watchdog.events("event = 'process_terminated'")} == {
        "TERM"}
    assert not watchdog.events("event = 'process_exited'")
    os.close(master)


@pytest.mark.parametrize("signo", [signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals_end_it_without_leaving_anything(watchdog, signo):
    watchdog.add_extension("one")
    watchdog.start()
    watchdog.registered("one")
    assert watchdog.stop(signo) == -signo
    watchdog.wait_nothing_runs()


def test_a_worker_that_does_not_end_is_killed_after_the_grace(stand_in):
    pid = stubborn_worker(stand_in)
    assert stand_in.stop() == 0
    assert not stand_in.running()
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["pid"], ended["signals_sent"], ended["outcome"]) == (pid, "TERM,KILL", "killed")
    assert 2000 <= ended["duration_ms"] < 10000


def test_a_worker_in_a_query_is_killed_after_the_grace(stand_in):
    stand_in.start(flags=["--alarm_timeout=10"])
    stand_in.query("SELECT 1")
    asking = in_a_query(stand_in, 60)
    assert stand_in.stop() == 0
    asking.wait()
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["signals_sent"], ended["outcome"]) == ("TERM,KILL", "killed")
    assert 6000 <= ended["duration_ms"] < 10000


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_asked_a_second_time_it_kills_at_once(stand_in, second):
    stubborn_worker(stand_in, alarm=2 * PATIENCE)  # the grace is longer than we wait
    kill(stand_in.process.pid, signal.SIGTERM)
    # Two signals of one number that wait together are one.
    eventually(lambda: stand_in.children() and not signals(stand_in.process.pid, "ShdPnd"),
               "the first is taken")
    assert stand_in.stop(second) == 0
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["signals_sent"], ended["outcome"]) == ("TERM,KILL", "killed")
    assert not stand_in.running()


def test_asked_to_stop_while_backing_off(watchdog):
    pid = watchdog.start().worker()
    kill(pid)
    delayed = watchdog.wait_event("event = 'respawn_delayed'")
    assert watchdog.stop() == 0
    stopped = watchdog.event("event = 'watchdog_stopped'")
    assert stopped["time"] < delayed["time"] + delayed["delay"]
    assert len(watchdog.events("event = 'process_started'")) == 1


def test_asked_to_stop_at_once_after_the_start(watchdog):
    for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.04):
        watchdog.start(ready=False)
        eventually(lambda: signal.SIGTERM in signals(watchdog.process.pid, "SigBlk"),
                   "it takes the signal itself")
        time.sleep(delay)  # wherever it is then
        assert watchdog.stop() == 0
        assert not watchdog.running()


def test_asked_to_stop_in_the_middle_of_a_termination(stand_in):
    stand_in.flags("--watchdog_delay=0", "--watchdog_memory_limit=30",
                   "--watchdog_forced_shutdown_delay=5", "--misbehave=ignore-term,grow:200:120")
    stand_in.start("--memory_metric=resident", "--grace_limit=0", ready=False)
    pid = stand_in.wait_event("event = 'limit_exceeded'")["pid"]
    assert stand_in.stop() == 0
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["pid"], ended["reason"], ended["outcome"]) == (pid, "memory", "killed")
    assert ended["signals_sent"] == "USR1,TERM,KILL" and ended["duration_ms"] < 10000
    assert stand_in.events()[-1]["reason"] == "request"


def test_descendants_end_with_the_child(stand_in):
    """What is left of a process group when its leader is gone."""
    stand_in.osqueryd = stand_in.program(
        "osqueryd", "#!/bin/sh\nsh -c 'trap \"\" TERM; sleep 1000' & echo $! >\"$0.child\"\nwait\n")
    stand_in.flags("--watchdog_max_delay=1", "--alarm_timeout=5")
    worker = stand_in.start().worker()
    file = stand_in.directory / "osqueryd.child"
    first = int(eventually(lambda: file.exists() and file.read_text(), "the child runs"))
    file.unlink()
    kill(worker)
    eventually(lambda: not alive(first), "it ends with the worker")
    stand_in.worker(other_than=worker)
    eventually(lambda: file.exists() and file.read_text(), "the next child runs")
    assert stand_in.stop() == 0
    stand_in.wait_nothing_runs()


def test_strays_are_reaped(stand_in):
    """A process that left its group, and that the watchdog inherits, is no zombie for ever."""
    stand_in.osqueryd = stand_in.program(
        "osqueryd", "#!/bin/sh\n(setsid sleep 1000 &)\nwhile :; do sleep 0.1; done\n")
    stand_in.popen = {"preexec_fn": become_subreaper}
    stand_in.start()
    stray, = eventually(lambda: [proc.pid for proc in all_processes() if proc.comm == "sleep" and
                                 proc.ppid == stand_in.process.pid], "it is inherited")
    kill(stray)
    eventually(lambda: len(raw_children(stand_in.process.pid)) == 1, "it is reaped")
    assert stand_in.stop() == 0


def become_subreaper():
    import ctypes
    PR_SET_CHILD_SUBREAPER = 36
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def raw_children(pid):
    """Zombies included."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Proc(int(name)).ppid == pid:
                found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


# --- crashed ---


def crash(watchdog):
    kill(watchdog.process.pid)
    watchdog.process.wait()


def test_children_go_with_a_killed_watchdog(watchdog):
    for name in ("one", "two"):
        watchdog.add_extension(name)
    watchdog.start()
    for name in ("one", "two"):
        watchdog.registered(name)
    crash(watchdog)
    watchdog.wait_nothing_runs()


def test_a_busy_worker_goes_with_a_killed_watchdog(stand_in):
    stand_in.add_extension("deaf", "ignore-term")
    stand_in.start(flags=["--alarm_timeout=10"])
    stand_in.registered("deaf")
    asking = in_a_query(stand_in, 60)
    crash(stand_in)
    stand_in.wait_nothing_runs()
    asking.wait()


def test_a_worker_that_ignores_term_goes_with_a_killed_watchdog(stand_in):
    """It looks at its parent every three seconds, as osqueryd does."""
    stand_in.start(flags=["--misbehave=ignore-term"])
    stand_in.query("SELECT 1")  # it has looked for the first time
    crash(stand_in)
    stand_in.wait_nothing_runs()


def test_the_next_start_deals_with_leftovers_first(stand_in):
    old = stubborn_worker(stand_in)
    first = stand_in.process.pid
    crash(stand_in)
    assert alive(old)  # a signal is all that it gets from a watchdog that went
    # One that would fight with the old one over its database.
    stand_in.flags("--watchdog_forced_shutdown_delay=1")
    stand_in.osqueryd = stand_in.program("new-osqueryd", STAND_IN / "osqueryd")
    stand_in.start(ready=False)
    new = stand_in.wait_event("event = 'process_started'", count=2)["pid"]
    assert not alive(old)
    # The worker, and perhaps what it waited for just then.
    assert re.search("ended [12] processes that an earlier osquery-watchdogd left behind",
                     stand_in.log())

    crashed = stand_in.event("event = 'watchdog_crashed'")
    started = stand_in.events("event = 'watchdog_started'")
    assert (crashed["pid"], crashed["role"], crashed["reason"]) == (first, "watchdog", None)
    assert crashed["run_id"] == started[0]["run_id"] != started[1]["run_id"]
    assert started[0]["eid"] < crashed["eid"] < started[1]["eid"]
    assert stand_in.worker() == new
    assert stand_in.stop() == 0
    assert len(stand_in.events("event = 'watchdog_crashed'")) == 1


def test_the_next_start_tells_of_a_termination_that_was_cut_short(stand_in):
    stand_in.flags("--watchdog_delay=0", "--watchdog_memory_limit=30",
                   "--watchdog_forced_shutdown_delay=30", "--misbehave=ignore-term,grow:200:120")
    stand_in.start("--memory_metric=resident", "--grace_limit=0", ready=False)
    exceeded = stand_in.wait_event("event = 'limit_exceeded'")
    crash(stand_in)
    stand_in.wait_nothing_runs()
    stand_in.flags()
    stand_in.start()
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["pid"], ended["outcome"], ended["cause_eid"]) == \
        (exceeded["pid"], "interrupted", exceeded["eid"])
    assert ended["measured"] == exceeded["measured"]
    assert ended["run_id"] == exceeded["run_id"]


def with_descendants(watchdog):
    """A worker that starts something in its group, something out of it, which starts something in
    its turn, and something without an environment. Returns their pids, in this order."""
    marks = [watchdog.directory / f"descendant-{i}" for i in range(4)]
    watchdog.program("descendant", "#!/bin/sh\necho $$ >$1.new\nmv $1.new $1\n"
                                   "[ -z \"$2\" ] || setsid $0 $2 &\nexec sleep 1000\n")
    program = watchdog.directory / "descendant"
    watchdog.osqueryd = watchdog.program(
        "osqueryd", f"#!/bin/sh\n{program} {marks[0]} &\nsetsid {program} {marks[1]} {marks[2]} &\n"
                    f"env -i {program} {marks[3]} &\nexec sleep 1000\n")
    watchdog.start()
    return [int(eventually(lambda: mark.exists() and mark.read_text(), mark.name)) for mark in marks]


def test_what_the_leftovers_started_goes_too(stand_in):
    """It gets no signal when the watchdog dies, and is known by the mark that it inherited."""
    *descendants, unmarked = with_descendants(stand_in)
    mark = environment(descendants[0])["OSQUERY_WATCHDOG_RUN"]
    marked = {"OSQUERY_WATCHDOG_RUN": mark[:-1] + ("1" if mark[-1] == "0" else "0")}
    with subprocess.Popen(["sleep", "1000"], env=marked) as of_another_run:
        try:
            crash(stand_in)
            assert all(alive(pid) for pid in descendants)
            stand_in.osqueryd = STAND_IN / "osqueryd"
            stand_in.start(ready=False)
            stand_in.wait_event("event = 'process_started'", count=2)
            eventually(lambda: not any(alive(pid) for pid in descendants), "they are gone")
            # Nothing proves that it is ours.
            assert alive(unmarked) and alive(of_another_run.pid)
            stand_in.wait_event("event = 'watchdog_started'", count=2)  # it takes signals
            assert stand_in.stop() == 0
        finally:
            kill(unmarked)
            of_another_run.kill()


def test_a_descendant_may_start_the_next_watchdog(stand_in):
    *descendants, unmarked = with_descendants(stand_in)
    mark = environment(descendants[0])["OSQUERY_WATCHDOG_RUN"]
    crash(stand_in)
    stand_in.osqueryd = STAND_IN / "osqueryd"
    stand_in.popen = {"env": {**os.environ, MARK: str(stand_in.directory),
                              "OSQUERY_WATCHDOG_RUN": mark}}
    stand_in.start(ready=False)
    stand_in.wait_event("event = 'process_started'", count=2)
    for pid in [*descendants, unmarked]:
        assert alive(pid)
        kill(pid)


def test_a_process_that_only_has_the_pid_of_a_leftover_is_left_alone(stand_in):
    stand_in.start()
    crash(stand_in)
    stand_in.wait_nothing_runs()
    with subprocess.Popen(["sleep", "1000"]) as innocent:
        try:
            record = stand_in.runtime_dir / "processes"
            lines = record.read_text().splitlines()
            assert len(lines) == 2
            old = lines[1].split()[0]
            record.write_text("\n".join([lines[0], lines[1].replace(old, str(innocent.pid), 1)
                                         .ljust(79)[:79], ""]))
            stand_in.start()
            assert alive(innocent.pid)
        finally:
            innocent.kill()


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"nonsense\n" * 20, b"\xff" * 100000],
                         ids=["empty", "zeros", "text", "bytes"])
def test_a_damaged_record_of_leftovers_is_no_obstacle(stand_in, content):
    stand_in.runtime_dir.mkdir(mode=0o700)
    (stand_in.runtime_dir / "processes").write_bytes(content)
    stand_in.start()
    assert stand_in.stop() == 0
