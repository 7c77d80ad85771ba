"""osquery-watchdog.ext against a manager in Python (thrift_manager.py), and that manager's clients."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest
import thrift_manager as tm
from thrift.Thrift import TApplicationException

BIN = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR", "build")).resolve() / "bin"
PING = b"\x80\x01\x00\x01" + b"\x00\x00\x00\x04ping" + b"\x00\x00\x00\x00" + b"\x00"
EQ, GT, LE, LT, GE, LIKE = 2, 4, 8, 16, 32, 65


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
        subprocess.run([BIN / "sample-store", self.state, self.runtime, str(events)], check=True)

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
                [BIN / "osquery-watchdog.ext", *arguments, *options],
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
        wait_for(lambda: os.path.exists(path), seconds)
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


# --- registering and answering ---


def test_registers_both_tables(running):
    running.manager.start()
    running.spawn().registered()
    (uuid,) = running.manager.uuids()
    info = running.manager.extensions()[uuid]
    assert info.name == "osquery_watchdog"
    assert tuple(int(part) for part in info.sdk_version.split(".")) >= (1, 7, 7)
    version = subprocess.run(
        [BIN / "osquery-watchdog.ext", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    assert info.version == version
    tables = running.manager.tables(uuid)
    assert sorted(tables) == ["watchdog_events", "watchdog_processes"]
    columns = {c["name"]: c for c in tables["watchdog_events"]}
    assert columns["eid"]["type"] == "BIGINT" and columns["eid"]["op"] == "9"
    assert columns["event"]["type"] == "TEXT" and columns["event"]["op"] == "4"
    assert [c["name"] for c in tables["watchdog_processes"]][:3] == ["name", "role", "path"]


def test_answers_what_osquery_asks(running):
    running.record(10)
    running.manager.start()
    path = running.spawn().registered()
    (uuid,) = running.manager.uuids()
    for table, columns in running.manager.tables(uuid).items():
        response = tm.call(path, table, {"action": "columns"})
        assert response.status.code == 0
        assert [r for r in response.response if r["id"] == "column"] == columns

    events = tm.generate(path, "watchdog_events")
    assert [int(e["eid"]) for e in events] == list(range(1, 11))
    assert events[0]["event"] == "process_started" and "reason" not in events[0]
    assert events[1]["reason"] == "signal" and events[1]["exit_signal"] == "9"
    assert events[1]["lifetime_ms"] == "1234567890123"
    assert events[1]["message"] == "event 2: café"

    processes = {p["name"]: p for p in tm.generate(path, "watchdog_processes")}
    assert processes["worker"]["resident_size"] == "5000000000"
    assert processes["worker"]["utilization"] == "2.5"
    assert processes["watchdog"]["state"] == "stopped" and "pid" not in processes["watchdog"]


@pytest.mark.parametrize(
    "constraints, eids",
    [
        ([("eid", GT, "8")], [9, 10]),
        ([("eid", GE, "2"), ("eid", LT, "4")], [2, 3]),
        ([("eid", EQ, "3"), ("eid", EQ, "7")], [3, 7]),
        ([("event", EQ, "process_exited"), ("eid", LE, "4")], [2, 4]),
        ([("time", GT, "1700000008")], [9, 10]),
        ([("event", LIKE, "nothing%")], list(range(1, 11))),  # the asker filters
        ([("unknown", EQ, "1")], list(range(1, 11))),
        ([("eid", EQ, "77")], []),
    ],
)
def test_constraints_are_used(running, constraints, eids):
    running.record(10)
    running.manager.start()
    path = running.spawn().registered()
    rows = tm.generate(path, "watchdog_events", constraints, ["eid"])
    assert rows == [{"eid": str(eid)} for eid in eids]


def test_sees_what_is_recorded_later(running):
    running.manager.start()
    path = running.spawn().registered()
    assert tm.generate(path, "watchdog_events") == []
    running.record(3)
    assert len(tm.generate(path, "watchdog_events")) == 3


def test_wrong_requests_get_reasons(running):
    running.manager.start()
    path = running.spawn().registered()
    for registry, item, request, reason in [
        ("logger", "watchdog_events", {"action": "columns"}, "unknown registry: logger"),
        ("table", "users", {"action": "columns"}, "unknown table: users"),
        ("table", "watchdog_events", {"action": "insert"}, "unknown action: insert"),
        ("table", "watchdog_events", {}, "unknown action: (none)"),
        (None, None, None, "unknown registry: "),
    ]:
        with tm.client(path) as extension:
            status = extension.call(registry, item, request).status
        assert (status.code, status.message) == (1, reason)
    with tm.client(path, service=tm.ExtensionManager) as extension:
        with pytest.raises(TApplicationException) as raised:
            extension.query("SELECT 1")
        assert raised.value.type == TApplicationException.UNKNOWN_METHOD
        assert extension.ping().code == 0  # on the same connection


def test_many_at_once(running):
    running.record(200)
    running.manager.start()
    path = running.spawn().registered()
    failures = []

    def ask():
        try:
            for _ in range(10):
                assert len(tm.generate(path, "watchdog_events")) == 200
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


# --- staying registered ---


def test_waits_for_the_manager(running):
    running.spawn(supervised=False, timeout=20)
    wait_for(lambda: running.process.poll() is None)
    time.sleep(0.3)  # some attempts
    running.manager.start()
    running.registered(2)


def test_gives_up_without_a_manager(running):
    running.spawn(supervised=False, timeout=1)
    begin = time.monotonic()
    assert running.ends(10) == 1
    assert 0.5 < time.monotonic() - begin < 5
    (line,) = running.lines()
    assert str(running.socket) in line


def test_supervised_it_waits_as_long_as_it_takes(running):
    running.spawn(timeout=1)
    with pytest.raises(subprocess.TimeoutExpired):
        running.ends(2.5)
    running.manager.start()
    running.registered(3)
    assert len(running.lines()) == 2  # one for the waiting, one for the end of it


def test_answers_again_at_once_after_a_new_core(running):
    running.record(3)
    running.manager.start()
    running.spawn(interval=3)
    running.registered()
    times = []
    for _ in range(10):
        running.manager.stop()
        running.manager.start()
        begin = time.monotonic()
        wait_for(running.answers)
        times.append(time.monotonic() - begin)
        assert len(running.sockets()) == 1
    assert running.manager.registrations == 11
    assert sorted(times)[5] < 0.2, times
    assert max(times) < 1, times


def test_answers_again_after_a_core_was_away_for_a_while(running):
    running.manager.start()
    running.spawn(interval=1)
    running.registered()
    running.manager.stop()
    wait_for(lambda: running.sockets() == [], 5)  # noticed by asking
    time.sleep(1)
    running.manager.start()
    begin = time.monotonic()
    wait_for(running.answers)
    assert time.monotonic() - begin < 1
    assert running.manager.registrations == 2


def test_a_registration_that_is_silently_dropped_is_noticed(running):
    running.manager.start()
    old = running.spawn(interval=1).registered()
    (uuid,) = running.manager.uuids()
    running.manager.drop(uuid)
    begin = time.monotonic()
    wait_for(running.answers, 10)
    assert time.monotonic() - begin < 2
    assert running.manager.registrations == 2
    if running.manager.uuids() != [uuid]:
        assert not os.path.exists(old)
    assert len(running.sockets()) == 1


def test_keeps_a_good_registration(running):
    running.manager.start()
    path = running.spawn(interval=1).registered()
    for _ in range(3):
        time.sleep(0.6)
        running.manager.check()
        assert running.registered(0.1) == path
    assert running.manager.attempts == 1


def test_waits_out_a_stale_registration(running):
    running.manager.start()
    running.manager.refusals = ["Duplicate extension registered"] * 5
    running.spawn(interval=1)
    running.registered(15)
    assert running.manager.attempts == 6
    assert len([line for line in running.lines() if "Duplicate" in line]) == 1


def test_takes_over_from_one_that_was_killed(running):
    running.manager.start()
    running.spawn(interval=1).registered()
    running.process.kill()
    running.process.wait()
    running.spawn(interval=1)
    wait_for(lambda: running.manager.attempts >= 2)
    assert running.manager.registrations == 1  # the stale one is in the way
    running.manager.check()
    wait_for(running.answers)
    assert running.manager.registrations == 2


def test_other_refusals_are_told_and_tried_again(running):
    running.manager.start()
    running.manager.refusals = ["Failed adding registry: conflict"] * 2
    running.spawn(interval=1)
    running.registered()
    assert len([line for line in running.lines() if "Failed adding registry" in line]) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x80\x01\x00\x02\x00\x00\x00\x11register",
        b"\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x00\x0c\x00\x00\x00\x00",
        b"\x80\x01\x00\x02\x7f\xff\xff\xff",
        b"\x80\x01\x00\x02\x00\x00\x00\x11registerExtension\x00\x00\x00\x00\x00",
        b"\x00" * 100000,
    ],
    ids=["closed", "http", "half", "another", "long-name", "no-result", "zeros"],
)
def test_garbage_from_the_manager(running, raw):
    running.manager.raw = raw
    running.manager.start()
    running.spawn(interval=1)
    wait_for(lambda: any("waiting for osquery" in line for line in running.lines()))
    running.manager.raw = None
    wait_for(running.answers)
    running.manager.raw = raw
    time.sleep(1.2)  # a verification meets it
    running.manager.raw = None
    assert running.answers()  # and loses nothing
    assert running.manager.registrations == 1
    assert running.process.poll() is None


def test_a_hung_manager_holds_up_nothing(running):
    running.record(5)
    running.manager.start()
    path = running.spawn(interval=1).registered()
    running.manager.hanging.set()
    wait_for(lambda: running.manager.connections, 5)  # a verification hangs
    for _ in range(20):
        begin = time.monotonic()
        assert len(tm.generate(path, "watchdog_events")) == 5
        assert time.monotonic() - begin < 1
    assert len(running.manager.connections) == 1
    threads = len(os.listdir(f"/proc/{running.process.pid}/task"))
    assert threads == 2
    running.process.terminate()
    begin = time.monotonic()
    assert running.ends() == 0
    assert time.monotonic() - begin < 2


# --- ending ---


def test_shutdown_ends_it_after_the_reply(running):
    running.manager.start()
    path = running.spawn(supervised=False).registered()
    with tm.client(path) as extension:
        extension.shutdown()
    assert running.ends() == 0
    assert running.sockets() == []


def test_supervised_shutdown_means_wait_for_the_next_core(running):
    running.manager.start()
    path = running.spawn().registered()
    (uuid,) = running.manager.uuids()
    with tm.client(path) as extension:
        extension.shutdown()
    wait_for(lambda: not os.path.exists(path))
    running.manager.stop()
    running.manager.start()
    wait_for(running.answers, 3)
    assert running.process.poll() is None
    assert uuid is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(running, number):
    running.manager.start()
    running.spawn().registered()
    running.process.send_signal(number)
    begin = time.monotonic()
    assert running.ends() == 0
    assert time.monotonic() - begin < 1
    assert running.manager.uuids() == []  # it has said so
    assert running.sockets() == []


def test_signals_end_it_without_a_manager(running):
    running.spawn()
    wait_for(running.lines)
    running.process.terminate()
    assert running.ends(2) == 0


def test_other_signals_keep_their_default(running):
    running.manager.start()
    running.spawn().registered()
    running.process.send_signal(signal.SIGHUP)
    assert running.ends() == -signal.SIGHUP


@pytest.mark.parametrize(
    "arguments, named",
    [
        ([], "--socket"),
        (["--socket", "/tmp/s", "--frob"], "--frob"),
        (["--socket", "/tmp/" + "x" * 107], "--socket"),
        (["--socket", "/tmp/s", "--timeout", "soon"], "--timeout"),
        (["/tmp/s"], "/tmp/s"),
    ],
)
def test_bad_usage(arguments, named):
    done = subprocess.run(
        [BIN / "osquery-watchdog.ext", *arguments], capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert named in line


# --- clients that are not well-behaved ---


def raw_client(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(20)
    client.connect(str(path))
    return client


def test_silent_half_closed_and_flooding_clients_hold_up_nobody(running):
    running.record(2000)
    running.manager.start()
    path = running.spawn().registered()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(raw_client(path)) for _ in range(40)]
        for client in clients[:10]:
            client.sendall(PING[:7])  # and no more
        for client in clients[10:20]:
            client.shutdown(socket.SHUT_WR)
        for client in clients[20:30]:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.sendall(PING * 100000)  # and reads nothing
        worst = 0
        for _ in range(20):
            begin = time.monotonic()
            assert len(tm.generate(path, "watchdog_events")) == 2000
            worst = max(worst, time.monotonic() - begin)
        assert worst < 2
        for client in clients[10:20]:
            assert client.recv(1) == b""
    assert running.answers()


def test_more_clients_than_descriptors(running):
    running.manager.start()
    path = running.spawn(files=64).registered()
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(raw_client(path))
        for _ in range(5):
            with tm.client(path) as extension:
                assert extension.ping().code == 0
    assert running.answers()


def test_hostile_bytes(running):
    running.manager.start()
    path = running.spawn().registered()
    strings = struct.pack(">BBI", 11, 11, 60000)
    head = b"\x80\x01\x00\x01\x00\x00\x00\x04call\x00\x00\x00\x00"
    attacks = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x04ping\x01\x00\x00\x00\x00\x00",  # an old-style header
        b"\x80\x01\x00\x01\x7f\xff\xff\xff",
        head + b"\x0b\x00\x01\x7f\xff\xff\xff",
        head + b"\x0d\x00\x03" + strings,
        head + b"\x0f\x00\x01" + b"\x0f\x00\x00\x00\x01" * 60000,
        head + b"\x0d\x00\x03\x08\x08\x00\x00\x00\x01" + b"\x00" * 9,
        head + b"\x0b\x00\x63\x00\x00\x00\x10abc",  # a truncated unknown field
        os.urandom(100000),
        bytes(5 << 20),
    ]
    before = len(running.lines())
    for attack in attacks:
        with raw_client(path) as client:
            with contextlib.suppress(OSError):
                client.sendall(attack)
                client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while client.recv(65536):
                    pass
        assert running.answers()
    assert len(running.lines()) == before  # no flood of lines
    assert running.process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_other_users_are_refused(running):
    running.manager.start()
    path = running.spawn().registered()
    os.chmod(running.directory, 0o755)
    os.chmod(path, 0o666)  # so that only the credentials are in the way
    script = (
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n"
        f"s.sendall({PING!r})\n"
        "try:\n    got = s.recv(100)\n"
        "except ConnectionResetError:\n    got = b''\n"
        "sys.exit(0 if got == b'' else 1)\n"
    )
    subprocess.run(["/usr/bin/python3", "-c", script, path], check=True, timeout=20)
    assert running.answers()


def test_rests_when_nothing_happens(running):
    """One thread, and no wake-ups but the verification's."""
    running.manager.start()
    running.spawn(interval=3).registered()
    pid = running.process.pid

    def switches():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["voluntary_ctxt_switches"])

    time.sleep(1.2)  # a sweep may be due
    wait_for(lambda: len(os.listdir(f"/proc/{pid}/task")) == 1)
    before = switches()
    time.sleep(1)
    assert switches() - before <= 3
