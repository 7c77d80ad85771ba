"""What the observed worker says in its own log, osqueryd.INFO: which query it was.

The worker is the stand-in, which writes that log as osqueryd does. Where it can't say what a test
needs, the test writes in its place."""

import json
import os
import pathlib
import re
import resource
import signal

import pytest

from harness import BUILD, STAND_IN, eventually
from test_observe import EXTENSION, NAME, SMALL, Stock, observing

NOBODY = 999999999  # a thread that isn't there, so that nobody sees what it does
SQL = "SELECT misbehave('{}')\n  AS answer"


@pytest.fixture
def stock(directory):
    """With a log, and queries from a server."""
    stock = Stock(directory, STAND_IN / "osqueryd")
    stock.logs = stock.directory / "logs"
    stock.logs.mkdir()
    stock.server = stock.directory / "server"
    stock.server.mkdir()
    yield from observing(stock)


def start(stock, *flags, naming=("--distributed_loginfo", "--schedule_lognames")):
    """Returns the observed worker's pid."""
    return stock.start(f"--logger_path={stock.logs}", f"--distributed={stock.server}", *naming,
                       *flags).observed()


def ask(stock, name, modes):
    """A distributed query."""
    hidden = stock.server / f".{name}"
    hidden.write_text(SQL.format(modes))
    hidden.rename(stock.server / name)


def log(stock):
    """The worker's, as far as there is one."""
    path = stock.logs / "osqueryd.INFO"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def say(stock, worker, text, tid=NOBODY):
    """Writes in the worker's place, to a file that becomes its present one."""
    path = stock.logs / f"osqueryd.INFO.20990101-000000.{worker}"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"I1129 01:02:28.120610 {tid} scheduler.cpp:122] {text}\n")
    link = stock.logs / ".link"
    link.symlink_to(path.name)
    link.rename(stock.logs / "osqueryd.INFO")


def kill(stock, worker, signo=signal.SIGKILL):
    """Returns the event of its end."""
    os.kill(worker, signo)
    return stock.the_end_of(stock.wait_truth("exited", pid=worker))


def whose(event):
    return event["origin"], event["query_name"], event["query"]


def evidence(event):
    return json.loads(event["details"]).get("evidence")


def checks_pass(stock, count):
    """Waits for so many further checks of the worker."""
    for _ in range(count):
        before = stock.status("worker")["last_check_time"]
        eventually(lambda: stock.status("worker")["last_check_time"] != before, "a check")


UNKNOWN = (None, None, None)


def test_a_limit_and_the_end_that_follows(stock):
    worker = start(stock, *SMALL, "--watchdog_forced_shutdown_delay=10")
    ask(stock, "live_7", "grow-here:60:200,sleep:6")
    event = stock.the_end_of(stock.wait_truth("stopped", pid=worker))
    assert event["event"] == "process_terminated" and event["reason"] == "memory"
    cause = stock.event(f"eid = {event['cause_eid']}")
    for one in (cause, event):
        assert whose(one) == ("distributed", "live_7", SQL.format("grow-here:60:200,sleep:6"))
        assert one["thread"] == "DistributedRunn"
        assert evidence(one) == {"origin": "seen", "query": "said"}
    ended = stock.observed()
    assert ended != worker
    # The next one has said nothing.
    assert whose(kill(stock, ended)) == UNKNOWN


def test_an_end_in_the_middle_of_a_query(stock):
    worker = start(stock)
    ask(stock, "policy_3", "sleep:60")
    eventually(lambda: "policy_3" in log(stock), "it is executed")
    event = kill(stock, worker)
    assert whose(event) == ("distributed", "policy_3", SQL.format("sleep:60"))
    assert evidence(event) == {"origin": "said", "query": "said"} and event["thread"] is None


def test_a_scheduled_query_is_named_without_its_text(stock):
    schedule = stock.directory / "schedule"
    schedule.write_text("pack/slow 1 SELECT misbehave('sleep:60')\n")
    worker = start(stock, f"--schedule={schedule}")
    eventually(lambda: "pack/slow" in log(stock), "it is executed")
    assert whose(kill(stock, worker)) == ("schedule", "pack/slow", None)


def test_a_query_that_has_ended_is_not_named(stock):
    """Its thread waits for work."""
    worker = start(stock)
    ask(stock, "label_1", "sleep:0")
    eventually((stock.server / ".answers" / "label_1").exists, "it is answered")
    checks_pass(stock, 4)
    assert whose(kill(stock, worker)) == UNKNOWN


def test_two_queries_at_once(stock):
    """Nobody saw which of them it was."""
    schedule = stock.directory / "schedule"
    schedule.write_text("slow 1 SELECT misbehave('sleep:60')\n")
    worker = start(stock, f"--schedule={schedule}")
    ask(stock, "live_8", "sleep:60")
    eventually(lambda: {"slow", "live_8"} <= set(re.findall(
        r"Executing \w+ query:? (\w+)", log(stock))), "both")
    event = kill(stock, worker)
    assert whose(event) == UNKNOWN
    said = json.loads(event["details"])["said"]
    assert {(one["origin"], one["name"]) for one in said} == {("schedule", "slow"),
                                                             ("distributed", "live_8")}


def test_what_a_worker_says_last_is_read_although_its_file_is_not_the_present_one(stock):
    worker = start(stock, naming=())
    say(stock, worker, "Executing scheduled query first")
    checks_pass(stock, 2)
    say(stock, worker, "Executing scheduled query last")
    (stock.logs / "osqueryd.INFO").unlink()
    assert kill(stock, worker)["query_name"] == "last"


@pytest.mark.parametrize("flags", [("--logger_plugin=tls",), ("--logger_min_status=1",)])
def test_without_such_a_log_only_the_thread_is_known(stock, flags):
    worker = start(stock, *SMALL, *flags, "--watchdog_forced_shutdown_delay=10")
    ask(stock, "live_9", "grow-here:60:200,sleep:6")
    event = stock.the_end_of(stock.wait_truth("stopped", pid=worker))
    assert whose(event) == ("distributed", None, None)
    assert evidence(event) == {"origin": "seen"} and event["thread"] == "DistributedRunn"


def test_a_file_of_another_process_is_not_read(stock):
    worker = start(stock, naming=())
    say(stock, worker + 1, "Executing scheduled query another")
    checks_pass(stock, 2)
    assert whose(kill(stock, worker)) == UNKNOWN


def test_a_flood_is_skipped(stock):
    worker = start(stock, naming=())
    say(stock, worker, "Executing scheduled query before")
    text = "x" * 1000
    for _ in range(20):
        say(stock, worker, "\n".join([text] * 1000))
    say(stock, worker, "Executing scheduled query behind")
    assert kill(stock, worker)["query_name"] == "behind"


def test_a_file_system_that_hangs_delays_no_check(stock):
    hangs = stock.directory / "hangs"
    stock.program(NAME, f"#!/bin/sh\nexport LD_PRELOAD={BUILD}/tests/hanging-disk.so "
                        f"LOG_HANGS_WHILE={hangs} "
                        f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0\n"
                        f'exec {EXTENSION} "$@" --state_dir={stock.state_dir}'
                        f" --runtime_dir={stock.runtime_dir}\n")
    worker = start(stock, naming=())
    say(stock, worker, "Executing scheduled query before")
    hangs.touch()
    checks_pass(stock, 4)  # the first of them may not hang yet
    say(stock, worker, "Executing scheduled query behind")
    event = kill(stock, worker)
    assert whose(event) == UNKNOWN  # what was said before may have ended
    following = stock.observed()
    checks_pass(stock, 2)
    assert stock.status("worker")["pid"] == following
    hangs.unlink()
    say(stock, following, "Executing scheduled query again")
    checks_pass(stock, 2)
    assert kill(stock, following)["query_name"] == "again"


@pytest.mark.parametrize("limit", [0, resource.RLIM_INFINITY])
def test_a_core_dump(stock, limit):
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    if limit and os.geteuid() != 0:
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    stock.popen = {"cwd": stock.directory,
                   "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))}
    worker = start(stock)
    event = kill(stock, worker, signal.SIGABRT)
    dumped = bool(limit) and (pattern.startswith("|") or bool(list(stock.directory.glob("core*"))))
    assert event["core_dumped"] == (int(dumped) if stock.sees_ends else None)
