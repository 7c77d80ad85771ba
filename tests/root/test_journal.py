"""The journal's fields, as a journal receives them: one of our own, in a mount namespace where /run is
ours alone."""

import json
import os
import shutil
import subprocess
import sys

from harness import MARK, PATIENCE

# Runs the command of its arguments with the journal as its stderr, until a datagram with the field and
# the value of the first two came; prints the datagrams, a JSON object of names and values a line.
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
        found[name.decode()] = value.decode(errors="backslashreplace")
    return found

subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
journal.settimeout(float(sys.argv[3]))
with open("/run/stderr", "w") as stderr:
    status = os.fstat(stderr.fileno())
    stream = f"{status.st_dev}:{status.st_ino}"
    watchdog = subprocess.Popen(sys.argv[4:], stderr=stderr,
                                env={**os.environ, "JOURNAL_STREAM": stream})
try:
    while True:
        found = fields(journal.recv(1 << 17))
        print(json.dumps(found), flush=True)
        if found.get(sys.argv[1]) == sys.argv[2]:
            break
finally:
    watchdog.terminate()
    watchdog.wait()
    if os.path.getsize("/run/stderr") > 0:
        sys.exit("stderr was written, too: " + open("/run/stderr").read())
"""


def received(watchdog, field, value):
    """What the journal received until @field was @value."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", JOURNAL, field, value,
         str(PATIENCE), *watchdog.command(flags=("--disable_extensions",))],
        capture_output=True, text=True, timeout=2 * PATIENCE,
        env={**os.environ, MARK: str(watchdog.directory)})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_events_reach_the_journal_with_fields(stand_in):
    folder = stand_in.directory / "two\nlines"  # a value that needs its length told
    folder.mkdir()
    stand_in.osqueryd = shutil.copy(stand_in.osqueryd, folder)
    events = received(stand_in, "OSQUERY_WATCHDOG_EVENT", "process_started")
    assert [event["OSQUERY_WATCHDOG_EVENT"] for event in events] == ["watchdog_started",
                                                                    "process_started"]
    started = events[-1]
    assert started["MESSAGE"] == f"osqueryd worker ({started['OSQUERY_WATCHDOG_PID']}) started"
    assert started["MESSAGE_ID"] == "6a97c96144564c86953a45e53ffd9194"
    assert started["PRIORITY"] == "6"
    assert started["SYSLOG_IDENTIFIER"] == "osquery-watchdogd"
    assert started["OSQUERY_WATCHDOG_ROLE"] == "worker"
    assert started["OSQUERY_WATCHDOG_PATH"] == str(stand_in.osqueryd)


# Writes lines of all kinds, some in two parts, and more than the journal's socket holds at once.
WRITES = f"""#!{sys.executable}
import os
os.write(2, b"I1128 15:11:02.852525 25754 init.cpp:1] begins\\n")
os.write(2, b"W1128 15:11:02.852525 25754 init.cpp:1] be")
os.write(2, b"ware\\nE1128 15:11:02.852525 25754 init.cpp:1] an error\\n")
os.write(2, b"F1128 15:11:02.852525 25754 init.cpp:1] the end\\nplain = text\\n\\xff\\0\\n")
os.write(2, b"l" * 70000 + b"\\n")
for n in range(1000):
    os.write(2, b"%d\\n" % n)
os.write(2, b"last, without a line break")
os.kill(os.getpid(), 9)
"""


def test_lines_of_children_reach_the_journal_as_theirs(stand_in):
    stand_in.osqueryd = stand_in.program("osqueryd", WRITES)
    entries = received(stand_in, "MESSAGE", "last, without a line break")
    pid = next(entry["OSQUERY_WATCHDOG_PID"] for entry in entries
               if entry.get("OSQUERY_WATCHDOG_EVENT") == "process_started")
    lines = [entry for entry in entries if "OBJECT_PID" in entry]
    identity = {"SYSLOG_IDENTIFIER": "osqueryd", "SYSLOG_PID": pid, "OBJECT_PID": pid,
                "OSQUERY_WATCHDOG_NAME": "worker", "OSQUERY_WATCHDOG_ROLE": "worker"}
    glog = "1128 15:11:02.852525 25754 init.cpp:1] "
    expected = [("6", f"I{glog}begins"), ("4", f"W{glog}beware"), ("3", f"E{glog}an error"),
                ("2", f"F{glog}the end"), ("6", "plain = text"), ("6", "\\xff\0"), ("6", "l" * 65536),
                *(("6", str(n)) for n in range(1000)), ("6", "last, without a line break")]
    assert lines == [identity | {"PRIORITY": priority, "MESSAGE": message}
                     for priority, message in expected]
