"""A child starts as if nobody but its user had started it: what the watchdog has is not for it."""

import os
import pathlib
import signal
import socket
import subprocess
import uuid

import pytest

from harness import Proc, all_processes, environment, eventually, signals

SHELL = pathlib.Path("/bin/sh")
WAIT = "while :; do sleep 1000; done"


def start_shell(watchdog, flags=(), as_path=None, **popen):
    """With a worker that changes nothing about itself, so that its /proc shows what it was started
    with. Returns its pid."""
    path = watchdog.program("osqueryd", SHELL.resolve())
    watchdog.osqueryd = as_path or path
    watchdog.popen = popen
    usual = watchdog.command

    def with_script(*options, flags=()):
        words = usual(*options, flags=flags)
        at = words.index("--") + 2
        return words[:at] + ["-c", WAIT] + words[at:]

    watchdog.command = with_script
    return waiting(watchdog.start(flags=flags).worker())


def waiting(pid):
    """@pid, a shell, once it waits for its child: before, it opens its script, and blocks all signals
    for a moment while it forks."""
    def waits():
        return any(proc.ppid == pid for proc in all_processes()) and Proc(pid).state == "S"

    eventually(waits, "the shell waits for its child")
    return pid


def descriptors(pid):
    opened = {}
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            opened[int(fd.name)] = os.readlink(fd)
        except FileNotFoundError:
            pass  # closed meanwhile
    return opened


# --- signals ---


def a_strange_parent():
    """Ignores and blocks what it can; an exec keeps both."""
    for signo in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM,
                  signal.SIGINT):
        signal.signal(signo, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
                                              signal.SIGTERM, signal.SIGCHLD])


@pytest.mark.parametrize("parent", [None, a_strange_parent], ids=["usual parent", "strange parent"])
def test_signals_are_as_at_login(stand_in, parent):
    stand_in.flags("--watchdog_max_delay=0", "--watchdog_level=-1")
    worker = start_shell(stand_in, preexec_fn=parent, restore_signals=parent is None)
    assert signals(worker, "SigBlk") == set() and signals(worker, "SigIgn") == set()
    # The watchdog itself works as ever.
    os.kill(worker, signal.SIGKILL)
    stand_in.worker(other_than=worker)
    assert stand_in.stop() == 0


def waiting_extension(watchdog, **options):
    """A shell as an extension; its pid."""
    watchdog.program("shell.ext", "#!/bin/sh\nsleep 1000 & wait\n")
    watchdog.autoload.write_text(f"{watchdog.directory}/shell.ext\n")
    watchdog.start(**options)
    return waiting(watchdog.pid("shell.ext"))


def test_an_extension_has_default_signals_too(stand_in):
    extension = waiting_extension(stand_in)
    assert signals(extension, "SigBlk") == set() and signals(extension, "SigIgn") == set()


# --- descriptors ---


def test_no_descriptor_is_inherited(stand_in):
    stand_in.program("shell.ext", f"#!/bin/sh\n{WAIT}\n")
    stand_in.autoload.write_text(f"{stand_in.directory}/shell.ext\n")
    reader, writer = os.pipe()
    ours, theirs = socket.socketpair()
    high = os.dup2(reader, 900)
    # The stand-in opens descriptors of its own; a shell none but that of its script.
    start_shell(stand_in, pass_fds=[reader, writer, theirs.fileno(), high])
    worker = stand_in.worker()
    log = os.path.realpath(stand_in.log_path)
    opened = descriptors(worker)
    assert opened.pop(2).startswith("pipe:") and opened == {0: "/dev/null", 1: log}
    for fd in (reader, writer, high):
        os.close(fd)
    ours.close()
    theirs.close()


def test_an_extension_inherits_no_descriptor(stand_in):
    reader, writer = os.pipe()
    stand_in.popen = {"pass_fds": [reader, writer]}
    pid = waiting_extension(stand_in)
    log = os.path.realpath(stand_in.log_path)
    script = str(stand_in.directory / "shell.ext")
    opened = descriptors(pid)
    assert opened.pop(2).startswith("pipe:")
    assert set(opened.values()) == {"/dev/null", log, script}
    os.close(reader)
    os.close(writer)


def test_the_channel_is_for_the_tables_extension_alone(stand_in, monkeypatch):
    monkeypatch.setenv("OSQUERY_WATCHDOG_FD", "7")  # nor is somebody else's handed on
    other = waiting_extension(stand_in, tables=True)
    tables = stand_in.pid("osquery-watchdog.ext")
    told = environment(tables)["OSQUERY_WATCHDOG_FD"]
    assert descriptors(tables)[int(told)].startswith("socket:")
    for pid in (stand_in.worker(), other):
        assert "OSQUERY_WATCHDOG_FD" not in environment(pid)
        assert descriptors(tables)[int(told)] not in descriptors(pid).values()
    os.kill(tables, signal.SIGKILL)
    again = stand_in.pid("osquery-watchdog.ext", other_than=tables)
    stand_in.wait_tables()
    # One for each start, and none left behind.
    eventually(lambda: sum(fd.startswith("socket:") for fd in descriptors(again).values()) <= 3,
               "a few sockets")
    assert stand_in.stop() == 0


def test_closed_standard_streams(stand_in):
    """Whatever is opened first must not become a standard stream."""
    worker = start_shell(stand_in, preexec_fn=lambda: os.closerange(0, 3), stdin=None, stdout=None,
                         stderr=None)
    for pid, ours in ((stand_in.process.pid, 3), (worker, 2)):  # a child's stderr is a pipe
        opened = descriptors(pid)
        assert [opened.get(fd) for fd in range(ours)] == ["/dev/null"] * ours, opened
    assert stand_in.stop() == 0
    assert (stand_in.state_dir / "lock").read_bytes() == b""


def test_a_child_does_not_read_what_we_are_given(stand_in):
    reader, writer = os.pipe()
    os.write(writer, b"precious\n")
    stand_in.osqueryd = stand_in.program(
        "osqueryd", f"#!/bin/sh\nread line; echo \"$line\" >\"$0.read\"\n{WAIT}\n")
    stand_in.popen = {"stdin": reader}
    stand_in.start()
    read = stand_in.directory / "osqueryd.read"
    eventually(lambda: read.exists() and read.read_text(), "it has read")
    assert read.read_text() == "\n"
    os.close(reader)
    os.close(writer)


# --- process group, niceness, limits of the kernel ---


@pytest.mark.parametrize("level, nice", [(0, 10), (1, 10), (-1, 0)])
def test_process_group_and_niceness(stand_in, level, nice):
    stand_in.add_extension("one")
    stand_in.flags(f"--watchdog_level={level}")
    stand_in.start()
    stand_in.registered("one")
    me = Proc(stand_in.process.pid)
    for pid in (stand_in.worker(), stand_in.pid("one.ext")):
        child = Proc(pid)
        assert child.pgrp == pid and child.session == me.session and child.ppid == me.pid
        assert child.nice == min(me.nice + nice, 19)
        # osquery means to set the idle class, and fails.
        io_class = subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True)
        assert io_class.returncode == 0 and not io_class.stdout.startswith("idle"), io_class
    assert me.nice == Proc(os.getpid()).nice


# --- environment and arguments ---


def test_environment(stand_in):
    private = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1",
               "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x", "OSQUERY_WORKER": "1",
               "OSQUERY_EXTENSION": "1", "OSQUERY_EXTENSIONS": "false",
               "OSQUERY_WATCHDOG_RUN": "another"}
    kept = {"OF_THE_USER": "kept = as it is", "EMPTY": "", "OSQUERY_WORKERS": "2",
            "LISTEN_FDS_": "3"}
    os.environ.update(private | kept)
    try:
        stand_in.add_extension("one")
        stand_in.start()
        stand_in.registered("one")
    finally:
        for name in private | kept:
            del os.environ[name]
    worker, extension = stand_in.worker(), stand_in.pid("one.ext")
    # Of ours nothing but what is told; theirs is what osquery's contract says.
    expected = environment(stand_in.process.pid)
    for name in private:
        del expected[name]
    assert kept.items() <= expected.items()
    # What the run is known by to the next one, and to nobody who asks for its events.
    record = (stand_in.runtime_dir / "processes").read_text()
    expected["OSQUERY_WATCHDOG_RUN"] = mark = record.split()[1]
    assert uuid.UUID(mark) and mark != stand_in.event("event = 'watchdog_started'")["run_id"]
    assert environment(worker) == expected | {"OSQUERY_WORKER": str(worker),
                                              "OSQUERY_EXTENSIONS": "true"}
    assert environment(extension) == expected | {"OSQUERY_EXTENSION": str(extension),
                                                  "OSQUERY_EXTENSIONS": "true"}


def test_environment_without_extensions(stand_in):
    worker = start_shell(stand_in)
    shown = environment(worker)
    assert shown["OSQUERY_WORKER"] == str(worker) and "OSQUERY_EXTENSIONS" not in shown


def test_the_environment_is_right_after_a_restart(stand_in):
    stand_in.flags("--watchdog_max_delay=0")
    old = start_shell(stand_in)
    os.kill(old, signal.SIGKILL)
    new = stand_in.worker(other_than=old)
    assert environment(new)["OSQUERY_WORKER"] == str(new)


def test_argv_of_the_worker_is_unchanged(stand_in):
    strange = ["", "two words", "ü ∅ ☃", "--", "-", "--flagfile", str(stand_in.flagfile),
               "a=b", "new\nline", "--watchdog_memory_limit", "77", "--noverbose"]
    worker = start_shell(stand_in, flags=strange)
    words = stand_in.command(flags=strange)
    sent = words[words.index("--") + 1:]
    assert sent[1:3] == ["-c", WAIT] and sent[-len(strange):] == strange
    shown = pathlib.Path(f"/proc/{worker}/cmdline").read_bytes().decode().split("\0")[:-1]
    assert shown == sent


def test_a_relative_path_is_meant_from_where_it_was_started(stand_in):
    worker = start_shell(stand_in, as_path="./osqueryd", cwd=stand_in.directory)
    assert os.readlink(f"/proc/{worker}/exe") == str(stand_in.directory / "osqueryd")
    shown = pathlib.Path(f"/proc/{worker}/cmdline").read_bytes().decode().split("\0")
    assert shown[0] == "./osqueryd"
    assert os.readlink(f"/proc/{worker}/cwd") == str(stand_in.directory)


def test_arguments_of_an_extension(stand_in):
    path = stand_in.add_extension("one")
    stand_in.flags("--extensions_timeout=7", "--extensions_interval=2", "--verbose")
    stand_in.start()
    stand_in.registered("one")
    shown = pathlib.Path(f"/proc/{stand_in.pid('one.ext')}/cmdline").read_bytes().decode()
    assert shown.split("\0")[:-1] == [str(path), "--verbose", "--socket", str(stand_in.socket),
                                      "--timeout", "7", "--interval", "2"]
