"""Directories of ours that can't be had: osquery runs all the same, and what happens meanwhile is
recorded once they can."""

import os
import signal
import subprocess

import pytest

from harness import NO_BACK_OFF, PATIENCE, STAND_IN, eventually, supervised

PROCESSES = "SELECT name, pid FROM watchdog_processes"
EVENTS = "SELECT pid FROM watchdog_events WHERE event = 'process_exited' AND role = 'worker'"
WHICH = pytest.mark.parametrize("which", ["state_dir", "runtime_dir"])


def worker_of(watchdog, other_than=None):
    """The worker, without the store's help: the child that runs osqueryd."""
    def find():
        for pid in watchdog.children():
            try:
                program = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue
            if program == os.path.realpath(watchdog.osqueryd) and pid != other_than:
                return pid
        return None
    return eventually(find, "a worker runs")


def kill_worker(watchdog):
    """Returns its pid, once its successor runs."""
    pid = worker_of(watchdog)
    os.kill(pid, signal.SIGKILL)
    worker_of(watchdog, other_than=pid)
    return pid


class Obstacle:
    """Something in the way of a directory, that can be taken away."""

    def __init__(self, kind, path):
        self.kind, self.path = kind, path
        if kind == "file":
            path.write_text("precious")
        elif kind == "dangling link":
            path.symlink_to(path.parent / "nowhere")
        elif kind == "no parent":
            path.parent.write_text("precious")
        elif kind == "lock":
            path.mkdir(0o700)
            (path / "lock").mkdir()
        else:
            path.mkdir()
            path.chmod(0o770 if kind == "group-writable" else 0o707)

    def untouched(self):
        if self.kind == "file":
            return self.path.read_text() == "precious"
        if self.kind == "no parent":
            return self.path.parent.read_text() == "precious"
        if self.kind == "dangling link":
            return not (self.path.parent / "nowhere").exists()
        return os.listdir(self.path) == (["lock"] if self.kind == "lock" else [])

    def take_away(self):
        if self.kind in ("file", "dangling link"):
            self.path.unlink()
        elif self.kind == "no parent":
            self.path.parent.unlink()
        elif self.kind == "lock":
            (self.path / "lock").rmdir()
        else:
            self.path.chmod(0o700)


@WHICH
@pytest.mark.parametrize("kind", ["file", "dangling link", "no parent", "lock", "group-writable",
                                  "other-writable"])
def test_a_directory_that_cannot_be_had(stand_in, which, kind):
    path = stand_in.directory / "above" / "below" if kind == "no parent" else (
        stand_in.directory / "bad")
    setattr(stand_in, which, path)
    obstacle = Obstacle(kind, path)
    stand_in.flags(*NO_BACK_OFF)
    stand_in.start(tables=True, ready=False)
    killed = [kill_worker(stand_in) for _ in range(3)]

    # The tables answer, with what there is.
    def there():
        return {table: stand_in.try_query(sql)
                for table, sql in (("processes", PROCESSES), ("events", EVENTS))}

    full, empty = (("processes", "events") if which == "state_dir" else ("events", "processes"))
    eventually(lambda: there()[full] and there()[empty] == [], "the tables answer")

    def complaints():
        return [line for line in stand_in.log().splitlines()
                if "the store can't be written" in line and str(path.parent) in line]

    eventually(complaints, "it is told")
    assert obstacle.untouched()
    assert len(complaints()) == 1, complaints()

    # And then all of it.
    obstacle.take_away()
    stand_in.wait_event("event = 'process_exited'", count=3)
    assert [event["pid"] for event in stand_in.events("event = 'process_exited'")] == killed
    assert stand_in.events()[0]["event"] == "watchdog_started"
    eventually(lambda: there()["processes"] and
               [int(row["pid"]) for row in there()["events"] or []] == killed, "the tables show it")
    stand_in.worker()
    record = stand_in.runtime_dir / "processes"
    eventually(lambda: record.exists() and f"\n{worker_of(stand_in)} " in record.read_text(),
               "the worker is in the record")
    assert len(complaints()) == 1
    assert stand_in.log().count("the store can be written again") >= 1
    assert stand_in.stop() == 0
    assert stand_in.events()[-1]["event"] == "watchdog_stopped"


@WHICH
def test_a_directory_that_can_never_be_had(stand_in, which):
    setattr(stand_in, which, "/proc/no-such-directory")
    stand_in.start(ready=False)
    kill_worker(stand_in)
    assert stand_in.stop() == 0
    stand_in.wait_nothing_runs()


def test_a_limit_needs_no_store(stand_in):
    setattr(stand_in, "state_dir", "/proc/no-such-directory")
    stand_in.flags(*NO_BACK_OFF, "--watchdog_delay=0", "--watchdog_memory_limit=40",
                   "--misbehave=grow:200:120")
    stand_in.start()
    eventually(lambda: "stopping: Memory limits exceeded" in stand_in.log(), "it is ended")
    stand_in.flags(*NO_BACK_OFF)
    stand_in.stop()


# --- another watchdog ---


@pytest.fixture
def second(directory):
    """Its osqueryd has all that osqueryds mustn't share; its directories are the first one's."""
    (directory / "second").mkdir()
    for other in supervised(directory / "second", STAND_IN / "osqueryd"):
        other.state_dir, other.runtime_dir = directory / "state", directory / "run"
        yield other


@pytest.mark.parametrize("shared", ["state_dir", "runtime_dir", "both"])
def test_two_share_a_directory(stand_in, second, shared):
    """The first one has it alone; the second gets it afterwards."""
    stand_in.flags(*NO_BACK_OFF)
    second.flags(*NO_BACK_OFF)
    worker = stand_in.start(tables=True).worker()
    if shared == "state_dir":
        second.runtime_dir = second.directory / "run"
    elif shared == "runtime_dir":
        second.state_dir = second.directory / "state"
    second.start(tables=True, ready=False)
    killed = kill_worker(second)
    # Nothing of the first one's is shown as the second one's.
    eventually(lambda: (rows := second.try_query(PROCESSES)) is not None and
               str(worker) not in [row["pid"] for row in rows] and
               (shared != "state_dir" or len(rows) == 3), "its own processes")
    events = second.query("SELECT pid FROM watchdog_events WHERE event = 'process_started'")
    assert str(worker) not in [row["pid"] for row in events]
    lines = [line for line in second.log().splitlines() if "another osquery-watchdogd" in line]
    assert len(lines) == (2 if shared == "both" else 1), lines
    assert stand_in.worker() == worker
    if shared != "runtime_dir":
        assert {event["run_id"] for event in stand_in.events()} == {stand_in.events()[0]["run_id"]}

    assert stand_in.stop() == 0
    eventually(lambda: str(killed) in
               [row["pid"] for row in second.try_query(EVENTS) or []], "its own events")
    eventually(lambda: len(second.try_query(PROCESSES) or []) == 3, "its own processes")
    runs = [event["event"] for event in second.events("event LIKE 'watchdog_%'")]
    assert runs == ["watchdog_started", "watchdog_stopped", "watchdog_started"][
        2 if shared == "runtime_dir" else 0:]
    assert second.stop() == 0


def test_the_pidfile_still_refuses(watchdog):
    worker = watchdog.start().worker()
    done = subprocess.run(watchdog.command(), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "osqueryd.pidfile: locked" in done.stderr
    assert watchdog.worker() == worker
    assert watchdog.stop() == 0


def test_one_directory_serves_as_both(watchdog):
    watchdog.runtime_dir = watchdog.state_dir
    watchdog.start()
    watchdog.wait_event("event = 'process_started'")
    assert watchdog.stop() == 0
    assert "can't be written" not in watchdog.log()
