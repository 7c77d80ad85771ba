"""Whatever happens to the core, to the extension, or between them: two intervals later the tables
answer again, with one registration. And however often they are asked, memory stays flat."""

import contextlib
import os
import random
import signal
import socket
import threading
import time

import pytest
import thrift_manager as tm
from extension_runner import running, wait_for  # noqa: F401, F811 (a fixture)
from harness import PATIENCE, STAND_IN, eventually, stand_in  # noqa: F401 (a fixture)

LONG = bool(os.environ.get("WATCHDOG_LONG"))
INTERVAL = 1
# Two intervals; and for what a busy machine adds, under sanitizers and beside other tests, as many
# again, and again.
SOON = 10 * INTERVAL


def registered_once(running):
    """One registration, and nobody serves any other; the file of one that was killed stays until a
    core starts anew."""
    return running.answers() and sum(
        tm.pings(path) for path in running.directory.glob("osquery.em.*")) == 1


def is_back(running, seconds=SOON):
    wait_for(lambda: registered_once(running), seconds)


# --- random deaths of both ---


def test_killed_and_respawned_in_any_order(running):
    """The core by a new one that knows nobody, the extension by a new one that meets its own stale
    registration."""
    kills = 100 if LONG else 20
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    running.record(5)
    running.manager.start()
    running.spawn(interval=INTERVAL)
    is_back(running, PATIENCE)
    checking = threading.Event()

    def check():  # the core's regular pings
        while not checking.wait(INTERVAL):
            running.manager.check()

    checker = threading.Thread(target=check)
    checker.start()
    try:
        for _ in range(kills):
            deaths = chance.sample(["core", "extension"], chance.choice([1, 1, 2]))
            for death in deaths:
                if death == "core":
                    running.manager.stop()
                    time.sleep(chance.choice([0, 0, 0.05, 0.5]))
                    running.manager.start()
                else:
                    running.kill()
                    time.sleep(chance.choice([0, 0, 0.05]))
                    running.spawn(interval=INTERVAL)
            is_back(running)
            assert len(running.manager.uuids()) == 1
    finally:
        checking.set()
        checker.join()


def test_a_real_worker_and_extension_killed_in_any_order(stand_in):
    """The same under osquery-watchdogd, which starts both again."""
    kills = 100 if LONG else 20
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    stand_in.flags("--extensions_interval=1", "--extensions_timeout=1", "--watchdog_level=-1",
                   "--watchdog_max_delay=0")
    stand_in.start(tables=True)
    pids = {"worker": 0, "osquery-watchdog.ext": 0}
    for _ in range(kills):
        for name in chance.sample(sorted(pids), chance.choice([1, 1, 2])):
            pids[name] = stand_in.pid(name)
            os.kill(pids[name], signal.SIGKILL)
        for name, old in pids.items():
            stand_in.pid(name, other_than=old)
        # Its own respawn may have to wait three seconds; then it is as above.
        eventually(lambda: stand_in.try_query("SELECT 1 FROM watchdog_processes, watchdog_events"),
                   "the tables answer", 3 + SOON)
        ours = stand_in.query("SELECT uuid FROM osquery_extensions WHERE name = 'osquery_watchdog'")
        assert len(ours) == 1


# --- what cores do ---


@contextlib.contextmanager
def dropped(running):
    for uuid in running.manager.uuids():
        running.manager.drop(uuid)
    yield


@contextlib.contextmanager
def slow(running):
    """Answers after longer than anyone waits."""
    running.manager.delay = 20 if LONG else 12
    time.sleep(running.manager.delay + 2)
    yield
    running.manager.delay = 0
    # Until the answers that are late are given up.
    wait_for(lambda: not running.manager.connections, 40)


@contextlib.contextmanager
def slamming(running):
    running.manager.slamming = True
    time.sleep(2.5 * INTERVAL)
    yield
    running.manager.slamming = False


@contextlib.contextmanager
def hanging(running):
    running.manager.hanging.set()
    time.sleep(2.5 * INTERVAL)
    yield
    running.manager.hanging.clear()
    for connection in list(running.manager.hung):
        connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def refusing(running):
    running.manager.refusals = ["Duplicate extension registered"] * 5
    for uuid in running.manager.uuids():
        running.manager.drop(uuid)
    wait_for(lambda: not running.manager.refusals, 15)
    yield


def talking(raw):
    @contextlib.contextmanager
    def talks(running):
        running.manager.raw = raw
        time.sleep(2.5 * INTERVAL)
        yield
        running.manager.raw = None
    return talks


WHOLE = b"\x80\x01\x00\x02\x00\x00\x00\x0aextensions\x00\x00\x00\x00\x0d\x00\x00\x0a\x0c\x00\x00\x00\x00\x00"
FAULTS = {
    "drops us silently": dropped,
    "answers after 20 s": slow,
    "closes as soon as we are there": slamming,
    "hangs": hanging,
    "refuses five times": refusing,
    "garbage": talking(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "half a reply": talking(WHOLE[:20]),
    "another reply": talking(b"\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x00\x0c\x00\x00\x00\x00"),
    "an empty list": talking(WHOLE),
    "zeros": talking(bytes(100000)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_core_at_fault(running, name):
    running.record(5)
    running.manager.answer = lambda sql: []
    running.manager.start()
    running.spawn(interval=INTERVAL, observed=True)
    is_back(running, PATIENCE)
    path = f"{running.socket}.{running.manager.uuids()[0]}"
    threads = []

    def watch():  # clients are served all the while, by one socket or the next
        threads.append(len(os.listdir(f"/proc/{running.process.pid}/task")))

    with FAULTS[name](running):
        watch()
        if os.path.exists(path):
            assert tm.pings(path)
    if name == "an empty list":
        # It was told that it isn't registered, and has no way to know better than to register again:
        # which the core, knowing it well, refuses as a duplicate until it pings the old socket.
        wait_for(lambda: running.manager.attempts >= 2)
        running.manager.check()
    is_back(running, SOON + (10 if name in ("answers after 20 s", "hangs") else 0))
    assert max(threads) <= 3
    assert running.process.poll() is None


# --- memory ---


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as smaps:
        return sum(int(line.split()[1]) for line in smaps if line.startswith("Private_Dirty"))


def exchange(path, request, size):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(request)
        got = 0
        while got < size:
            received = len(client.recv(65536))
            assert received
            got += received


def reply_size(path, request):
    """With nothing behind it: what comes until a ping's reply, and that."""
    pong = tm.PING.replace(b"\x00\x01\x00\x00\x00\x04", b"\x00\x02\x00\x00\x00\x04")[:16]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(request + tm.PING)
        client.shutdown(socket.SHUT_WR)
        data = b""
        while received := client.recv(65536):
            data += received
    return data.rindex(pong)


def test_memory_stays_flat(running):
    pings, generates = (1000000, 100000) if LONG else (100000, 10000)
    if os.environ.get("ASAN_OPTIONS") and "sanitize" in os.environ.get("WATCHDOG_BUILD_DIR", ""):
        pings, generates = pings // 20, generates // 20  # its quarantine grows: only that they work
    running.record(10)
    running.manager.start()
    path = running.spawn(interval=60).registered()
    generate = tm.call_bytes("watchdog_events")
    sizes = reply_size(path, tm.PING), reply_size(path, generate)
    pid = running.process.pid

    def ask(n_pings, n_generates):
        for _ in range(n_pings):
            exchange(path, tm.PING, sizes[0])
        for _ in range(n_generates):
            exchange(path, generate, sizes[1])

    ask(2000, 1000)  # what is made once
    before = private_kb(pid)
    ask(pings, generates)
    grown = private_kb(pid) - before
    print(f"{pings} pings and {generates} generates: {before} kB, {grown:+} kB")
    # The library's own leak would be 200 bytes for each ping (facts: its finalizers): 20 MB.
    if pings >= 100000:
        assert grown < 256
