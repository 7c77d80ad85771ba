"""The journal and the system log, stood in for by sockets of our own in a mount namespace."""

import os
import signal
import socket
import struct

import pytest

from harness import NO_BACK_OFF

# Hides /run and /dev behind file systems of our own, with "$0" in place of the journal's directory
# and of /dev/log, and runs the rest of the arguments there.
IN_OWN_MOUNTS = r"""
set -e
mount --make-rprivate /
mkdir "$0/dev"
mount -t tmpfs none "$0/dev"
for device in null zero urandom; do touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; done
ln -s /proc/self/fd "$0/dev/fd"
touch "$0/dev/log"
mount --bind "$0/log" "$0/dev/log"
mount --rbind "$0/dev" /dev
mount -t tmpfs none /run
mkdir -p /run/systemd/journal
mount --bind "$0" /run/systemd/journal
if [ -n "$WITH_JOURNAL" ]; then export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); fi
exec "$@"
"""


def fields(datagram):
    """What the journal's native protocol carries: NAME=VALUE lines, or NAME, length, bytes."""
    found = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            datagram = rest
        else:
            (length,) = struct.unpack("<Q", rest[:8])
            value, datagram = rest[8:8 + length], rest[8 + length + 1:]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def listening(directory):
    """listening(name): a socket at that name in the directory that stands in for the journal's."""
    sockets = []
    place = directory / "journal"
    place.mkdir(0o700)

    def listen(name):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(place / name))
        listener.settimeout(30)
        sockets.append(listener)
        return listener

    listen.place = place
    yield listen
    for listener in sockets:
        listener.close()


def start(watchdog, place, with_journal):
    wrapped = watchdog.command
    watchdog.command = lambda *options, flags=(): [
        "unshare", "--mount", "sh", "-c", IN_OWN_MOUNTS, str(place),
        *wrapped(*options, flags=flags)]
    watchdog.popen = {"env": {**os.environ, "WATCHDOG_TEST_DIRECTORY": str(watchdog.directory),
                              "WITH_JOURNAL": with_journal}}
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    os.kill(watchdog.worker(), signal.SIGKILL)


def test_the_journal_gets_fields(listening, watchdog):
    journal = listening("socket")
    listening("log")
    start(watchdog, listening.place, "yes")
    while True:
        told = fields(journal.recv(65536))
        if told.get("OSQUERY_WATCHDOG_EVENT") == "process_exited":
            break
    assert told["OSQUERY_WATCHDOG_ROLE"] == "worker"
    assert told["OSQUERY_WATCHDOG_REASON"] == "signal"
    assert told["OSQUERY_WATCHDOG_EXIT_SIGNAL"] == "9"
    assert told["PRIORITY"] == "4"
    assert len(told["MESSAGE_ID"]) == 32
    assert told["MESSAGE"] == watchdog.wait_event("event = 'process_exited'")["message"]
    assert watchdog.stop() == 0
    assert "was ended by signal" not in watchdog.log(), "told twice"


def test_the_system_log_gets_the_lines(listening, watchdog):
    log = listening("log")
    start(watchdog, listening.place, "")
    while b"was ended by signal 9" not in (line := log.recv(65536)):
        pass
    assert f"osquery-watchdogd[{watchdog.process.pid}]: osqueryd worker (".encode() in line
    assert line.startswith(b"<28>")  # daemon.warning
    assert watchdog.stop() == 0
    assert "was ended by signal 9" in watchdog.log(), "and stderr, too"


def test_a_log_that_nobody_reads_holds_nothing_up(listening, watchdog):
    """Its buffer holds a few hundred lines: the rest is dropped, and the workers keep coming back."""
    listening("log")
    start(watchdog, listening.place, "")
    for _ in range(300):
        watchdog.process.send_signal(signal.SIGHUP)
    for _ in range(3):
        worker = watchdog.worker()
        os.kill(worker, signal.SIGKILL)
        watchdog.worker(other_than=worker)
    assert watchdog.stop() == 0
