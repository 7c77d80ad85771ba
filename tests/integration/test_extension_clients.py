"""osquery-watchdog.ext and clients that are silent, slow, many, hostile, or somebody else's."""

import contextlib
import os
import socket
import struct
import time

import thrift_manager as tm
from extension_runner import running, wait_for  # noqa: F401, F811 (a fixture)

PING = tm.PING


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
        times = []
        for _ in range(20):
            begin = time.monotonic()
            assert len(tm.generate(path, "watchdog_events")) == 2000
            times.append(time.monotonic() - begin)
        assert sorted(times)[10] < 2, times
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


def test_rests_when_nothing_happens(running):
    """One thread, and no wake-ups."""
    running.manager.start()
    running.spawn(interval=3600).registered()
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
