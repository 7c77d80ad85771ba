"""What children write to stderr: passed on as it is, its end kept in the events, and nobody held up."""

import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

import pytest

from harness import MEBIBYTE, NO_BACK_OFF, PATIENCE, SMALL, alive, eventually

PYTHON = f"#!{sys.executable}\n"
# What a script needs to write to its stderr, wait for a file beside it, and say that it got so far.
TOOLS = PYTHON + """
import os, sys, time

def write(data):
    while data:
        data = data[os.write(2, data):]

def wait(name):
    while not os.path.exists(f"{sys.argv[0]}.{name}"):
        time.sleep(0.01)

def done(name="done"):
    open(f"{sys.argv[0]}.{name}", "w").close()

def stay():
    while True:
        time.sleep(1000)
"""


def worker(watchdog, script):
    """A worker that is this script; its path."""
    watchdog.osqueryd = watchdog.program("osqueryd", TOOLS + script)
    watchdog.flags(*NO_BACK_OFF)
    return watchdog.osqueryd


def extension(watchdog, name, script):
    path = watchdog.program(f"{name}.ext", script)
    with watchdog.autoload.open("a") as autoload:
        autoload.write(f"{path}\n")
    return path


def tell(path, name):
    """What wait() waits for."""
    pathlib.Path(f"{path}.{name}").touch()


def wait_told(path, name="done"):
    eventually(pathlib.Path(f"{path}.{name}").exists, f"{path} says {name}")


def first_exit(watchdog, name="worker"):
    """A script that is started again may find that it has to end at once."""
    watchdog.wait_event(f"event = 'process_exited' AND name = '{name}'")
    return watchdog.events(f"event = 'process_exited' AND name = '{name}'")[0]


def checks_go_on(watchdog, count=2):
    """Until so many more regular checks were made."""
    for _ in range(count):
        last = watchdog.status("worker")["last_check_time"]
        eventually(lambda: (row := watchdog.status("worker")) and row["last_check_time"] != last,
                   "another check")


# --- passed on as it is ---


LINES = b"".join(b"line %d \x1b[1m\xff\xfe\r\n" % n for n in range(3000))
BYTES = {
    "lines": LINES,
    "binary": bytes(range(256)) * 100 + b"\n",
    "long": b"x" * 300000 + b"\nshort\n" + b"y" * 65536 + b"\n" + b"z" * 65535 + b"\n",
    "unfinished": b"a\n\n\nb\0c\r\rd",
    "unfinished long": b"w" * 100000,
}


@pytest.mark.parametrize("sent", BYTES.values(), ids=BYTES.keys())
def test_bytes_are_passed_on_unchanged(stand_in, sent):
    path = worker(stand_in, f"""
wait("go")
write(open(sys.argv[0] + ".sent", "rb").read())
stay()
""")
    pathlib.Path(f"{path}.sent").write_bytes(sent)
    stand_in.start()
    eventually(lambda: b"started\n" in stand_in.log_path.read_bytes().split(b"worker")[-1],
               "our own lines are written")
    before = stand_in.log_path.read_bytes()
    tell(path, "go")
    eventually(lambda: len(stand_in.log_path.read_bytes()) >= len(before) + len(sent),
               "everything has come")
    # While it lives: also what has no end yet.
    assert stand_in.log_path.read_bytes() == before + sent


def test_a_burst_is_passed_on_as_a_whole(stand_in):
    """More than may wait for a stderr that takes nothing; this one takes everything."""
    path = worker(stand_in, """
wait("go")
write(b"".join(b"%06d of the burst\\n" % n for n in range(100000)))
stay()
""")
    stand_in.start()
    tell(path, "go")
    eventually(lambda: "099999 of the burst\n" in stand_in.log(), "the last line")
    lines = [line for line in stand_in.log().splitlines() if line.endswith("of the burst")]
    assert lines == [f"{n:06} of the burst" for n in range(100000)]


def test_the_rest_is_passed_on_when_we_stop(stand_in):
    worker(stand_in, """
import signal
def bye(*_):
    write(b"bye " * 10000 + b"and no line break")
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
done()
stay()
""")
    stand_in.start()
    wait_told(stand_in.osqueryd)
    assert stand_in.stop() == 0
    assert "bye " * 10000 + "and no line break" in stand_in.log()


def test_lines_of_two_processes_do_not_mix(stand_in):
    for letter in "ab":
        extension(stand_in, letter, TOOLS + f"""
for n in range(400):
    line = b"{letter}" * (n * 7 % 3000 + 1) + b"{letter.upper()}\\n"
    write(line[:n % len(line)])  # a line comes in two writes
    write(line[n % len(line):])
done()
stay()
""")
    stand_in.start()
    for letter in "ab":
        wait_told(stand_in.directory / f"{letter}.ext")

    def lines(letter):
        return [line for line in stand_in.log().splitlines() if line.endswith(letter.upper())]

    for letter in "ab":
        eventually(lambda: len(lines(letter)) >= 400, "all lines")
        assert [line for line in stand_in.log().splitlines() if set(line) == {letter, letter.upper()}
                or line == letter.upper()] == lines(letter)
        assert [len(line) for line in lines(letter)] == [n * 7 % 3000 + 2 for n in range(400)]


def same_file(watchdog, pid):
    return os.path.samestat(os.stat(f"/proc/{pid}/fd/2"), os.stat(watchdog.log_path))


def test_not_captured(stand_in):
    extension(stand_in, "last", LAST_WORDS)
    stand_in.start("--nocapture_output")
    assert same_file(stand_in, stand_in.worker())
    exited = first_exit(stand_in, "last.ext")
    assert exited["exit_code"] == 3 and exited["last_output"] is None
    assert "fatal: table 7 has no key" in stand_in.log()
    assert stand_in.stop() == 0


def test_captured(stand_in):
    stand_in.start()
    assert not same_file(stand_in, stand_in.worker())
    assert os.readlink(f"/proc/{stand_in.worker()}/fd/2").startswith("pipe:")


def test_at_a_terminal_a_child_has_the_terminal(stand_in):
    worker(stand_in, """
write(b"a terminal\\n" if os.isatty(2) else b"no terminal\\n")
stay()
""")
    leader, follower = pty.openpty()
    stand_in.popen = {"stderr": follower}
    stand_in.start()
    os.set_blocking(leader, False)
    shown = []

    def says():
        try:
            shown.append(os.read(leader, 4096))
        except BlockingIOError:
            pass
        return b"terminal\r\n" in b"".join(shown)

    eventually(says, "the worker says")
    assert b"a terminal\r\n" in b"".join(shown)
    assert stand_in.stop() == 0
    os.close(follower)
    os.close(leader)


@pytest.mark.parametrize("options, flags, at_terminal, says", [
    ((), (), False, "output: captured\n"),
    (("--nocapture_output",), (), False, "output: not captured  (--nocapture_output)\n"),
    ((), (), True, "output: not captured  (stderr is a terminal)\n"),
    ((), ("--daemonize",), True, "output: captured\n"),  # a daemon leaves the terminal
])
def test_check_says_whether_it_is_captured(stand_in, options, flags, at_terminal, says):
    leader, follower = pty.openpty()
    done = subprocess.run(stand_in.command("--check", *options, flags=flags), text=True,
                          stdout=subprocess.PIPE, timeout=PATIENCE,
                          stderr=follower if at_terminal else subprocess.DEVNULL)
    os.close(leader)
    os.close(follower)
    assert "\n" + says in done.stdout


# --- last words ---


LAST_WORDS = """#!/bin/sh
echo "ready" >&2
printf 'fatal: table 7 has no key' >&2
exit 3
"""
SAID = "ready\nfatal: table 7 has no key\n"


def test_an_exit_has_its_last_words(stand_in):
    extension(stand_in, "last", LAST_WORDS)
    stand_in.flags("--watchdog_level=-1")
    stand_in.start()
    exited = first_exit(stand_in, "last.ext")
    assert (exited["exit_code"], exited["last_output"]) == (3, SAID)


def test_giving_up_has_the_last_words(stand_in):
    stand_in.osqueryd = stand_in.program("osqueryd", LAST_WORDS)
    stand_in.flags("--watchdog_max_delay=0")
    stand_in.start(ready=False)
    assert stand_in.wait() == 1
    reached = stand_in.event("event = 'respawn_limit_reached'")
    assert reached["last_output"] == SAID


def test_a_failed_start_does_not_have_the_words_of_the_one_before(stand_in):
    path = extension(stand_in, "last", TOOLS + """
write(b"so far, so good\\n")
done()
wait("go")
sys.exit(3)
""")
    stand_in.flags("--watchdog_level=-1")
    stand_in.start()
    wait_told(path)
    path.write_text(f"#!{stand_in.directory}/no-interpreter\n")
    tell(path, "go")
    exited = first_exit(stand_in, "last.ext")
    assert exited["last_output"] == "so far, so good\n"
    failed = stand_in.wait_event("event = 'spawn_failed' AND name = 'last.ext'")
    assert failed["last_output"] is None


def test_a_limit_has_the_last_words(stand_in):
    extension(stand_in, "large", TOOLS + """
write(b"counting\\n" * 30 + b"one more row\\n")
rows = []
while True:
    rows.append(b"r" * (1 << 20))
    time.sleep(0.01)
""")
    stand_in.flags(*SMALL, "--enable_extensions_watchdog")
    stand_in.start()
    exceeded = stand_in.wait_event("event = 'limit_exceeded'")
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (exceeded["last_output"], ended["reason"]) == (None, "memory")
    assert ended["last_output"] == "counting\n" * 19 + "one more row\n"


def test_an_end_that_was_asked_for_has_none(stand_in):
    worker(stand_in, 'write(b"hello\\n")\ndone()\nstay()\n')
    stand_in.start()
    wait_told(stand_in.osqueryd)
    assert stand_in.stop() == 0
    ended = stand_in.event("event = 'process_terminated'")
    assert (ended["reason"], ended["last_output"]) == ("request", None)
    assert "hello\n" in stand_in.log()


def test_what_is_kept_is_visible(stand_in):
    worker(stand_in, r"""
write(b"\x1b[31mred\x1b[0m\nno UTF-8 \xff\0\n" + "größer\n".encode() + b"l" * 9000 + b"\nend")
wait("go")
os.kill(os.getpid(), 9)
""")
    stand_in.start()
    tell(stand_in.osqueryd, "go")
    exited = first_exit(stand_in)
    lines = exited["last_output"].split("\n")
    assert lines[-2:] == ["end", ""] and len(exited["last_output"].encode()) <= 4096
    assert all(set(line) <= {"l", "…"} for line in lines[:-2])


# --- a stderr that takes nothing ---


MANY = """
for n in range(100000):
    write(b"%06d and some more, to fill the pipe and the queue behind it\\n" % n)
done()
wait("go")
write(b"the last\\n")
sys.exit(4)
"""


def test_a_full_pipe_holds_up_nobody(stand_in):
    reader, writer = os.pipe()
    path = worker(stand_in, MANY)
    stand_in.popen = {"stderr": writer}
    stand_in.start()
    wait_told(path)
    checks_go_on(stand_in)
    os.set_blocking(reader, False)
    text = []

    def read():
        try:
            while True:
                text.append(os.read(reader, 1 << 16))
        except BlockingIOError:
            return b"".join(text).decode()

    eventually(lambda: "could not be passed on" in read(), "what was dropped is said")
    lines = read().splitlines()
    numbers = [int(line[:6]) for line in lines if line.endswith("behind it")]
    assert numbers == sorted(numbers) and len(numbers) < 100000
    told = next(line for line in lines if "could not be passed on" in line)
    dropped = int(told.split(": ")[1].split()[0])
    assert told.startswith("worker (") and dropped + len(numbers) == 100000
    tell(path, "go")
    exited = first_exit(stand_in)
    assert exited["last_output"].endswith("behind it\nthe last\n")
    eventually(lambda: "the last\n" in read(), "it takes lines again")
    assert stand_in.stop() == 0
    os.close(reader)
    os.close(writer)


def closed_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("stderr", [closed_reader, lambda: os.open("/dev/full", os.O_WRONLY)],
                         ids=["closed", "full"])
def test_a_stderr_that_fails_holds_up_nobody(stand_in, stderr):
    path = worker(stand_in, MANY)
    fd = stderr()
    stand_in.popen = {"stderr": fd}
    stand_in.start()
    os.close(fd)
    wait_told(path)
    tell(path, "go")
    exited = first_exit(stand_in)
    assert exited["exit_code"] == 4 and exited["last_output"].endswith("behind it\nthe last\n")
    assert stand_in.stop() == 0


def test_we_stop_in_time_over_a_full_pipe(stand_in):
    reader, writer = os.pipe()
    path = worker(stand_in, MANY)
    stand_in.popen = {"stderr": writer}
    stand_in.start()
    wait_told(path)
    begun = time.monotonic()
    assert stand_in.stop() == 0
    assert time.monotonic() - begun < 20
    os.close(reader)
    os.close(writer)


# --- a flood ---


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("line", [b"y\n", b"f" * 4000 + b"\n"], ids=["short", "long"])
def test_a_flood_is_on_the_account_of_who_writes_it(stand_in, line, monkeypatch):
    path = worker(stand_in, f"""
wait("go")
block = {line!r} * (65536 // {len(line)})
while not os.path.exists(sys.argv[0] + ".enough"):
    write(block)
write(b"the end\\n")
sys.exit(5)
""")
    # A sanitizer keeps what was freed, to notice that it is used.
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") +
                       ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
    stand_in.popen = {"stderr": os.open("/dev/null", os.O_WRONLY)}
    stand_in.start()
    os.close(stand_in.popen["stderr"])
    me = stand_in.process.pid
    checks_go_on(stand_in, 1)
    size, used, begun = resident(me), cpu_s(me), time.monotonic()
    tell(path, "go")
    checks_go_on(stand_in, 3)
    # 2 % of a CPU, and 200 ms at the start; what checks use is far less.
    assert cpu_s(me) - used < 0.2 + (time.monotonic() - begun) * 0.1
    assert resident(me) - size < 4 * MEBIBYTE
    tell(path, "enough")
    exited = first_exit(stand_in)
    assert exited["exit_code"] == 5 and exited["last_output"].endswith("\nthe end\n")


# --- outliving ---


def test_a_worker_that_outlives_us_does_not_die_of_it(stand_in):
    stand_in.osqueryd = stand_in.program("osqueryd", """#!/bin/sh
trap '' TERM
parent=$PPID
while kill -0 $parent 2>/dev/null; do sleep 0.05; done
echo "where have you gone?" >&2 && echo "I am still here" >&2 && : >"$0.done"
""")
    stand_in.start()
    pid = stand_in.worker()
    stand_in.process.send_signal(signal.SIGKILL)
    stand_in.process.wait()
    wait_told(stand_in.osqueryd)
    eventually(lambda: not alive(pid), "it ends")


# --- queries that have ended ---


@pytest.mark.parametrize("waits, name", [
    ("threading.Event().wait(1000)", None), ("threading.Event().wait()", "large"),
    ("stay()", "large")], ids=["ended", "waits for a lock", "goes on"])
def test_a_query_whose_thread_waits_for_work_is_over(stand_in, waits, name):
    worker(stand_in, f"""
import threading
def run():
    write(b"I1128 15:11:02.852525 %d scheduler.cpp:1] Executing scheduled query large: SELECT 1\\n"
          % threading.get_native_id())
    {waits}
threading.Thread(target=run, daemon=True).start()
stay()
""")
    stand_in.start()
    checks_go_on(stand_in, 3)  # two looks in a row
    os.kill(stand_in.worker(), signal.SIGKILL)
    exited = first_exit(stand_in)
    assert exited["query_name"] == name
