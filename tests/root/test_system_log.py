"""The system log, stood in for by a socket of our own in a mount namespace."""

import os
import signal
import socket

import pytest

from harness import NO_BACK_OFF

# Hides /dev behind a file system of our own, with "$0/log" as /dev/log, and runs the rest of the
# arguments there.
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
exec "$@"
"""


@pytest.fixture
def listening(directory):
    """The socket that stands in for /dev/log, and the directory that it is in."""
    place = directory / "logs"
    place.mkdir(0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(place / "log"))
    listener.settimeout(30)
    yield listener, place
    listener.close()


def start(watchdog, place):
    wrapped = watchdog.command
    watchdog.command = lambda *options, flags=(): [
        "unshare", "--mount", "sh", "-c", IN_OWN_MOUNTS, str(place),
        *wrapped(*options, flags=flags)]
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    os.kill(watchdog.worker(), signal.SIGKILL)


def test_the_system_log_gets_the_lines(listening, watchdog):
    log, place = listening
    start(watchdog, place)
    while b"was ended by signal 9" not in (line := log.recv(65536)):
        pass
    assert f"osquery-watchdogd[{watchdog.process.pid}]: osqueryd worker (".encode() in line
    assert line.startswith(b"<28>")  # daemon.warning
    assert watchdog.stop() == 0
    assert "was ended by signal 9" in watchdog.log(), "and stderr, too"


def test_a_log_that_nobody_reads_holds_nothing_up(listening, watchdog):
    """Its buffer holds a few hundred lines: the rest is dropped, and the workers keep coming back."""
    _, place = listening
    start(watchdog, place)
    for _ in range(300):
        watchdog.process.send_signal(signal.SIGHUP)
    for _ in range(3):
        worker = watchdog.worker()
        os.kill(worker, signal.SIGKILL)
        watchdog.worker(other_than=worker)
    assert watchdog.stop() == 0
