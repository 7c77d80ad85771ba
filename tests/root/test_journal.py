"""The journal's fields, as a journal receives them: one of our own, in a mount namespace where /run is
ours alone."""

import json
import os
import shutil
import subprocess
import sys

from harness import MARK, PATIENCE

# Runs the command of its arguments with the journal as its stderr, until the worker has started;
# prints the datagrams, a JSON object of names and values a line.
JOURNAL = r"""
import json, os, socket, subprocess, sys

def fields(datagram):
    found = {}
    while datagram:
        name, datagram = datagram.split(b"\n", 1)
        if b"=" in name:
            name, value = name.split(b"=", 1)
        else:
            size = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        found[name.decode()] = value.decode()
    return found

subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
journal.settimeout(float(sys.argv[1]))
with open("/run/stderr", "w") as stderr:
    status = os.fstat(stderr.fileno())
    stream = f"{status.st_dev}:{status.st_ino}"
    watchdog = subprocess.Popen(sys.argv[2:], stderr=stderr,
                                env={**os.environ, "JOURNAL_STREAM": stream})
try:
    while True:
        found = fields(journal.recv(1 << 16))
        print(json.dumps(found), flush=True)
        if found.get("OSQUERY_WATCHDOG_EVENT") == "process_started":
            break
finally:
    watchdog.terminate()
    watchdog.wait()
    if os.path.getsize("/run/stderr") > 0:
        sys.exit("stderr was written, too: " + open("/run/stderr").read())
"""


def test_events_reach_the_journal_with_fields(stand_in):
    folder = stand_in.directory / "two\nlines"  # a value that needs its length told
    folder.mkdir()
    stand_in.osqueryd = shutil.copy(stand_in.osqueryd, folder)
    command = stand_in.command(flags=("--disable_extensions",))
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", JOURNAL,
         str(PATIENCE), *command],
        capture_output=True, text=True, timeout=2 * PATIENCE,
        env={**os.environ, MARK: str(stand_in.directory)})
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["OSQUERY_WATCHDOG_EVENT"] for event in events] == ["watchdog_started",
                                                                    "process_started"]
    started = events[-1]
    assert started["MESSAGE"] == f"osqueryd worker ({started['OSQUERY_WATCHDOG_PID']}) started"
    assert started["MESSAGE_ID"] == "6a97c96144564c86953a45e53ffd9194"
    assert started["PRIORITY"] == "6"
    assert started["SYSLOG_IDENTIFIER"] == "osquery-watchdogd"
    assert started["OSQUERY_WATCHDOG_ROLE"] == "worker"
    assert started["OSQUERY_WATCHDOG_PATH"] == str(stand_in.osqueryd)
