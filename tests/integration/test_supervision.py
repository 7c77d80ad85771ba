"""The watchdog keeps osqueryd and its managed extensions running, and within their limits."""

import os
import pathlib
import signal
import statistics
import time

import pytest

from harness import NO_BACK_OFF, STAND_IN, alive, all_processes, eventually

MEBIBYTE = 1024 * 1024
# Enforced from the start; three such limits are what the test's own growth stays well over.
SMALL = ("--watchdog_delay=0", "--watchdog_memory_limit=30")
GROW = "grow:200:120"


def misbehave(watchdog, modes):
    """Makes the present worker misbehave, while it runs no query."""
    watchdog.query(f"SELECT misbehave('{modes}')")


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def checks(watchdog, name, count):
    """Waits until the regular check has looked at the process @count times more."""
    def looked():
        row = watchdog.status(name)
        if row and row["last_check_us"]:
            seen.add(row["last_check_us"] // 1_500_000)  # looks at memory between two don't count
        return len(seen) > count
    seen = set()
    eventually(looked, f"{name} is checked {count} times")


# --- liveness ---


def restart_time(watchdog, pid):
    """Kills the worker. Returns the seconds until another process runs its program, and its pid."""
    before = watchdog.children()
    name = pathlib.Path(watchdog.osqueryd).name[:15]
    start = time.monotonic()
    kill(pid)
    while time.monotonic() < start + 10:
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
    assert statistics.median(times) < 0.05

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
    assert 6.9 <= time.monotonic() - killed < 12
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
        stand_in.try_query(f"SELECT misbehave('exit:{status}')")
        stand_in.worker(other_than=old)
        assert stand_in.event(f"event = 'process_exited' AND pid = {old}")["exit_code"] == status


@pytest.mark.parametrize("broken", ["removed", "other-writable", "no program"])
def test_osqueryd_breaks_while_it_runs(stand_in, broken):
    stand_in.osqueryd = stand_in.program("osqueryd", STAND_IN / "osqueryd")
    stand_in.flags("--watchdog_max_delay=1")
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


# --- limits ---


@pytest.mark.parametrize("delay, request_, signals, outcome", [
    pytest.param(4, GROW, "USR1,TERM", "graceful", id="idle"),
    pytest.param(1, f"ignore-term,{GROW}", "USR1,TERM,KILL", "killed", id="ignores TERM"),
    pytest.param(1, f"{GROW}'), misbehave('sleep:20", "USR1,TERM,KILL", "killed", id="in a query"),
    pytest.param(0, GROW, "USR1,KILL", "killed", id="no delay"),
])
def test_worker_over_its_memory_limit(stand_in, delay, request_, signals, outcome):
    stand_in.flags(*SMALL, f"--watchdog_forced_shutdown_delay={delay}")
    pid = stand_in.start().worker()
    eventually(lambda: stand_in.try_query("SELECT 1"), "the manager answers")
    asking = stand_in.asking(f"SELECT misbehave('{request_}')")
    ended = stand_in.wait_event("event = 'process_terminated'")
    new = stand_in.worker(other_than=pid)
    asking.wait()

    exceeded = stand_in.event("event = 'limit_exceeded'")
    assert (ended["pid"], ended["role"], ended["name"]) == (pid, "worker", "worker")
    assert ended["cause_eid"] == exceeded["eid"]
    for event in (exceeded, ended):
        assert (event["reason"], event["unit"]) == ("memory", "bytes")
        assert event["limit_value"] == 30 * MEBIBYTE
        assert 30 * MEBIBYTE < event["measured"] <= 120 * MEBIBYTE
    assert (ended["signals_sent"], ended["outcome"]) == (signals, outcome)
    if outcome == "graceful":
        assert (ended["exit_code"], ended["exit_signal"]) == (0, None)
        assert 0 <= ended["duration_ms"] < delay * 1000
    else:
        assert (ended["exit_code"], ended["exit_signal"]) == (None, signal.SIGKILL)
        assert delay * 1000 <= ended["duration_ms"] < (delay + 5) * 1000
    # It is no fault of the new one, and no delay is due.
    assert stand_in.event(f"event = 'process_started' AND pid = {new}")["restarts"] == 1
    assert not stand_in.events("event IN ('respawn_delayed', 'process_exited')")
    log = stand_in.log()
    assert (f"osqueryd worker ({pid}) stopping: Memory limits exceeded: {ended['measured']} bytes"
            " (limit is 30MB)") in log
    killed = f"osqueryd worker ({pid}) could not be stopped. Sending kill signal."
    assert (killed in log) == (signals == "USR1,TERM,KILL")


def test_a_termination_is_told_in_sql(stand_in):
    stand_in.flags(*SMALL, "--extensions_interval=1")
    stand_in.start(tables=True)
    pid = stand_in.worker()
    stand_in.asking(f"SELECT misbehave('{GROW}')").wait()
    stand_in.worker(other_than=pid)
    rows = stand_in.query("SELECT * FROM watchdog_events WHERE event = 'process_terminated'")
    stored = stand_in.event("event = 'process_terminated'")
    assert rows == [{name: "" if value is None else str(value) for name, value in stored.items()}]
    assert rows[0]["pid"] == str(pid) and rows[0]["signals_sent"] == "USR1,TERM"
    worker = stand_in.query("SELECT restarts, terminations, quick_exits FROM watchdog_processes"
                            " WHERE name = 'worker'")
    assert worker == [{"restarts": "1", "terminations": "1", "quick_exits": "0"}]


def test_worker_over_its_cpu_limit(stand_in):
    stand_in.flags("--watchdog_delay=0", "--watchdog_utilization_limit=1",
                   "--watchdog_latency_limit=2", "--misbehave=spin:1")
    pid = stand_in.start().worker()
    ended = stand_in.wait_event("event = 'process_terminated'")
    exceeded = stand_in.event("event = 'limit_exceeded'")
    assert ended["pid"] == pid and ended["cause_eid"] == exceeded["eid"]
    for event in (exceeded, ended):
        assert (event["reason"], event["unit"]) == ("cpu", "ms")
        assert 0 < event["limit_value"] < event["measured"]
        assert event["utilization"] > event["utilization_limit"] == 1
        assert event["sustained"] == 3
    assert (ended["signals_sent"], ended["outcome"]) == ("USR1,TERM", "graceful")
    assert (f"osqueryd worker ({pid}) stopping: Maximum sustainable CPU utilization limit "
            f"{ended['limit_value']}ms exceeded for 3 seconds") in stand_in.log()


@pytest.mark.parametrize("reason, request_, unit", [("memory", GROW, "bytes"),
                                                     ("cpu", "spin:1", "ms")])
def test_extension_over_its_limit(stand_in, reason, request_, unit):
    path = stand_in.add_extension("greedy", request_)
    stand_in.add_extension("modest")
    stand_in.flags(*SMALL, "--enable_extensions_watchdog", "--watchdog_latency_limit=1",
                   "--watchdog_utilization_limit=5")
    stand_in.start()
    greedy, modest = stand_in.pid("greedy.ext"), stand_in.pid("modest.ext")
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["role"], ended["name"], ended["pid"]) == ("extension", "greedy.ext", greedy)
    assert (ended["reason"], ended["unit"], ended["path"]) == (reason, unit, str(path))
    assert ended["measured"] > ended["limit_value"] > 0
    assert (ended["signals_sent"], ended["outcome"]) == ("TERM", "graceful")
    stand_in.pid("greedy.ext", other_than=greedy)
    assert alive(modest)
    assert f"osquery extension {path} ({greedy}) stopping: " in stand_in.log()


@pytest.mark.parametrize("enforcing", [
    pytest.param((), id="extensions are only measured"),
    pytest.param(("--enable_extensions_watchdog", "--disable_watchdog"), id="switched off"),
    pytest.param(("--enable_extensions_watchdog", "--watchdog_delay=3600"), id="delayed"),
])
def test_is_measured_where_no_limit_is_enforced(stand_in, enforcing):
    stand_in.add_extension("greedy", "sleep:0.5,grow:200:120")
    stand_in.flags(*SMALL, *enforcing)
    stand_in.start()
    pid = stand_in.pid("greedy.ext")
    row = eventually(lambda: (row := stand_in.status("greedy.ext"))["last_check_time"] and row,
                     "it is checked")
    assert row["pid"] == pid and row["enforced"] == 0
    assert row["memory_limit"] == 30 * MEBIBYTE and row["resident_size"] > 90 * MEBIBYTE
    assert not stand_in.events("event IN ('limit_exceeded', 'would_terminate')")
    assert alive(pid)


@pytest.mark.parametrize("role", ["worker", "extension"])
def test_the_delay_holds_enforcement_back(stand_in, role):
    if role == "worker":
        stand_in.flags(*SMALL, "--watchdog_delay=2", f"--misbehave={GROW}")
    else:
        stand_in.add_extension("greedy", GROW)
        stand_in.flags(*SMALL, "--watchdog_delay=2", "--enable_extensions_watchdog")
    stand_in.start("--memory_metric=resident")
    worker = stand_in.event("event = 'process_started' AND role = 'worker'")
    row = stand_in.status("worker")
    assert row["enforced"] == 0
    exceeded = stand_in.wait_event("event = 'limit_exceeded'")
    assert exceeded["role"] == role
    # An extension starts a little after the worker, from whose start the delay runs.
    assert (2000 if role == "worker" else 1000) <= exceeded["lifetime_ms"] < 5000
    assert exceeded["time"] >= worker["time"] + 1


def test_the_others_are_checked_while_two_are_being_ended(stand_in):
    for name in ("a", "b", "c"):
        stand_in.add_extension(name, "ignore-term" if name != "c" else "")
    stand_in.flags(*SMALL, "--enable_extensions_watchdog", "--watchdog_forced_shutdown_delay=5")
    stand_in.start()
    for name in ("a", "b", "c"):
        stand_in.registered(name)
    for name in ("a", "b"):
        stand_in.query(f"SELECT * FROM {name} WHERE misbehave = '{GROW}'")
    stand_in.wait_event("event = 'limit_exceeded'", count=2)
    stand_in.query(f"SELECT * FROM c WHERE misbehave = '{GROW}'")
    stand_in.wait_event("event = 'process_terminated'", count=3)
    order = [(event["event"], event["name"]) for event in
             stand_in.events("event IN ('limit_exceeded', 'process_terminated')")]
    assert sorted(order[:2]) == [("limit_exceeded", "a.ext"), ("limit_exceeded", "b.ext")]
    assert order[2:4] == [("limit_exceeded", "c.ext"), ("process_terminated", "c.ext")]
    assert sorted(order[4:]) == [("process_terminated", "a.ext"), ("process_terminated", "b.ext")]
    outcomes = {event["name"]: (event["outcome"], event["signals_sent"]) for event in
                stand_in.events("event = 'process_terminated'")}
    assert outcomes == {"a.ext": ("killed", "TERM,KILL"), "b.ext": ("killed", "TERM,KILL"),
                        "c.ext": ("graceful", "TERM")}


def test_a_dry_run_records_and_ends_nothing(stand_in):
    stand_in.flags(*SMALL, f"--misbehave={GROW}")
    stand_in.start("--dry_run", "--memory_metric=resident")
    pid = stand_in.worker()
    would = stand_in.wait_event("event = 'would_terminate'")
    assert (would["role"], would["pid"], would["reason"]) == ("worker", pid, "memory")
    assert would["measured"] > would["limit_value"] == 30 * MEBIBYTE
    checks(stand_in, "worker", 2)
    assert stand_in.worker() == pid
    assert len(stand_in.events("event = 'would_terminate'")) == 1  # one breach, one event
    assert not stand_in.events("event IN ('limit_exceeded', 'process_terminated')")
    assert stand_in.status("worker")["enforced"] == 0
    assert stand_in.stop() == 0


def test_repeated_limit_kills_back_off_and_never_give_up(stand_in):
    stand_in.flags(*SMALL, "--watchdog_max_delay=1", f"--misbehave={GROW}")
    stand_in.start("--memory_metric=resident")
    stand_in.wait_event("event = 'process_terminated'", count=6)
    ends = [(event["event"], event["reason"], event["delay"]) for event in
            stand_in.events("event IN ('process_terminated', 'respawn_delayed',"
                            " 'respawn_limit_reached')")]
    gone, wait = ("process_terminated", "memory", None), ("respawn_delayed", "memory", 1)
    assert ends[:10] == [gone, gone, gone, wait, gone, wait, gone, wait, gone, wait][:len(ends)]


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
    assert watchdog.event("event = 'respawn_delayed'")["cause_eid"] == exited["eid"]
    assert watchdog.worker() == worker


def test_an_extension_that_crashes_again_and_again_ends_everything(stand_in):
    path = stand_in.add_extension("broken", "crash")
    stand_in.add_extension("sound")
    stand_in.flags("--watchdog_max_delay=0")
    stand_in.start(ready=False)
    assert stand_in.wait() == 1
    reached = stand_in.event("event = 'respawn_limit_reached'")
    assert (reached["role"], reached["name"], reached["restarts"]) == ("extension", "broken.ext", 4)
    assert stand_in.event("event = 'watchdog_stopped'")["cause_eid"] == reached["eid"]
    assert f"Too many extension restarts: {path}" in stand_in.log()
    assert not stand_in.running()


def test_an_extension_can_be_given_up_alone(stand_in):
    path = stand_in.add_extension("broken", "crash")
    stand_in.add_extension("sound")
    stand_in.flags("--watchdog_max_delay=0")
    stand_in.start("--extension_give_up=abandon")
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
    (stand_in.directory / "more" / "again.ext").symlink_to(one)
    stand_in.autoload.write_text(f"# a comment\n; another\n\n  {one}  \n{one}\n"
                                 f"{stand_in.directory}/more\n")
    stand_in.start()
    pids = {stand_in.pid("one.ext"), stand_in.pid("two.ext"), stand_in.worker()}
    assert stand_in.children() == pids
    names = stand_in.read(stand_in.runtime_dir / "status.db", "SELECT name FROM processes")
    assert [row["name"] for row in names] == ["watchdog", "worker", "one.ext", "two.ext"]
