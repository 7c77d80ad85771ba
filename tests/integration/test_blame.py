"""An extension ends osquery only if it is broken itself, and then only once."""

import json
import os
import subprocess

import pytest

from harness import PATIENCE, eventually, hanging_disk

QUICK = ("--watchdog_max_delay=1", "--extensions_interval=1")
BROKEN = "#!/bin/sh\nexit 1\n"


def add(watchdog, name, content):
    path = watchdog.program(f"{name}.ext", content)
    with watchdog.autoload.open("a") as autoload:
        autoload.write(f"{path}\n")
    return path


def exits(watchdog, name, count=1):
    watchdog.wait_event(f"event = 'process_exited' AND name = '{name}.ext'", count=count)
    return watchdog.events(f"event = 'process_exited' AND name = '{name}.ext'")


def limit_reached(watchdog):
    return watchdog.wait_event("event = 'respawn_limit_reached'")


def test_an_exit_does_not_count_while_the_worker_answers_nothing(stand_in):
    """It enrols with a server that it can't reach: its manager accepts connections, and that is all."""
    add(stand_in, "gives-up", "#!/bin/sh\nsleep 1.1\nexit 1\n")
    stand_in.flags(*QUICK, "--misbehave=hang")
    stand_in.start(tables=True, ready=False)
    worker = stand_in.worker()
    for event in exits(stand_in, "gives-up", count=6):
        assert (event["reason"], event["exit_code"]) == ("worker_silent", 1)
    started = [event["time"] for event in
               stand_in.events("event = 'process_started' AND name = 'gives-up.ext'")]
    assert started[5] - started[0] <= 5 * 3 + 5  # as often as osquery's own watcher tries
    assert stand_in.status("gives-up.ext")["quick_exits"] == 0
    assert not stand_in.events("event IN ('respawn_delayed', 'respawn_limit_reached')")
    assert stand_in.worker() == worker and stand_in.stop() == 0


def test_an_exit_does_not_count_where_nothing_is_known_of_the_worker(stand_in):
    add(stand_in, "broken", BROKEN)
    stand_in.flags(*QUICK)
    worker = stand_in.start().worker()
    assert {event["reason"] for event in exits(stand_in, "broken", count=6)} == {"exit"}
    assert stand_in.status("broken.ext")["quick_exits"] == 0
    assert stand_in.worker() == worker and stand_in.stop() == 0


def test_what_was_abandoned_before_ends_osquery_once(stand_in):
    add(stand_in, "broken", "#!/no/such/interpreter\n")
    stand_in.flags(*QUICK)
    stand_in.start("--extension_give_up=abandon", tables=True)
    assert json.loads(limit_reached(stand_in)["details"])["ended_osquery"] is False
    assert stand_in.stop() == 0
    stand_in.start(tables=True, ready=False)
    assert stand_in.wait() == 1


@pytest.mark.parametrize("content, reason", [
    (BROKEN, "exit"),
    ("#!/bin/sh\r\nexit 1\r\n", "spawn"),
    ("#!/no/such/interpreter\n", "spawn"),
    ("\x7fELF no program", "spawn"),
])
def test_a_broken_one_ends_osquery_once(stand_in, content, reason):
    stand_in.add_extension("sound")
    stand_in.flags(*QUICK)
    path = add(stand_in, "broken", content)
    stand_in.start(tables=True, ready=False)
    assert stand_in.wait() == 1
    first = stand_in.event("event = 'respawn_limit_reached'")
    stopped = stand_in.event("event = 'watchdog_stopped'")
    assert (first["name"], first["reason"]) == ("broken.ext", reason)
    delays = stand_in.events("event = 'respawn_delayed' AND name = 'broken.ext'")
    assert [event["delay"] for event in delays] == [1] * 4
    assert stopped["cause_eid"] == first["eid"]
    assert f"Too many extension restarts: {path}. This ends osquery, but only once" in stand_in.log()
    assert "--extension_give_up=abandon" in first["message"]

    # --check says what is remembered, and for how long.
    check = subprocess.run(stand_in.command("--check"), capture_output=True, text=True, timeout=PATIENCE)
    remembered = [line for line in check.stdout.splitlines() if "was given up" in line]
    assert check.returncode == 3 and len(remembered) == 1, check.stdout
    assert remembered[0].startswith(f"warning: {path} was given up, because it exited too often or "
                                    "could not be executed: for 1440 more minutes")

    # Whoever starts it again has osquery, without that extension.
    stand_in.start(tables=True)
    again = stand_in.wait_event("event = 'respawn_limit_reached'", count=2)
    assert again["eid"] != first["eid"] and again["details"] == first["details"]
    assert "It ended osquery within the last day, so osquery goes on without it" in again["message"]
    assert again["message"] in stand_in.log()
    eventually(lambda: stand_in.status("broken.ext")["state"] == "abandoned", "it is given up alone")
    assert stand_in.registered("sound") == stand_in.pid("sound.ext")
    assert stand_in.stop() == 0

    # Another file is another extension.
    path.write_text(content + "\n")
    check = subprocess.run(stand_in.command("--check"), capture_output=True, text=True, timeout=PATIENCE)
    assert "was given up" not in check.stdout
    stand_in.start(tables=True, ready=False)
    assert stand_in.wait() == 1


def test_a_broken_one_ends_nothing_that_the_history_cannot_remember(stand_in):
    hangs = stand_in.directory / "hangs"
    hangs.touch()
    stand_in.popen = {"env": {**os.environ, **hanging_disk(hangs)}}
    add(stand_in, "broken", BROKEN)
    stand_in.flags(*QUICK)
    stand_in.start(tables=True, ready=False)
    eventually(lambda: "The history can't remember that it ended osquery" in stand_in.log(),
               "it is given up alone")
    worker = stand_in.worker()
    hangs.unlink()
    assert limit_reached(stand_in)["name"] == "broken.ext"
    assert stand_in.worker() == worker and stand_in.stop() == 0
