"""Runs osquery-watchdog.ext with a manager in Python (thrift_manager.py) around it.

The programs are looked for in $WATCHDOG_BUILD_DIR/bin (build/bin when unset).
"""

import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

import pytest
import thrift_manager as tm

BIN = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR", "build")).resolve() / "bin"
PROGRAM = BIN / "osquery-watchdog.ext"


def wait_for(what, seconds=10):
    """Polls until @what is true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not become true in {seconds} s"
        time.sleep(0.005)


class Running:
    """A started extension, its manager, and the paths of both."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory / "osquery.em"
        self.state = directory / "state"
        self.runtime = directory / "run"
        self.state.mkdir(mode=0o700)
        self.runtime.mkdir(mode=0o700)
        self.manager = tm.Manager(self.socket)
        self.process = None
        self.log = directory / "log"

    def record(self, events):
        subprocess.run([BIN.parent / "tests" / "sample-store", self.state, self.runtime, str(events)], check=True)

    def spawn(self, *options, supervised=True, interval=1, timeout=3, files=None):
        environment = dict(os.environ)
        environment.pop("OSQUERY_WATCHDOG_RUNTIME_DIR", None)
        arguments = ["--socket", self.socket, "--interval", str(interval), "--timeout", str(timeout)]
        if supervised:
            environment["OSQUERY_WATCHDOG_STATE_DIR"] = str(self.state)
            environment["OSQUERY_WATCHDOG_RUNTIME_DIR"] = str(self.runtime)
        else:
            arguments += ["--state_dir", self.state, "--runtime_dir", self.runtime]

        def limit():
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *arguments, *options],
                env=environment,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=limit,
            )
        return self

    def registered(self, seconds=10):
        """Waits until it is registered and listens; returns the path of its socket."""
        (uuid,) = wait_for(self.manager.uuids, seconds)
        path = f"{self.socket}.{uuid}"
        wait_for(lambda: tm.pings(path), seconds)
        return path

    def answers(self):
        """Whether both tables answer through the present registration."""
        try:
            (uuid,) = self.manager.uuids()
            tm.generate(f"{self.socket}.{uuid}", "watchdog_processes")
            tm.generate(f"{self.socket}.{uuid}", "watchdog_events")
        except (ValueError, OSError, tm.TTransport.TTransportException):
            return False
        return True

    def ends(self, seconds=5):
        return self.process.wait(seconds)

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def sockets(self):
        return sorted(p.name for p in self.directory.glob("osquery.em.*"))

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.manager.stop()


@pytest.fixture
def running():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ext-"))  # short: it becomes a socket's path
    extension = Running(directory)
    try:
        yield extension
    finally:
        extension.close()
        shutil.rmtree(directory)
