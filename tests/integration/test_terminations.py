"""watchdog_terminations, of real ends: one row each, what follows them joined, and only what was meant."""

import json
import os
import signal
import subprocess

from harness import BUILD, NO_BACK_OFF, eventually


def terminations(watchdog, where="1"):
    done = watchdog.ctl("--json", "query",
                        f"SELECT * FROM watchdog_terminations WHERE {where} ORDER BY eid")
    return json.loads(done.stdout) if done.returncode == 0 else []


def wait_row(watchdog, where):
    return eventually(lambda: terminations(watchdog, where), where)[-1]


def test_a_limit_and_what_follows(stand_in):
    schedule = stand_in.directory / "schedule"
    schedule.write_text("heavy 1 SELECT misbehave('grow:200:150,sleep:30')\n")
    stand_in.flags("--extensions_interval=1", "--watchdog_memory_limit=60", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=1", f"--schedule={schedule}")
    stand_in.start(tables=True)
    row = wait_row(stand_in, "denylisted IS NOT NULL")
    ended = stand_in.event(f"eid = {row['eid']}")
    assert (row["reason"], row["name"], row["pid"]) == ("memory", "worker", ended["pid"])
    assert (row["query_name"], row["denylisted"]) == ("heavy", "heavy")
    assert "misbehave" in row["query"] and row["origin"] == "schedule"
    assert row["measured"] > row["limit_value"] == 60 << 20 and row["peak"] >= row["measured"]
    assert row["outcome"] == "killed" and row["exit_signal"] == signal.SIGKILL
    started = stand_in.event(f"event = 'process_started' AND role = 'worker' AND eid > {row['eid']}")
    assert row["downtime_ms"] == started["duration_ms"] >= 0
    cause = stand_in.event(f"eid = {row['cause_eid']}")
    assert cause["event"] == "limit_exceeded" and cause["pid"] == row["pid"]


def test_ends_by_themselves_and_on_request(watchdog):
    watchdog.flags(*NO_BACK_OFF)
    watchdog.add_extension("one")
    watchdog.start()
    first, one = watchdog.worker(), watchdog.pid("one.ext")
    os.kill(one, signal.SIGKILL)
    row = wait_row(watchdog, f"pid = {one}")
    assert (row["name"], row["reason"], row["exit_signal"], row["outcome"]) == (
        "one.ext", "signal", signal.SIGKILL, None)
    watchdog.pid("one.ext", other_than=one)
    eventually(lambda: terminations(watchdog, f"pid = {one} AND downtime_ms IS NOT NULL"),
               "its successor")
    os.kill(first, signal.SIGKILL)
    second = watchdog.worker(other_than=first)
    assert watchdog.stop() == 0
    # What was asked for isn't there, neither the worker's stop nor the extension's.
    ends = terminations(watchdog)
    assert [row["pid"] for row in ends if row["role"] == "worker"] == [first] != [second]
    assert {row["reason"] for row in ends} <= {"signal", "worker_gone"}
    assert len(ends) == len({row["eid"] for row in ends}) == len(
        watchdog.events("event IN ('process_exited', 'process_terminated') AND "
                        "reason NOT IN ('request', 'settings')"))


def test_the_next_run_ends_the_downtime_of_a_crash(watchdog):
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    first = watchdog.worker()
    os.kill(first, signal.SIGKILL)
    watchdog.worker(other_than=first)
    watchdog.wait_event(f"pid = {first} AND event = 'process_exited'")
    watchdog.stop(signal.SIGKILL)
    watchdog.start()
    eventually(lambda: watchdog.event("event = 'watchdog_crashed'"), "the crash is recorded")
    (row,) = terminations(watchdog, f"pid = {first}")
    assert row["downtime_ms"] < 60000


def test_constraints_choose_by_index(directory):
    subprocess.run([BUILD / "tests" / "make-history", directory, "500"], check=True)

    def ask(where):
        done = subprocess.run(
            [BUILD / "bin" / "osquery-watchdogctl", f"--state_dir={directory}",
             f"--runtime_dir={directory}", "--json", "query",
             f"SELECT eid, pid, reason FROM watchdog_terminations WHERE {where}"],
            capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    everything = ask("1")
    assert len(everything) > 400 and [row["eid"] for row in everything] == sorted(
        row["eid"] for row in everything)
    some = everything[7]["eid"], everything[9]["eid"]
    assert [row["eid"] for row in ask(f"eid IN {some}")] == list(some)
    assert ask("reason = 'memory'") == [row for row in everything if row["reason"] == "memory"]
    assert ask(f"pid = {everything[0]['pid']}") == [
        row for row in everything if row["pid"] == everything[0]["pid"]]
    assert ask("eid = 3") == []  # a limit_exceeded
