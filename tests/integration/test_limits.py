"""The watchdog keeps osqueryd and its managed extensions within their limits."""

import json
import signal

import pytest

from harness import GROW, MEBIBYTE, SMALL, alive, eventually


@pytest.mark.parametrize("delay, request_, signals, outcome", [
    pytest.param(10, GROW, "USR1,TERM", "graceful", id="idle"),
    pytest.param(1, f"ignore-term,{GROW}", "USR1,TERM,KILL", "killed", id="ignores TERM"),
    pytest.param(1, f"{GROW}'), misbehave('sleep:20", "USR1,TERM,KILL", "killed", id="in a query"),
    # Else it may end by itself between the two.
    pytest.param(0, f"ignore-term,{GROW}", "USR1,KILL", "killed", id="no delay"),
])
def test_worker_over_its_memory_limit(stand_in, delay, request_, signals, outcome):
    stand_in.flags(*SMALL, f"--watchdog_forced_shutdown_delay={delay}")
    pid = stand_in.start("--grace_limit=0").worker()
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
        assert delay * 1000 <= ended["duration_ms"] < (delay + 20) * 1000
    # It is no fault of the new one, and no delay is due.
    assert stand_in.event(f"event = 'process_started' AND pid = {new}")["restarts"] == 1
    assert not stand_in.events("event IN ('respawn_delayed', 'process_exited')")
    log = stand_in.log()
    assert exceeded["peak"] == exceeded["measured"] <= ended["peak"] <= 120 * MEBIBYTE
    assert exceeded["baseline"] == ended["baseline"] > MEBIBYTE
    assert (f"osqueryd worker ({pid}) stopping: Memory limits exceeded: {ended['measured']} bytes"
            " (limit is 30MB)") in log
    killed = f"osqueryd worker ({pid}) could not be stopped. Sending kill signal."
    assert (killed in log) == (signals == "USR1,TERM,KILL")


@pytest.mark.parametrize("role", ["worker", "extension"])
def test_what_grows_on_is_killed_at_once(stand_in, role):
    stand_in.flags(*SMALL, "--enable_extensions_watchdog", "--watchdog_forced_shutdown_delay=60")
    greedy = "sleep:0.5,ignore-term,grow:60:2000"
    if role == "extension":
        stand_in.add_extension("greedy", greedy)
    stand_in.start()
    if role == "worker":
        eventually(lambda: stand_in.try_query("SELECT 1"), "the manager answers")
        stand_in.asking(f"SELECT misbehave('{greedy}')")
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["role"], ended["reason"], ended["outcome"]) == (role, "memory", "killed")
    assert ended["signals_sent"].endswith("KILL") and ended["exit_signal"] == signal.SIGKILL
    assert ended["duration_ms"] < 30_000
    size = json.loads(ended["details"])["grace_cut_at_bytes"]
    assert ended["measured"] < size <= ended["peak"]
    assert 60 * MEBIBYTE < size < 2000 * MEBIBYTE and f"it grew to {size} bytes" in ended["message"]
    assert f"({ended['pid']}) keeps growing while it is being stopped: {size} bytes." in stand_in.log()


def test_what_stops_growing_keeps_its_grace(stand_in):
    stand_in.flags(*SMALL, "--watchdog_forced_shutdown_delay=2")
    stand_in.start()
    eventually(lambda: stand_in.status("worker")["baseline_size"], "the worker's baseline")
    stand_in.query("SELECT misbehave('ignore-term,grow:60:50')")
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["signals_sent"], ended["outcome"]) == ("USR1,TERM,KILL", "killed")
    assert ended["duration_ms"] >= 2000 and ended["details"] is None
    assert f"({ended['pid']}) could not be stopped. Sending kill signal." in stand_in.log()


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
    # Little, for busy machines; but the watchdog itself must stay below it when it starts.
    stand_in.flags("--watchdog_delay=0", "--watchdog_utilization_limit=3",
                   "--watchdog_latency_limit=2", "--misbehave=spin:1")
    pid = stand_in.start().worker()
    ended = stand_in.wait_event("event = 'process_terminated'")
    exceeded = stand_in.event("event = 'limit_exceeded'")
    assert ended["pid"] == pid and ended["cause_eid"] == exceeded["eid"]
    for event in (exceeded, ended):
        assert (event["reason"], event["unit"]) == ("cpu", "ms")
        assert 0 < event["limit_value"] < event["measured"]
        assert event["utilization"] > event["utilization_limit"] == 3
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
                   # Little, for busy machines; but the watchdog itself must stay below it, too.
                   "--watchdog_utilization_limit=3")
    stand_in.start("--grace_limit=0")
    modest = stand_in.pid("modest.ext")
    greedy = stand_in.wait_event("event = 'process_started' AND name = 'greedy.ext'")["pid"]
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
    row = eventually(lambda: (row := stand_in.status("greedy.ext"))["last_check_time"] and
                     row["resident_size"] > 90 * MEBIBYTE and row, "it is checked")
    assert row["pid"] == pid and row["enforced"] == 0
    assert row["memory_limit"] == 30 * MEBIBYTE
    assert not stand_in.events("event IN ('limit_exceeded', 'would_terminate')")
    assert alive(pid)


@pytest.mark.parametrize("role", ["worker", "extension"])
def test_the_delay_holds_enforcement_back(stand_in, role):
    if role == "worker":
        stand_in.flags(*SMALL, "--watchdog_delay=4", f"--misbehave={GROW}")
    else:
        stand_in.add_extension("greedy", GROW)
        stand_in.flags(*SMALL, "--watchdog_delay=4", "--enable_extensions_watchdog")
    stand_in.start("--memory_metric=resident")
    worker = stand_in.event("event = 'process_started' AND role = 'worker'")
    row = stand_in.status("worker")
    assert row["enforced"] == 0
    exceeded = stand_in.wait_event("event = 'limit_exceeded'")
    assert exceeded["role"] == role
    # It runs from the worker's start, in whole seconds here.
    assert 3 <= exceeded["time"] - worker["time"] < 12
    if role == "worker":
        assert exceeded["lifetime_ms"] >= 4000


def test_the_others_are_checked_while_two_are_being_ended(stand_in):
    for name in ("a", "b", "c"):
        stand_in.add_extension(name, "ignore-term" if name != "c" else "")
    stand_in.flags(*SMALL, "--enable_extensions_watchdog", "--watchdog_forced_shutdown_delay=10")
    stand_in.start("--grace_limit=0")
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
    first = eventually(lambda: stand_in.status("worker")["last_check_us"], "it is checked")
    eventually(lambda: stand_in.status("worker")["last_check_us"] > first + 4_000_000,
               "regular checks go on")
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
