"""What the tests over real processes share: a watchdog over an osqueryd in a directory of its own.

Every test gets its own directory and sockets, so that all of them can run at the same time, and
leaves nothing running: every process that comes from a watchdog carries its directory in the
environment, and the fixture fails the test when one outlives it. Nothing sleeps for a fixed time;
`eventually` polls with a deadline.
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

BUILD = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR",
                                    pathlib.Path(__file__).resolve().parents[1] / "build"))
WATCHDOGD = BUILD / "bin" / "osquery-watchdogd"
CTL = BUILD / "bin" / "osquery-watchdogctl"
STAND_IN = BUILD / "tests" / "stand-in"
# Tests that need no misbehaviour run over this one; so a real osqueryd keeps the stand-in honest.
OSQUERYD = pathlib.Path(os.environ.get("OSQUERYD", STAND_IN / "osqueryd"))
# Generous, for a busy machine under sanitizers; a test that passes waits only as long as it must.
PATIENCE = 30
# Every process that a watchdog starts inherits it, and so does whatever that starts.
MARK = "WATCHDOG_TEST_DIRECTORY"
# Restarts at once however often, and more of them than a test makes.
NO_BACK_OFF = ("--watchdog_level=-1", "--watchdog_max_delay=0")

# Limits that are enforced from the start, and a request to misbehave that goes well over them.
SMALL = ("--watchdog_delay=0", "--watchdog_memory_limit=30")
# Slowly, for who looks a second late must still see it grow.
GROW = "grow:60:120"
MEBIBYTE = 1024 * 1024


def eventually(condition, what, patience=PATIENCE, interval=0.01):
    """Polls until @condition returns something true, which it returns."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(interval)


class Proc:
    """/proc/PID/stat at one moment; the words of proc(5)."""

    def __init__(self, pid):
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
        self.pid = pid
        self.comm = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        self.state = fields[0]
        self.ppid, self.pgrp, self.session = (int(field) for field in fields[1:4])
        self.nice = int(fields[16])

    @classmethod
    def of(cls, pid):
        """None when there is no such process, or only a zombie."""
        try:
            proc = cls(pid)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return proc if proc.state not in "ZX" else None


def alive(pid):
    return Proc.of(pid) is not None


def all_processes():
    """Those that aren't zombies."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [proc for pid in pids if (proc := Proc.of(pid))]


def environment(pid):
    """What the process was started with; empty when it is gone or another user's."""
    try:
        entries = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    return dict(entry.split("=", 1) for entry in entries.split("\0") if "=" in entry)


def signals(pid, mask):
    """The numbers of the signals in @mask, one of /proc/PID/status: SigBlk, SigIgn, ShdPnd …"""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    bits = next(int(line.split()[1], 16) for line in lines if line.startswith(f"{mask}:"))
    return {signo for signo in range(1, 65) if bits >> (signo - 1) & 1}


def hanging_disk(path):
    """The environment of a process under whose history the disk hangs while @path exists."""
    return {"LD_PRELOAD": str(BUILD / "tests" / "hanging-disk.so"), "HISTORY_HANGS_WHILE": str(path),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def listing(*paths):
    """Everything at and below @paths: what it is, whose, how protected, and what is in it."""
    found = {}
    for top in paths:
        for path in [pathlib.Path(top), *sorted(pathlib.Path(top).rglob("*"))]:
            if not os.path.lexists(path):
                continue
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and status.st_mode & 0o400 else None
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


class Watchdog:
    """One osquery-watchdogd after the other, their directories, and what they supervise."""

    def __init__(self, directory, osqueryd):
        self.directory = pathlib.Path(directory)
        self.osqueryd = osqueryd
        self.socket = self.directory / "em"
        self.flagfile = self.directory / "osquery.flags"
        self.autoload = self.directory / "extensions.load"
        self.state_dir = self.directory / "state"
        self.runtime_dir = self.directory / "run"
        self.log_path = self.directory / "log"
        self.process = None
        self.tables = False
        self.popen = {}  # more arguments for Popen
        self.flagfile.write_text("")
        self.autoload.write_text("")

    # --- setting up ---

    def flags(self, *lines):
        """Writes osqueryd's flagfile."""
        self.flagfile.write_text("".join(line + "\n" for line in lines))

    def program(self, name, content):
        """A program in the test's directory: a copy of a file (a Path), or a script (its text)."""
        path = self.directory / name
        if isinstance(content, pathlib.Path):
            shutil.copy(content, path)
        else:
            path.write_text(content)
        path.chmod(0o755)
        return path

    def add_extension(self, name, misbehave=""):
        """Puts a copy of the stand-in extension into extensions.load. Returns its path."""
        path = self.program(f"{name}.ext", STAND_IN / "stand-in.ext")
        self.misbehave(path, misbehave)
        with self.autoload.open("a") as autoload:
            autoload.write(f"{path}\n")
        return path

    @staticmethod
    def misbehave(path, modes):
        """What a copy of the stand-in extension does from its next start on."""
        pathlib.Path(f"{path}.misbehave").write_text(modes)

    # --- running ---

    def command(self, *options, flags=()):
        return [
            str(WATCHDOGD),
            f"--state_dir={self.state_dir}",
            f"--runtime_dir={self.runtime_dir}",
            *([] if self.tables else ["--notables"]),
            *options,
            "--",
            str(self.osqueryd),
            f"--flagfile={self.flagfile}",
            f"--extensions_socket={self.socket}",
            f"--extensions_autoload={self.autoload}",
            f"--pidfile={self.directory}/osqueryd.pidfile",
            f"--database_path={self.directory}/osquery.db",
            *flags,
        ]

    def start(self, *options, flags=(), tables=False, ready=True):
        """@tables: with the tables extension. @ready: waits until the worker runs, and the tables
        answer."""
        self.tables = tables
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*options, flags=flags),
                **{"env": {**os.environ, MARK: str(self.directory)},
                   "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **self.popen})
        if ready:
            self.worker()
        if ready and tables:
            self.wait_tables()
        return self

    def wait_tables(self):
        eventually(lambda: self.try_query("SELECT 1 FROM watchdog_events LIMIT 1"),
                   "the tables answer")

    def stop(self, signo=signal.SIGTERM):
        """Returns the exit code."""
        self.process.send_signal(signo)
        return self.wait()

    def wait(self):
        """Returns the exit code of a watchdog that ends by itself."""
        return self.process.wait(PATIENCE)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # --- asking ---

    def try_query(self, sql):
        """Asks the worker; None while it can't answer."""
        done = subprocess.run([STAND_IN / "stand-in-query", "--socket", self.socket, "--json", sql],
                              capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def query(self, sql):
        """Asks the worker, once it can answer."""
        answers = []
        eventually(lambda: answers.append(self.try_query(sql)) or answers[-1] is not None, sql)
        return answers[-1]

    def asking(self, sql):
        """A query that runs meanwhile; a process to wait for."""
        return subprocess.Popen([STAND_IN / "stand-in-query", "--socket", self.socket, sql],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ctl(self, *arguments):
        return subprocess.run([CTL, f"--state_dir={self.state_dir}",
                               f"--runtime_dir={self.runtime_dir}", *arguments],
                              capture_output=True, text=True, timeout=PATIENCE)

    @staticmethod
    def read(path, sql, *parameters):
        """Rows of a database of the store; none while it isn't there."""
        if not path.exists():
            return []
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        database.text_factory = lambda text: text.decode(errors="replace")
        try:
            return [dict(row) for row in database.execute(sql, parameters)]
        except sqlite3.OperationalError as problem:
            if "no such table" in str(problem):
                return []
            raise
        finally:
            database.close()

    def events(self, where="1"):
        """The history, straight from the store."""
        return self.read(self.state_dir / "history.db",
                         f"SELECT * FROM events WHERE {where} ORDER BY eid")

    def event(self, where):
        """The only event that matches, once it is stored: the present state may be told before."""
        self.wait_event(where)
        events = self.events(where)
        assert len(events) == 1, events
        return events[0]

    def wait_event(self, where, count=1):
        """Until there are @count events that match; the last of them."""
        return eventually(lambda: len(found := self.events(where)) >= count and found, where)[-1]

    def status(self, name):
        """The process's row of the present state, or None."""
        rows = self.read(self.runtime_dir / "status.db", "SELECT * FROM processes WHERE name = ?",
                         name)
        return rows[0] if rows else None

    def pid(self, name, other_than=None):
        """Waits until a process of this name runs, with another pid than @other_than."""
        def running():
            row = self.status(name)
            return (row and row["state"] == "running" and row["pid"] != other_than and
                    alive(row["pid"]) and row["pid"])
        return eventually(running, f"{name} runs")

    def worker(self, other_than=None):
        return self.pid("worker", other_than)

    def registered(self, name):
        """Waits until the extension @name is registered with the present worker; its pid."""
        return int(self.query(f"SELECT pid FROM {name}")[0]["pid"])

    # --- processes ---

    def children(self):
        """The pids of the watchdog's own children, as the kernel has them."""
        return {proc.pid for proc in all_processes() if proc.ppid == self.process.pid}

    def running(self):
        """The pids of everything that ever came from here and still runs."""
        ours = str(self.directory)
        return {proc.pid for proc in all_processes() if environment(proc.pid).get(MARK) == ours}

    def wait_nothing_runs(self):
        eventually(lambda: not self.running(), "everything has ended")

    def clean_up(self):
        """Returns what didn't end by itself, as text."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # What is killed together with its leader goes a moment after it; longer on a busy machine.
        deadline = time.monotonic() + 10
        while (left := self.running()) and time.monotonic() < deadline:
            time.sleep(0.01)
        text = [f"{pid}: {proc.comm if (proc := Proc.of(pid)) else 'gone by now'}" for pid in left]
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return text


def supervised(directory, osqueryd):
    watchdog = Watchdog(directory, osqueryd)
    yield watchdog
    left = watchdog.clean_up()
    log = watchdog.log()
    print(log)  # shown by pytest when the test failed
    assert not left, f"left running: {left}"
    for sanitizer in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert sanitizer not in log


# --- fixtures: a conftest.py imports them ---


@pytest.fixture
def directory():
    """Short, for a socket's path has 107 bytes; ours alone, for osquery refuses sticky ones."""
    path = tempfile.mkdtemp(prefix="wd-")
    yield pathlib.Path(path)
    shutil.rmtree(path)


@pytest.fixture
def watchdog(directory):
    """Over $OSQUERYD, or the stand-in: for tests that need no misbehaviour."""
    yield from supervised(directory, OSQUERYD)


@pytest.fixture
def stand_in(directory):
    """Over the stand-in: for tests that need a misbehaviour."""
    yield from supervised(directory, STAND_IN / "osqueryd")
