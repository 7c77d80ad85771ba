"""What only the tables extension can see: who is registered, who answers, which queries osquery
denylists; and that it is recorded once, with its cause, and shown as it is."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import time

import osquery_api
from harness import eventually

QUICK = ("--extensions_interval=1",)


def start(stand_in, *options, flags=(), ready=True):
    stand_in.flags(*QUICK, *flags)
    return stand_in.start(*options, tables=True, ready=ready)


def shown(stand_in, name):
    row = stand_in.status(name)
    return row and tuple(row[column] for column in ("registered", "responsive"))


def becomes(stand_in, name, expected):
    eventually(lambda: shown(stand_in, name) == expected, f"{name} is {expected}")


def uuid_of(stand_in, name):
    return int(stand_in.query(f"SELECT uuid FROM osquery_extensions WHERE name = '{name}'")[0]["uuid"])


# --- registrations ---


def test_every_extension_is_shown_and_recorded_once(stand_in):
    stand_in.add_extension("one")
    stand_in.add_extension("two")
    start(stand_in)
    for name in ("one.ext", "two.ext", "osquery-watchdog.ext"):
        becomes(stand_in, name, (1, 1))
    for name, registered in (("one.ext", "one"), ("osquery-watchdog.ext", "osquery_watchdog")):
        assert stand_in.status(name)["uuid"] == uuid_of(stand_in, registered)
        event = stand_in.event(f"event = 'extension_registered' AND name = '{name}'")
        assert event["pid"] == stand_in.pid(name) and event["reason"] is None
        assert event["details"] == f'{{"uuid":{uuid_of(stand_in, registered)}}}'
        assert stand_in.status(name)["version"] == "0.2.0"
    assert stand_in.status("worker")["version"] == "5.23.0-standin"
    assert stand_in.status("worker")["responsive"] == 1
    assert stand_in.status("watchdog")["version"] == "0.2.0"
    time.sleep(2.5)  # some more reports
    assert len(stand_in.events("event = 'extension_registered'")) == 3
    assert stand_in.events("event = 'extension_unregistered'") == []


def test_a_worker_that_goes_takes_the_registrations(stand_in):
    stand_in.add_extension("one")
    start(stand_in, flags=["--watchdog_max_delay=0"])
    becomes(stand_in, "one.ext", (1, 1))
    old = stand_in.worker()
    os.kill(old, signal.SIGKILL)
    death = stand_in.wait_event(f"event = 'process_exited' AND pid = {old}")
    stand_in.worker(other_than=old)
    stand_in.wait_event("event = 'extension_registered'", 4)
    gone = stand_in.events("event = 'extension_unregistered'")
    assert sorted(event["name"] for event in gone) == ["one.ext", "osquery-watchdog.ext"]
    for event in gone:
        assert (event["reason"], event["cause_eid"]) == ("worker_gone", death["eid"])
    becomes(stand_in, "one.ext", (1, 1))


def test_a_registration_that_is_silently_dropped_is_told(stand_in):
    start(stand_in)
    becomes(stand_in, "osquery-watchdog.ext", (1, 1))
    uuid = uuid_of(stand_in, "osquery_watchdog")
    with osquery_api.Client(stand_in.socket) as manager:
        manager.deregisterExtension(uuid)
    gone = stand_in.wait_event("event = 'extension_unregistered'")
    assert (gone["reason"], gone["name"]) == ("registration", "osquery-watchdog.ext")
    assert gone["details"] == f'{{"uuid":{uuid}}}'
    again = stand_in.wait_event("event = 'extension_registered'", 2)
    assert again["eid"] > gone["eid"]
    becomes(stand_in, "osquery-watchdog.ext", (1, 1))
    stand_in.wait_tables()


def test_an_extension_that_dies_is_not_registered_any_more(stand_in):
    stand_in.add_extension("one")
    start(stand_in, flags=["--watchdog_max_delay=0"])
    becomes(stand_in, "one.ext", (1, 1))
    old = stand_in.pid("one.ext")
    os.kill(old, signal.SIGKILL)
    death = stand_in.wait_event(f"event = 'process_exited' AND pid = {old}")
    gone = stand_in.wait_event("event = 'extension_unregistered'")
    assert (gone["pid"], gone["reason"], gone["cause_eid"]) == (old, "signal", death["eid"])
    stand_in.pid("one.ext", other_than=old)
    becomes(stand_in, "one.ext", (1, 1))


# --- who answers ---


def test_a_hung_extension_is_shown_and_hides_no_other(stand_in):
    stand_in.add_extension("one")
    stand_in.add_extension("two")
    start(stand_in)
    becomes(stand_in, "one.ext", (1, 1))
    becomes(stand_in, "two.ext", (1, 1))
    pid = stand_in.pid("one.ext")
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: [shown(stand_in, name) for name in (
            "one.ext", "two.ext", "osquery-watchdog.ext")] == [(1, 0), (1, 1), (1, 1)],
                   "one alone doesn't answer")
    finally:
        os.kill(pid, signal.SIGCONT)
    becomes(stand_in, "one.ext", (1, 1))


def test_a_hung_core_is_shown_and_costs_one_connection(stand_in):
    start(stand_in)
    becomes(stand_in, "worker", (None, 1))
    pid, extension = stand_in.worker(), stand_in.pid("osquery-watchdog.ext")
    os.kill(pid, signal.SIGSTOP)
    try:
        becomes(stand_in, "worker", (None, 0))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            assert shown(stand_in, "worker") == (None, 0)  # all the time
            assert len(os.listdir(f"/proc/{extension}/task")) <= 2
            time.sleep(0.1)
        assert stand_in.status("osquery-watchdog.ext")["registered"] == 1  # not known better
    finally:
        os.kill(pid, signal.SIGCONT)
    becomes(stand_in, "worker", (None, 1))


@contextlib.contextmanager
def stopped(pid):
    """`with stopped(pid):` — the process hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def silence_of(stand_in, name, pid):
    """The event that begins the silence of a process that hangs, and the one that ends it."""
    with stopped(pid):
        begin = stand_in.wait_event(f"event = 'unresponsive' AND name = '{name}'")
        time.sleep(2)  # some more reports
    end = stand_in.wait_event(f"event = 'responsive' AND name = '{name}'")
    assert (begin["pid"], begin["reason"], begin["duration_ms"]) == (pid, None, None)
    assert (end["pid"], end["cause_eid"]) == (pid, begin["eid"])
    assert end["duration_ms"] >= 2000
    stand_in.event(f"event = 'unresponsive' AND name = '{name}'")
    return begin, end


def test_a_hung_extension_is_recorded_until_it_answers(stand_in):
    stand_in.add_extension("one")
    start(stand_in)
    becomes(stand_in, "one.ext", (1, 1))
    silence_of(stand_in, "one.ext", stand_in.pid("one.ext"))
    assert stand_in.events("name <> 'one.ext' AND event IN ('unresponsive', 'responsive')") == []


def test_a_hung_core_is_recorded_until_it_answers(stand_in):
    start(stand_in)
    becomes(stand_in, "worker", (None, 1))
    silence_of(stand_in, "worker", stand_in.worker())
    assert stand_in.events("name <> 'worker' AND event IN ('unresponsive', 'responsive')") == []


def test_a_worker_in_a_long_query_is_not_hung(stand_in):
    start(stand_in, "--unresponsive_timeout=1", flags=["--watchdog_delay=0"])
    becomes(stand_in, "worker", (None, 1))
    assert stand_in.query("SELECT misbehave('sleep:5')")
    assert stand_in.events("event IN ('unresponsive', 'limit_exceeded')") == []


def test_a_hung_tables_extension_leaves_nothing_known(stand_in):
    stand_in.add_extension("one")
    start(stand_in, "--unresponsive_timeout=1", flags=["--watchdog_delay=0"])
    becomes(stand_in, "one.ext", (1, 1))
    pid = stand_in.pid("osquery-watchdog.ext")
    with stopped(pid):
        for name in ("worker", "one.ext", "osquery-watchdog.ext"):
            becomes(stand_in, name, (None, None))
    becomes(stand_in, "osquery-watchdog.ext", (1, 1))
    assert stand_in.events("event IN ('unresponsive', 'responsive', 'limit_exceeded')") == []
    assert stand_in.pid("osquery-watchdog.ext") == pid


def test_without_the_tables_extension_nothing_is_claimed(stand_in):
    stand_in.add_extension("one")
    stand_in.flags(*QUICK)
    stand_in.start()
    stand_in.registered("one")
    assert shown(stand_in, "one.ext") == (None, None)
    assert shown(stand_in, "worker") == (None, None)


# --- --unresponsive_timeout ---


def ended_for_silence(stand_in, name, pid, signals):
    """A process that hangs is ended as for a limit; the event of its end."""
    with stopped(pid):
        ended = stand_in.wait_event(f"event = 'process_terminated' AND pid = {pid}")
    assert (ended["name"], ended["reason"], ended["unit"]) == (name, "unresponsive", "ms")
    assert (ended["signals_sent"], ended["outcome"], ended["limit_value"]) == (signals, "killed", 2000)
    assert ended["measured"] > 2000
    breach = stand_in.event(f"eid = {ended['cause_eid']}")
    assert (breach["event"], breach["reason"]) == ("limit_exceeded", "unresponsive")
    silence = stand_in.event(f"eid = {breach['cause_eid']}")
    assert (silence["event"], silence["pid"]) == ("unresponsive", pid)
    assert stand_in.events("event = 'responsive'") == []
    stand_in.pid(name, other_than=pid)
    return ended


END_SOON = ("--watchdog_delay=0", "--watchdog_forced_shutdown_delay=1")


def test_a_hung_extension_is_ended(stand_in):
    stand_in.add_extension("one")
    start(stand_in, "--unresponsive_timeout=2", flags=END_SOON)
    becomes(stand_in, "one.ext", (1, 1))
    ended_for_silence(stand_in, "one.ext", stand_in.pid("one.ext"), "TERM,KILL")
    becomes(stand_in, "one.ext", (1, 1))


def test_a_hung_worker_is_ended(stand_in):
    start(stand_in, "--unresponsive_timeout=2", flags=END_SOON)
    becomes(stand_in, "worker", (None, 1))
    ended_for_silence(stand_in, "worker", stand_in.worker(), "USR1,TERM,KILL")
    story = stand_in.ctl("explain").stdout
    assert "killed: did not answer" in story and "USR1,TERM,KILL" in story
    becomes(stand_in, "worker", (None, 1))


def test_a_worker_that_has_not_answered_yet_is_left_alone(stand_in):
    """As one that enrols with a server that can't be reached: it accepts, and answers nothing."""
    start(stand_in, "--unresponsive_timeout=1", flags=[*END_SOON, "--misbehave=hang"], ready=False)
    begin = stand_in.wait_event("event = 'unresponsive' AND name = 'worker'")
    deadline = time.monotonic() + 12  # longer than a call lasts
    while time.monotonic() < deadline:
        assert shown(stand_in, "worker") == (None, 0)  # all the time
        time.sleep(0.1)
    assert stand_in.worker() == begin["pid"]
    assert stand_in.events("event = 'limit_exceeded'") == []


def test_a_dry_run_only_records_that_a_process_hangs(stand_in):
    stand_in.add_extension("one")
    start(stand_in, "--unresponsive_timeout=1", "--dry_run", flags=END_SOON)
    becomes(stand_in, "one.ext", (1, 1))
    pid = stand_in.pid("one.ext")
    with stopped(pid):
        would = stand_in.wait_event("event = 'would_terminate'")
        assert (would["reason"], would["pid"]) == ("unresponsive", pid)
        time.sleep(2)
    stand_in.wait_event("event = 'responsive'")
    stand_in.event("event = 'would_terminate'")
    assert stand_in.pid("one.ext") == pid


# --- --extension_registration_timeout ---


def test_an_extension_that_does_not_register_is_restarted(stand_in):
    lazy = stand_in.program("lazy.ext", "#!/bin/sh\nexec sleep 1000\n")
    stand_in.autoload.write_text(f"{lazy}\n")
    stand_in.add_extension("one")
    stand_in.flags(*QUICK)
    stand_in.start("--extension_registration_timeout=5", tables=True)
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["name"], ended["reason"]) == ("lazy.ext", "registration")
    assert (ended["outcome"], ended["signals_sent"]) == ("graceful", "TERM")
    assert ended["measured"] is None and ended["lifetime_ms"] >= 5000
    stand_in.pid("lazy.ext", other_than=ended["pid"])
    becomes(stand_in, "one.ext", (1, 1))
    assert stand_in.events("event = 'process_terminated' AND name <> 'lazy.ext'") == []


def test_whoever_serves_from_a_child_is_registered_too(stand_in):
    real = stand_in.program("real", pathlib.Path(stand_in.add_extension("one")))
    wrapper = stand_in.program("wrapper.ext", f'#!/bin/sh\n{real} --name wrapped "$@"\n')
    stand_in.autoload.write_text(f"{wrapper}\n")
    stand_in.flags(*QUICK)
    stand_in.start("--extension_registration_timeout=1", tables=True)
    becomes(stand_in, "wrapper.ext", (1, 1))


# --- denylisted queries ---


def schedule(stand_in, *lines):
    path = stand_in.directory / "schedule"
    path.write_text("".join(line + "\n" for line in lines))
    return path


def executing(stand_in, name):
    try:
        return (stand_in.directory / "osquery.db" / "executing").read_text() == name
    except FileNotFoundError:
        return False


def kill_during(stand_in, name):
    """Returns the event of the worker's death."""
    eventually(lambda: executing(stand_in, name), f"{name} runs")
    old = stand_in.worker()
    os.kill(old, signal.SIGKILL)
    return stand_in.wait_event(f"event = 'process_exited' AND pid = {old}")


def test_a_denylisted_query_is_told_with_the_death_that_led_to_it(stand_in):
    path = schedule(stand_in, "quick 1 SELECT 1", "heavy 0.5 SELECT misbehave('sleep:30')")
    # The tables may have to wait for the next worker: nobody registers while a query runs.
    start(stand_in, flags=["--watchdog_max_delay=0", f"--schedule={path}"], ready=False)
    death = kill_during(stand_in, "heavy")
    told = stand_in.wait_event("event = 'query_denylisted'")
    assert (told["query_name"], told["query"]) == ("heavy", "SELECT misbehave('sleep:30')")
    assert told["cause_eid"] == death["eid"]
    assert told["pid"] == stand_in.worker() != death["pid"]

    # Denylisted still, but no news: after another death, and for another watchdog.
    registrations = len(stand_in.events("event = 'extension_registered'"))
    os.kill(stand_in.worker(), signal.SIGKILL)
    stand_in.worker(other_than=told["pid"])
    stand_in.wait_event("event = 'extension_registered'", registrations + 1)
    time.sleep(1.5)
    assert stand_in.stop() == 0
    stand_in.start(tables=True)
    stand_in.wait_event("event = 'extension_registered'", registrations + 2)
    time.sleep(1.5)
    stand_in.event("event = 'query_denylisted'")


def test_a_query_that_returns_and_does_it_again_is_told_again(stand_in):
    path = schedule(stand_in, "heavy 0.5 SELECT misbehave('sleep:30')")
    start(stand_in, flags=["--watchdog_max_delay=0", f"--schedule={path}"], ready=False)
    kill_during(stand_in, "heavy")
    told = stand_in.wait_event("event = 'query_denylisted'")
    # A day later: it is over, and the query runs again.
    (stand_in.directory / "osquery.db" / "denylist").write_text("heavy 1\n")
    with sqlite3.connect(stand_in.state_dir / "history.db", timeout=10) as database:
        database.execute("UPDATE events SET time = time - 86460 WHERE eid = ?", [told["eid"]])
    death = kill_during(stand_in, "heavy")
    again = stand_in.wait_event("event = 'query_denylisted'", 2)
    assert again["cause_eid"] == death["eid"]


def test_a_query_over_a_limit_is_told_with_its_termination(stand_in):
    # Not before the worker has its baseline.
    path = schedule(stand_in, "heavy 5 SELECT misbehave('grow:200:150,sleep:30')")
    start(stand_in, flags=["--watchdog_memory_limit=60", "--watchdog_delay=0",
                           "--watchdog_forced_shutdown_delay=1", f"--schedule={path}"])
    told = stand_in.wait_event("event = 'query_denylisted'")
    death = stand_in.event(f"eid = {told['cause_eid']}")
    assert (death["event"], death["reason"]) == ("process_terminated", "memory")
    assert death["signals_sent"] == "USR1,TERM,KILL"
    rows = stand_in.query("SELECT t.reason, q.query_name FROM watchdog_events t JOIN watchdog_events q"
                          " ON q.cause_eid = t.eid WHERE t.event = 'process_terminated'")
    assert {"reason": "memory", "query_name": "heavy"} in rows


def test_a_schedule_that_comes_late_is_asked_for_again(stand_in):
    database = stand_in.directory / "osquery.db"
    database.mkdir(mode=0o700)
    (database / "executing").write_text("heavy")  # left by a worker of before
    path = stand_in.directory / "schedule"
    start(stand_in, flags=[f"--schedule={path}"])
    stand_in.wait_event("event = 'extension_registered'")
    time.sleep(1.2)
    assert stand_in.events("event = 'query_denylisted'") == []
    schedule(stand_in, "heavy 0.5 SELECT 1", "other 0.5 SELECT 2")
    told = stand_in.wait_event("event = 'query_denylisted'")
    assert (told["query_name"], told["cause_eid"]) == ("heavy", None)  # that death wasn't ours to see


def test_without_evidence_nothing_is_blamed(stand_in):
    path = schedule(stand_in, "idle 3600 SELECT 1")
    start(stand_in, flags=["--watchdog_max_delay=0", f"--schedule={path}"])
    stand_in.wait_event("event = 'extension_registered'")
    asking = stand_in.asking("SELECT misbehave('sleep:30')")  # a live query, which leaves no trace
    old = stand_in.worker()
    os.kill(old, signal.SIGKILL)
    asking.wait()
    stand_in.worker(other_than=old)
    stand_in.wait_event("event = 'extension_registered'", 2)
    time.sleep(1.2)
    assert stand_in.events("event = 'query_denylisted'") == []
