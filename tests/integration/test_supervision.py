"""The watchdog keeps osqueryd and its managed extensions running."""

import os
import pathlib
import signal
import statistics
import time

import pytest

from harness import (BUILD, GROW, NO_BACK_OFF, PATIENCE, SMALL, STAND_IN, alive, all_processes,
                     eventually)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


# --- liveness ---


def restart_time(watchdog, pid):
    """Kills the worker. Returns the seconds until another process runs its program, and its pid."""
    before = watchdog.children()
    name = pathlib.Path(watchdog.osqueryd).name[:15]
    start = time.monotonic()
    kill(pid)
    while time.monotonic() < start + PATIENCE:
        for proc in all_processes():
            if proc.ppid == watchdog.process.pid and proc.pid not in before and proc.comm == name:
                return time.monotonic() - start, proc.pid
    raise AssertionError("no new worker")


def test_killed_worker_runs_again_at_once(watchdog):
    watchdog.flags(*NO_BACK_OFF)
    pid = watchdog.start().worker()
    pids, times = [pid], []
    for _ in range(7):
        seconds, pid = restart_time(watchdog, pid)
        assert watchdog.worker(other_than=pids[-1]) == pid
        pids.append(pid)
        times.append(seconds)
    print("killed → running again, ms:", *(f"{seconds * 1000:.1f}" for seconds in times))
    assert statistics.median(times) < 1.5  # at once, not at the next check; much is left to a busy machine

    watchdog.wait_event("event = 'process_started'", count=len(pids))
    exits = watchdog.events("event = 'process_exited'")
    assert [event["pid"] for event in exits] == pids[:-1]
    assert {(event["role"], event["reason"], event["exit_signal"], event["exit_code"])
            for event in exits} == {("worker", "signal", signal.SIGKILL, None)}
    starts = watchdog.events("event = 'process_started'")
    assert [(event["pid"], event["restarts"]) for event in starts] == list(
        zip(pids, range(len(pids))))
    assert not watchdog.events("event = 'respawn_delayed'")


def test_the_tables_answer_and_come_back_with_the_worker(watchdog):
    watchdog.flags(*NO_BACK_OFF, "--extensions_interval=1")
    watchdog.start(tables=True)
    old = watchdog.worker()
    kill(old)
    new = watchdog.worker(other_than=old)
    exits = watchdog.query("SELECT role, name, reason, exit_signal FROM watchdog_events"
                           f" WHERE event = 'process_exited' AND pid = {old}")
    assert exits == [{"role": "worker", "name": "worker", "reason": "signal", "exit_signal": "9"}]
    processes = {row["role"]: row for row in
                 watchdog.query("SELECT role, name, pid, state FROM watchdog_processes")}
    assert processes["worker"]["pid"] == str(new)
    assert processes["watchdog"]["pid"] == str(watchdog.process.pid)
    assert processes["extension"]["name"] == "osquery-watchdog.ext"
    assert {row["state"] for row in processes.values()} == {"running"}


def test_backs_off_at_the_normal_level(watchdog):
    pid = watchdog.start().worker()
    kill(pid)
    killed = time.monotonic()
    delayed = watchdog.wait_event("event = 'respawn_delayed'")
    exited = watchdog.event("event = 'process_exited'")
    assert (delayed["delay"], delayed["reason"], delayed["role"]) == (7, "signal", "worker")
    assert delayed["cause_eid"] == exited["eid"]
    row = eventually(lambda: (row := watchdog.status("worker"))["state"] == "waiting" and row,
                     "the worker waits")
    assert row["pid"] is None and row["quick_exits"] == 1 and row["restart_limit"] == 4
    assert exited["time"] + 6 <= row["next_start_time"] <= exited["time"] + 8
    watchdog.worker(other_than=pid)
    assert time.monotonic() - killed >= 6.9
    assert "osqueryd worker respawning too quickly: 1 times" in watchdog.log()


def test_gives_up_a_worker_that_crashes_again_and_again(stand_in):
    stand_in.flags("--watchdog_max_delay=0", "--misbehave=crash")
    stand_in.start(ready=False)
    assert stand_in.wait() == 1
    exits = stand_in.events("event = 'process_exited'")
    assert [event["exit_signal"] for event in exits] == [signal.SIGSEGV] * 5
    reached = stand_in.event("event = 'respawn_limit_reached'")
    assert (reached["role"], reached["reason"], reached["restarts"]) == ("worker", "signal", 4)
    assert reached["cause_eid"] == exits[-1]["eid"]
    stopped = stand_in.event("event = 'watchdog_stopped'")
    assert stopped["cause_eid"] == reached["eid"] and stopped["exit_code"] == 1
    assert "Too many worker restarts" in stand_in.log()


def test_exit_78_of_the_worker_ends_everything(stand_in):
    stand_in.add_extension("one")
    stand_in.flags("--misbehave=exit:78:0.5")
    stand_in.start(ready=False)
    assert stand_in.wait() == 78
    assert not stand_in.running()
    exited = stand_in.event("event = 'process_exited' AND role = 'worker'")
    stopped = stand_in.event("event = 'watchdog_stopped'")
    assert exited["exit_code"] == 78
    assert (stopped["reason"], stopped["exit_code"], stopped["cause_eid"]) == ("exit", 78,
                                                                              exited["eid"])
    assert "Worker returned exit status" in stand_in.log()


def test_other_exits_of_the_worker_end_nothing(stand_in):
    stand_in.flags(*NO_BACK_OFF)
    stand_in.start()
    for status in (0, 1, 77, 255):
        old = stand_in.worker()
        stand_in.query("SELECT 1")  # until its manager is up; then asked once, lest the next one hears it
        stand_in.try_query(f"SELECT misbehave('exit:{status}')")
        eventually(lambda: not alive(old), "the worker's end")
        stand_in.worker(other_than=old)
        assert stand_in.event(f"event = 'process_exited' AND pid = {old}")["exit_code"] == status


@pytest.mark.parametrize("broken", ["removed", "other-writable", "no program"])
def test_osqueryd_breaks_while_it_runs(stand_in, broken):
    stand_in.osqueryd = stand_in.program("osqueryd", STAND_IN / "osqueryd")
    stand_in.flags("--watchdog_max_delay=3")  # mended before it is given up
    pid = stand_in.start().worker()
    if broken == "removed":
        stand_in.osqueryd.unlink()
        says = "can't be opened"
    elif broken == "other-writable":
        stand_in.osqueryd.chmod(0o777)
        says = "writable by others"
    else:
        stand_in.osqueryd.unlink()
        stand_in.program("osqueryd", "no program\n")
        says = "Exec format error"
    kill(pid)
    failed = stand_in.wait_event("event = 'spawn_failed'")
    assert (failed["role"], failed["reason"], failed["pid"]) == ("worker", "spawn", None)
    assert says in failed["message"] and str(stand_in.osqueryd) in failed["message"]
    # It is tried again, and runs once it can.
    stand_in.osqueryd.unlink(missing_ok=True)
    stand_in.program("osqueryd", STAND_IN / "osqueryd")
    stand_in.worker(other_than=pid)
    assert stand_in.stop() == 0


@pytest.mark.parametrize("content, says", [
    ("#!/no/such/interpreter -u\n", "the interpreter in the first line doesn't exist: /no/such/interpreter"),
    ("#!/bin/sh\r\nexit 1\r\n", "the first line ends with a carriage return (CRLF)"),
])
def test_says_which_file_is_missing(stand_in, content, says):
    """The kernel says "No such file or directory" of a script that is there, if its interpreter isn't."""
    path = stand_in.add_extension("one")
    path.write_bytes(content.encode())
    stand_in.start()
    failed = stand_in.wait_event("event = 'spawn_failed'")
    assert (failed["name"], failed["reason"]) == ("one.ext", "spawn")
    assert f"{path}: No such file or directory: {says}" in failed["message"]


def test_gives_up_what_cannot_be_started(stand_in):
    stand_in.osqueryd = stand_in.program("osqueryd", STAND_IN / "osqueryd")
    stand_in.flags("--watchdog_max_delay=0")
    pid = stand_in.start().worker()
    stand_in.osqueryd.unlink()
    kill(pid)
    assert stand_in.wait() == 1
    assert len(stand_in.events("event = 'spawn_failed'")) == 4  # and one exit
    assert stand_in.event("event = 'respawn_limit_reached'")["reason"] == "spawn"


def test_eids_grow_over_runs(watchdog):
    for _ in range(3):
        watchdog.start()
        assert watchdog.stop() == 0
    events = watchdog.events()
    runs = [event["run_id"] for event in events if event["event"] == "watchdog_started"]
    eids = [event["eid"] for event in events]
    assert len(set(runs)) == 3 and eids == sorted(set(eids))
    assert [event["run_id"] for event in events] == sorted(
        (event["run_id"] for event in events), key=runs.index)
    assert not watchdog.events("event = 'watchdog_crashed'")


# --- managed extensions ---


@pytest.mark.parametrize("how", ["kill", "limit", "exit"])
@pytest.mark.parametrize("max_delay", [0, 2])
def test_extensions_go_and_come_back_with_the_worker(stand_in, how, max_delay):
    stand_in.add_extension("one")
    stand_in.add_extension("two")
    stand_in.flags(*SMALL, f"--watchdog_max_delay={max_delay}", "--extensions_interval=1")
    worker = stand_in.start().worker()
    old = {name: stand_in.registered(name) for name in ("one", "two")}
    if how == "kill":
        kill(worker)
    else:
        stand_in.asking(f"SELECT misbehave('{'exit:1' if how == 'exit' else GROW}')").wait()
    stand_in.wait_event("event = 'process_exited' AND role = 'extension'", count=2)
    new_worker = stand_in.worker(other_than=worker)
    for name in ("one", "two"):
        assert stand_in.registered(name) == stand_in.pid(f"{name}.ext", other_than=old[name])

    new_start = stand_in.event(f"event = 'process_started' AND pid = {new_worker}")
    for name in ("one", "two"):
        exited = stand_in.event(f"event = 'process_exited' AND name = '{name}.ext'")
        cause = stand_in.event(f"eid = {exited['cause_eid']}")
        assert exited["reason"] == "worker_gone" and exited["exit_signal"] is None
        assert (cause["name"], cause["pid"]) == ("worker", worker)
        started = stand_in.events(f"event = 'process_started' AND name = '{name}.ext'")
        assert [event["restarts"] for event in started] == [0, 1]
        assert started[1]["eid"] > new_start["eid"]
        assert stand_in.status(f"{name}.ext")["quick_exits"] == 0
    assert not stand_in.events("event = 'respawn_delayed' AND role = 'extension'")


def test_killed_extension_runs_again(watchdog):
    watchdog.add_extension("one")
    # The core frees the name of an extension that went when it next pings it.
    watchdog.flags("--watchdog_max_delay=2", "--extensions_interval=1")
    watchdog.start()
    worker, old = watchdog.worker(), watchdog.registered("one")
    kill(old)
    new = watchdog.pid("one.ext", other_than=old)
    assert watchdog.registered("one") == new
    exited = watchdog.event("event = 'process_exited'")
    assert (exited["role"], exited["pid"], exited["exit_signal"]) == ("extension", old, 9)
    assert watchdog.worker() == worker


def test_an_extension_that_crashes_again_and_again_ends_everything(stand_in):
    path = stand_in.add_extension("broken", "crash")
    stand_in.add_extension("sound")
    stand_in.flags("--watchdog_max_delay=0", "--extensions_interval=1")
    stand_in.start(ready=False, tables=True)
    assert stand_in.wait() == 1
    reached = stand_in.event("event = 'respawn_limit_reached'")
    # Its first exits don't count unless the worker has answered by then.
    assert (reached["role"], reached["name"]) == ("extension", "broken.ext")
    assert reached["restarts"] >= 4
    assert stand_in.event("event = 'watchdog_stopped'")["cause_eid"] == reached["eid"]
    assert f"Too many extension restarts: {path}" in stand_in.log()
    assert not stand_in.running()


def test_an_extension_can_be_given_up_alone(stand_in):
    path = stand_in.add_extension("broken", "crash")
    stand_in.add_extension("sound")
    stand_in.flags("--watchdog_max_delay=0", "--extensions_interval=1")
    stand_in.start("--extension_give_up=abandon", tables=True)
    stand_in.wait_event("event = 'respawn_limit_reached'")
    eventually(lambda: stand_in.status("broken.ext")["state"] == "abandoned", "it is given up")
    assert stand_in.registered("sound") == stand_in.pid("sound.ext")
    stand_in.misbehave(path, "")  # it is tried again, rarely
    stand_in.pid("broken.ext")
    assert len(stand_in.events("event = 'process_started' AND role = 'worker'")) == 1
    assert stand_in.stop() == 0


def test_without_extensions(watchdog):
    watchdog.add_extension("one")
    watchdog.flags("--disable_extensions")
    worker = watchdog.start().worker()
    assert watchdog.status("one.ext") is None
    assert watchdog.children() == {worker}
    assert watchdog.stop() == 0


def test_each_extension_of_a_directory_is_managed_once(stand_in):
    one = stand_in.add_extension("one")
    folder = stand_in.directory / "more" / "below"
    folder.mkdir(parents=True)
    stand_in.program("more/below/two.ext", STAND_IN / "stand-in.ext")
    stand_in.program("more/not-an-extension", STAND_IN / "stand-in.ext")
    (stand_in.directory / "more" / "one.ext").symlink_to(one)
    stand_in.autoload.write_text(f"# a comment\n; another\n\n  {one}  \n{one}\n"
                                 f"{stand_in.directory}/more\n")
    stand_in.start()
    pids = {stand_in.pid("one.ext"), stand_in.pid("two.ext"), stand_in.worker()}
    assert stand_in.children() == pids
    names = stand_in.read(stand_in.runtime_dir / "status.db", "SELECT name FROM processes")
    assert [row["name"] for row in names] == ["watchdog", "worker", "one.ext", "two.ext"]


def test_another_name_is_another_extension(watchdog):
    """A program may look at its name. The same file by the same name is one, whatever its path."""
    folder = watchdog.directory / "program"
    folder.mkdir()
    program = watchdog.program("program/a.ext", STAND_IN / "stand-in.ext")
    os.link(program, folder / "b.ext")
    (folder / "c.ext").symlink_to(program)
    (watchdog.directory / "link").symlink_to(folder)
    watchdog.autoload.write_text("".join(f"{path}\n" for path in (
        program, folder / "b.ext", folder / "c.ext", watchdog.directory / "link" / "a.ext",
        folder / ".." / "program" / "a.ext", f"{folder}//a.ext", folder)))
    watchdog.start()
    for name in "abc":
        watchdog.registered(name)
    rows = watchdog.read(watchdog.runtime_dir / "status.db",
                         "SELECT name, path FROM processes WHERE role = 'extension' ORDER BY name")
    assert rows == [{"name": f"{name}.ext", "path": f"{folder}/{name}.ext"} for name in "abc"]


def test_our_own_extension_is_one_by_any_name(watchdog):
    """A second one would only be refused as a duplicate."""
    own = BUILD / "bin" / "osquery-watchdog.ext"
    copy = watchdog.program("osquery-watchdog.ext", own)
    os.link(copy, watchdog.directory / "hard.ext")
    (watchdog.directory / "soft.ext").symlink_to(copy)
    watchdog.autoload.write_text("".join(f"{watchdog.directory}/{name}.ext\n" for name in (
        "osquery-watchdog", "hard", "soft")))
    watchdog.start(f"--tables_extension={copy}", tables=True)
    names = watchdog.query("SELECT name FROM watchdog_processes WHERE role = 'extension'")
    assert [row["name"] for row in names] == ["osquery-watchdog.ext"]
