"""What the integration tests share: a watchdog over an osqueryd in a directory of its own.

Every test gets its own directory and sockets, so that all of them can run at the same time, and leaves
nothing running: the fixture fails the test when a process outlives it. Nothing sleeps for a fixed
time; `eventually` polls with a deadline.
"""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

import pytest

BUILD = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build"))
WATCHDOGD = BUILD / "bin" / "osquery-watchdogd"
CTL = BUILD / "bin" / "osquery-watchdogctl"
STAND_IN = BUILD / "tests" / "stand-in"
# Tests that need no misbehaviour run over this one; so a real osqueryd keeps the stand-in honest.
OSQUERYD = pathlib.Path(os.environ.get("OSQUERYD", STAND_IN / "osqueryd"))
# Generous, for a busy machine under sanitizers; a test that passes waits only as long as it must.
PATIENCE = 30


def eventually(condition, what, patience=PATIENCE):
    """Polls until @condition returns something true, which it returns."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.01)


def alive(pid):
    """Whether @pid runs; a zombie doesn't."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Watchdog:
    """One osquery-watchdogd, its directories and what it supervises."""

    def __init__(self, directory, osqueryd):
        self.directory = pathlib.Path(directory)
        self.osqueryd = osqueryd
        self.socket = self.directory / "em"
        self.flagfile = self.directory / "osquery.flags"
        self.autoload = self.directory / "extensions.load"
        self.process = None
        self.log = self.directory / "log"
        self.seen_pids = set()
        self.flagfile.write_text("")
        self.autoload.write_text("")

    def flags(self, *lines):
        """Writes osqueryd's flagfile."""
        self.flagfile.write_text("".join(line + "\n" for line in lines))

    def add_extension(self, name, misbehave=None, file_name=None):
        """Puts a copy of the stand-in extension into extensions.load. Returns its path."""
        path = self.directory / f"{file_name or name}.ext"
        shutil.copy(STAND_IN / "stand-in.ext", path)
        pathlib.Path(f"{path}.name").write_text(name)
        self.misbehave(path, misbehave)
        with self.autoload.open("a") as autoload:
            autoload.write(f"{path}\n")
        return path

    @staticmethod
    def misbehave(path, modes):
        """What a copy of the stand-in extension does from its next start on."""
        file = pathlib.Path(f"{path}.misbehave")
        if modes:
            file.write_text(modes)
        else:
            file.unlink(missing_ok=True)

    def command(self, *options, osqueryd_flags=()):
        return [
            str(WATCHDOGD),
            f"--state_dir={self.directory}/state",
            f"--runtime_dir={self.directory}/run",
            *options,
            "--",
            str(self.osqueryd),
            f"--flagfile={self.flagfile}",
            f"--extensions_socket={self.socket}",
            f"--extensions_autoload={self.autoload}",
            f"--pidfile={self.directory}/osqueryd.pidfile",
            f"--database_path={self.directory}/osquery.db",
            *osqueryd_flags,
        ]

    def start(self, *options, osqueryd_flags=(), ready=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*options, osqueryd_flags=osqueryd_flags),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        """Until the tables answer over Thrift."""
        eventually(lambda: self.try_query("SELECT 1 FROM watchdog_processes"), "the tables answer")

    def try_query(self, sql):
        """Asks the worker; None while it can't answer."""
        done = subprocess.run(
            [STAND_IN / "stand-in-query", "--socket", self.socket, "--json", sql],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def query(self, sql):
        rows = self.try_query(sql)
        assert rows is not None, sql
        return rows

    def ctl(self, *arguments, check=True):
        done = subprocess.run(
            [CTL, f"--state_dir={self.directory}/state", f"--runtime_dir={self.directory}/run", *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def events(self, where="1"):
        """The history, straight from the store."""
        path = self.directory / "state" / "history.db"
        if not path.exists():
            return []
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(f"SELECT * FROM events WHERE {where} ORDER BY eid")]
        except sqlite3.OperationalError:  # not created yet
            return []
        finally:
            database.close()

    def wait_event(self, where, count=1):
        """Until there are @count events that match; the last of them."""
        return eventually(lambda: (found := self.events(where)) and len(found) >= count and found, where)[-1]

    def running(self, name="worker"):
        """The pid of a process that the status shows as running, or None."""
        path = self.directory / "run" / "status.db"
        if not path.exists():
            return None
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            row = database.execute(
                "SELECT pid FROM processes WHERE name = ? AND state = 'running'", (name,)
            ).fetchone()
        except sqlite3.OperationalError:
            return None
        finally:
            database.close()
        if row and row[0]:
            self.seen_pids.add(row[0])
            return row[0] if alive(row[0]) else None
        return None

    def pid(self, name="worker", other_than=None):
        """Waits until a process of this name runs, with another pid than @other_than."""
        return eventually(
            lambda: (pid := self.running(name)) and pid != other_than and pid, f"{name} runs"
        )

    def stop(self, signo=signal.SIGTERM):
        """Returns the exit code."""
        self.process.send_signal(signo)
        return self.process.wait(PATIENCE)

    def children(self):
        """All pids that the watchdog ever started, from its own record of starts."""
        return {event["pid"] for event in self.events("event = 'process_started'")} | self.seen_pids

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        left = [pid for pid in self.children() if alive(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left


@pytest.fixture
def directory():
    """Short, for the path of a socket has 107 bytes; ours alone, for osquery refuses sticky ones."""
    path = tempfile.mkdtemp(prefix="wd-")
    yield pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)


def supervised(directory, osqueryd, request):
    watchdog = Watchdog(directory, osqueryd)
    yield watchdog
    left = watchdog.clean_up()
    log = watchdog.log.read_text(errors="replace") if watchdog.log.exists() else ""
    print(log)  # shown by pytest when the test failed
    assert not left, f"left running: {left}"
    for sanitizer in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert sanitizer not in log, log


@pytest.fixture
def watchdog(directory, request):
    """Over $OSQUERYD, or the stand-in: for tests that need no misbehaviour."""
    yield from supervised(directory, OSQUERYD, request)


@pytest.fixture
def stand_in(directory, request):
    """Over the stand-in: for tests that need a misbehaviour."""
    yield from supervised(directory, STAND_IN / "osqueryd", request)
