"""Runs osquery-watchdog.ext with a manager in Python (thrift_manager.py) around it.

The programs are looked for in $WATCHDOG_BUILD_DIR/bin (build/bin when unset).
"""

import fcntl
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest
import thrift_manager as tm
from harness import PATIENCE

BIN = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR", "build")).resolve() / "bin"
PROGRAM = BIN / "osquery-watchdog.ext"


def wait_for(what, seconds=PATIENCE):
    """Polls until @what is true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not become true in {seconds} s"
        time.sleep(0.005)


def observation(message):
    """Decodes it as watchdog/core/machine/report.c describes it."""
    assert message[:3] == b"WDO"
    (kind, worker), at = struct.unpack_from("=Bq", message, 3), 12

    def text():
        nonlocal at
        (length,) = struct.unpack_from("=H", message, at)
        at += 2 + length
        return message[at - length : at].decode()

    def numbers(form):
        nonlocal at
        values = struct.unpack_from("=" + form, message, at)
        at += struct.calcsize("=" + form)
        return values

    if kind == 2:
        return "denylisted", {"worker": worker, "name": text(), "query": text()}
    report = {"worker": worker, "responsive": bool(*numbers("B")), "version": text()}
    read, listed, unattributed, n = numbers("BBBH")
    report["schedule_read"] = bool(read)
    report["listed"], report["unattributed"] = bool(listed), bool(unattributed)
    report["extensions"] = {}
    for _ in range(n):
        pid, uuid, responsive = numbers("qHB")
        report["extensions"][uuid] = (pid, bool(responsive), text())
    assert at == len(message)
    return "report", report


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
        self.channel = None  # our end of it, where the extension tells what it sees
        self.locks = []

    def record(self, events):
        subprocess.run([BIN.parent / "tests" / "sample-store", self.state, self.runtime, str(events)], check=True)

    def claim(self):
        """As the watchdog that started it, which has the directories to itself."""
        for directory in (self.state, self.runtime):
            self.locks.append(open(directory / "lock", "w"))
            fcntl.lockf(self.locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)

    def spawn(self, *options, supervised=True, interval=1, timeout=3, files=None, observed=False):
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

        theirs = None
        if observed:
            self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.channel.settimeout(PATIENCE)
            theirs.setblocking(False)
            environment["OSQUERY_WATCHDOG_FD"] = str(theirs.fileno())
            self.claim()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *arguments, *options],
                env=environment,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=limit,
                pass_fds=[theirs.fileno()] if theirs else [],
            )
        if theirs:
            theirs.close()
        return self

    def registered(self, seconds=PATIENCE):
        """Waits until it is registered and listens; returns the path of its socket."""
        (uuid,) = wait_for(self.manager.uuids, seconds)
        path = f"{self.socket}.{uuid}"
        wait_for(lambda: tm.pings(path), seconds)
        return path

    def observation(self):
        """The next thing that it tells: "report" or "denylisted" and what is in it."""
        return observation(self.channel.recv(65536))

    def answers(self):
        """Whether both tables answer through the present registration."""
        try:
            (uuid,) = self.manager.uuids()
            tm.generate(f"{self.socket}.{uuid}", "watchdog_processes")
            tm.generate(f"{self.socket}.{uuid}", "watchdog_events")
        except (ValueError, OSError, tm.TTransport.TTransportException):
            return False
        return True

    def ends(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def sockets(self):
        return sorted(p.name for p in self.directory.glob("osquery.em.*"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.channel is not None:
            self.channel.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for lock in self.locks:
            lock.close()
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
