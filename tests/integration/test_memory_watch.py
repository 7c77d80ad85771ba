"""The kernel says when a child takes memory, where it may; elsewhere the memory is looked at.

Every test runs on both kinds of machine: a seccomp filter refuses perf_event_open as container
runtimes do, and without it the kernel decides.
"""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from harness import GROW, NO_BACK_OFF, SMALL, eventually
from perf_events import counters_are_permitted, refuse_counters

INTERVAL_US = 3_000_000
ENFORCED = (*SMALL, *NO_BACK_OFF, "--enable_extensions_watchdog")


def expected(refused):
    return "events" if counters_are_permitted() and not refused else "polling"


def counters(pid):
    """How many the process holds."""
    links = pathlib.Path(f"/proc/{pid}/fd").iterdir()
    return sum("perf_event" in os.readlink(link) for link in links)


def begin(watchdog, refused, **options):
    watchdog.popen = {"preexec_fn": refuse_counters} if refused else {}
    return watchdog.start(**options)


either = pytest.mark.parametrize("refused", [False, True], ids=["as here", "refused"])


@either
def test_the_tables_say_how(stand_in, refused):
    how = expected(refused)
    stand_in.add_extension("modest")
    stand_in.flags(*ENFORCED)
    begin(stand_in, refused)
    extension = stand_in.pid("modest.ext")
    ways = {name: stand_in.status(name)["memory_watch"]
            for name in ("watchdog", "worker", "modest.ext")}
    assert ways == {"watchdog": None, "worker": how, "modest.ext": how}
    # One for each child, and none left of one that is gone.
    assert counters(stand_in.process.pid) == (2 if how == "events" else 0)
    os.kill(extension, signal.SIGKILL)
    stand_in.pid("modest.ext", other_than=extension)
    assert counters(stand_in.process.pid) == (2 if how == "events" else 0)


@either
def test_the_check_says_how(stand_in, refused):
    said = subprocess.run(stand_in.command("--check"), capture_output=True, text=True, check=True,
                          preexec_fn=refuse_counters if refused else None).stdout
    why = "  (page faults can't be counted here: Operation not permitted)" if refused else ""
    assert f"memory_watch: {expected(refused)}{why}" in said


def next_check(watchdog, after):
    """Waits for a regular check that is later than @after; its time."""
    def check():
        row = watchdog.status("worker")
        return row and row["last_check_us"] != after and row["last_check_us"]
    return eventually(check, "a regular check")


@either
def test_growth_is_noticed_between_the_regular_checks(stand_in, refused):
    stand_in.flags(*ENFORCED)
    begin(stand_in, refused)
    worker = stand_in.worker()
    for tries in range(1, 6):
        checked = next_check(stand_in, next_check(stand_in, None))
        asking = stand_in.asking(f"SELECT misbehave('{GROW}')")
        stand_in.wait_event("event = 'limit_exceeded'", count=tries)
        noticed = time.monotonic_ns() // 1000
        asking.wait()
        worker = stand_in.worker(other_than=worker)
        if noticed < checked + INTERVAL_US:
            break
    else:
        # A busy machine may take so long to grow, but hardly every time.
        pytest.fail("only at regular checks")


def wake_ups(pid):
    """How often the main thread has waited for something."""
    lines = pathlib.Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


@either
def test_an_idle_process_is_looked_at_at_regular_checks_alone(stand_in, refused):
    stand_in.add_extension("modest")
    stand_in.flags(*ENFORCED)
    begin(stand_in, refused)
    stand_in.registered("modest")
    checked = next_check(stand_in, next_check(stand_in, None))
    before = wake_ups(stand_in.process.pid)
    for _ in range(3):
        checked = next_check(stand_in, checked)
    woken = wake_ups(stand_in.process.pid) - before
    # At a limit of 30 MB, looking now and then is every 0.33 s.
    if expected(refused) == "events":
        assert woken < 3 * 3
    else:
        assert woken > 3 * 6
