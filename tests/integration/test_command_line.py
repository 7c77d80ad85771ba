"""A command line that worked with osqueryd works behind `osquery-watchdogd --`."""

import os
import pathlib
import signal
import subprocess

import pytest

from harness import BUILD, MARK, PATIENCE, WATCHDOGD, Proc, alive, eventually, listing

# Records how it was called, copies its input, and exits as nothing of ours does.
ONCE = """#!/bin/sh
printf '%s\\n' "$@" >"$0.words"
cat /proc/$$/environ >"$0.environ"
cat
exit 7
"""


def run(command, **arguments):
    return subprocess.run(command, **{"capture_output": True, "text": True, "timeout": 30,
                                      "stdin": subprocess.DEVNULL, **arguments})


# --- what runs once, without a watchdog ---


@pytest.mark.parametrize("name, flags", [
    ("osqueryd", ("-S", "select 1")),
    ("osqueryd", ("--S", "--json")),
    ("osqueryd", ("--config_check",)),
    ("osqueryd", ("--config_dump",)),
    ("osqueryd", ("--database_dump",)),
    ("osqueryd", ("--version",)),
    ("osqueryd", ("--help",)),
    ("osqueryd", ("-h",)),
    ("osqueryi", ("select 1",)),
    ("osqueryi", ()),
])
def test_what_runs_once_is_only_executed(watchdog, name, flags):
    watchdog.osqueryd = watchdog.program(name, ONCE)
    words, environ = (pathlib.Path(f"{watchdog.osqueryd}{end}") for end in (".words", ".environ"))
    words.touch()
    environ.touch()
    before = listing(watchdog.directory)
    environment = {**os.environ, MARK: str(watchdog.directory), "NOTIFY_SOCKET": "/nowhere",
                   "OSQUERY_WORKER": "1"}
    command = watchdog.command(flags=flags)
    done = run(command, env=environment, input="some input", stdin=None)
    assert (done.returncode, done.stdout, done.stderr) == (7, "some input", "")
    given = environ.read_bytes().decode().split("\0")
    assert sorted(given[:-1]) == sorted(f"{name}={value}" for name, value in environment.items())
    behind = command[command.index("--") + 2:]
    assert words.read_text() == "".join(f"{word}\n" for word in behind)
    words.write_text("")
    environ.write_text("")
    assert listing(watchdog.directory) == before


def test_a_flagfile_may_say_that_it_runs_once(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", ONCE)
    watchdog.flags("--config_check")
    assert run(watchdog.command()).returncode == 7
    watchdog.osqueryd.write_text("#!/bin/sh\nexec sleep 1000\n")
    assert watchdog.start(flags=("--noconfig_check",)).worker()


def test_what_can_not_be_executed_once_is_named(watchdog):
    watchdog.osqueryd = watchdog.directory / "osqueryd"
    done = run(watchdog.command(flags=("--version",)))
    assert done.returncode == 1
    assert done.stderr == f"osquery-watchdogd: {watchdog.osqueryd}: No such file or directory\n"


def test_check_says_what_would_only_be_executed(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", ONCE)
    before = listing(watchdog.directory)
    done = run(watchdog.command("--check", flags=("-S",)))
    assert (done.returncode, done.stderr) == (0, "")
    assert (f"{watchdog.osqueryd} would be executed as it is, without a watchdog (argv: -S: "
            "osqueryd is a shell)") in done.stdout.splitlines()
    assert listing(watchdog.directory) == before


def test_a_flagfile_that_says_so_later_changes_nothing(watchdog):
    worker = watchdog.start().worker()
    watchdog.flags("--watchdog_memory_limit=300", "--config_check")
    watchdog.process.send_signal(signal.SIGHUP)
    eventually(lambda: f"reload: nothing is changed: {watchdog.flagfile}:2: --config_check" in
               watchdog.log().splitlines(), "the refusal")
    assert watchdog.worker() == worker
    assert not watchdog.events("event = 'settings_changed'")


# --- which program ---


def by_name(watchdog, name, path):
    """Starts by a name, and PATH."""
    watchdog.osqueryd = name
    watchdog.popen = {"env": {**os.environ, MARK: str(watchdog.directory), "PATH": path}}


def test_a_name_without_a_slash_is_found_through_path(watchdog):
    found = watchdog.directory / "bin" / "osqueryd"
    found.parent.mkdir()
    found.symlink_to(watchdog.osqueryd)
    by_name(watchdog, "osqueryd", f"/nowhere:{found.parent}")
    done = run(watchdog.command("--check"), **watchdog.popen)
    assert done.returncode == 0 and f"OSQUERYD={found}  (PATH)" in done.stdout.splitlines()
    worker = watchdog.start().worker()
    assert watchdog.status("worker")["path"] == str(found)
    # It blanks its other arguments.
    words = pathlib.Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")
    assert words[0] == b"osqueryd"


def test_a_relative_entry_of_path_is_the_working_directory_at_the_start(watchdog):
    found = watchdog.program("osqueryd", watchdog.osqueryd)
    by_name(watchdog, "osqueryd", ".")
    watchdog.popen["cwd"] = watchdog.directory
    watchdog.start(flags=("--daemonize",), ready=False)
    assert watchdog.wait() == 0
    worker = watchdog.worker()
    assert watchdog.status("worker")["path"] == str(found)
    watchdog.flags("--watchdog_level=-1")
    os.kill(worker, signal.SIGKILL)
    assert watchdog.worker(other_than=worker), "it is started from / as well"
    os.kill(int((watchdog.directory / "osqueryd.pidfile").read_text()), signal.SIGTERM)
    watchdog.wait_nothing_runs()


@pytest.mark.parametrize("mode, line", [
    (None, "osquery-watchdogd: osqueryd: no such program in PATH (a path to it has a slash)"),
    (0o777, "osquery-watchdogd: {path} is writable by others"),
])
def test_what_path_has_is_checked_like_a_path(watchdog, mode, line):
    path = watchdog.directory / "osqueryd"
    if mode:
        watchdog.program("osqueryd", ONCE).chmod(mode)
    by_name(watchdog, "osqueryd", str(watchdog.directory))
    for option in (), ("--check",):
        done = run(watchdog.command(*option), **watchdog.popen)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [line.format(path=path)]


def test_what_runs_once_is_found_through_path(watchdog):
    watchdog.program("osqueryd", ONCE)
    by_name(watchdog, "osqueryd", f"{watchdog.directory}:/usr/bin:/bin")
    assert run(watchdog.command(flags=("--version",)), **watchdog.popen).returncode == 7


# --- the name ---


def test_it_has_osqueryds_name(watchdog):
    pid = watchdog.start().process.pid
    pidfile = watchdog.directory / "osqueryd.pidfile"
    assert Proc(pid).comm == "osqueryd"
    for command in (["pidof", "osqueryd"], ["ps", "-C", "osqueryd", "-o", "pid="],
                    ["pgrep", "-x", "osqueryd"]):
        assert str(pid) in run(command).stdout.split(), command
    assert run(["start-stop-daemon", "--status", "--name", "osqueryd",
                "--pidfile", pidfile]).returncode == 0
    assert run(["ps", "-p", str(pid), "-o", "comm="]).stdout == "osqueryd\n"
    assert run(["ps", "-p", str(pid), "-o", "args="]).stdout.startswith("osqueryd watchdog ")


def test_where_the_command_line_has_no_room_only_the_kernels_name_changes(watchdog):
    command = watchdog.command
    watchdog.command = lambda *options, flags=(): ["wd", *command(*options, flags=flags)[1:]]
    watchdog.popen = {"executable": WATCHDOGD}
    pid = watchdog.start().process.pid
    assert Proc(pid).comm == "osqueryd"
    assert run(["ps", "-p", str(pid), "-o", "args="]).stdout.startswith("wd --state_dir=")


def test_its_options_are_still_read_again(watchdog):
    """They are for programs of the name that we had."""
    own = watchdog.directory / "own.flags"
    own.write_text("osquery-watchdogd\n--history_max=7\n")
    watchdog.start(f"--flagfile={own}")
    watchdog.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reload: nothing has changed" in watchdog.log(), "the reload")


@pytest.mark.parametrize("name", ["agentd", "osqueryd-of-a-long-name"])
def test_another_name_is_taken_as_well(watchdog, name):
    watchdog.osqueryd = watchdog.program(name, watchdog.osqueryd)
    first = watchdog.start(flags=("-D",)).process
    assert Proc(first.pid).comm == name[:15]
    watchdog.start(flags=("-D", "--force"))
    assert first.wait(10) == -signal.SIGKILL


def test_the_extension_does_not_take_it_for_osquerys_watcher(watchdog):
    """The extension is started by hand, and finds us behind the socket."""
    watchdog.start().query("SELECT 1")
    log = watchdog.directory / "extension.log"
    with log.open("ab") as stderr, subprocess.Popen(
            [BUILD / "bin" / "osquery-watchdog.ext", "--socket", watchdog.socket,
             f"--state_dir={watchdog.directory}/other", f"--runtime_dir={watchdog.directory}/other"],
            env={**os.environ, MARK: str(watchdog.directory)}, stderr=stderr) as extension:
        try:
            eventually(lambda: watchdog.try_query("SELECT 1 FROM watchdog_processes") is not None,
                       "it serves")
        finally:
            extension.terminate()
            assert extension.wait(PATIENCE) == 0
    assert "registered with" in log.read_text() and "observes" not in log.read_text()
    assert not (watchdog.directory / "other").exists()


# --- one daemon at a time ---


def pidfile_of(watchdog):
    return watchdog.directory / "osqueryd.pidfile"


def test_a_second_start_leaves_the_first_and_its_pidfile_alone(watchdog):
    first = watchdog.start()
    worker = first.worker()
    before = listing(pidfile_of(watchdog)), pidfile_of(watchdog).stat().st_ino
    for flag in "--nodaemonize", "--daemonize":
        done = run(watchdog.command(flags=(flag,)))
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            f"osquery-watchdogd: pidfile {pidfile_of(watchdog)}: locked by process "
            f"{first.process.pid}: osqueryd runs already (--force among its flags kills it)"]
    assert (listing(pidfile_of(watchdog)), pidfile_of(watchdog).stat().st_ino) == before
    assert watchdog.worker() == worker
    assert watchdog.stop() == 0
    assert not pidfile_of(watchdog).exists()


def test_force_takes_over_from_another(watchdog):
    first = watchdog.start().process
    old = watchdog.worker()
    watchdog.start(flags=("--force",))
    assert first.wait(10) == -signal.SIGKILL
    assert watchdog.worker(other_than=old)
    assert not alive(old)
    assert f"Killing osqueryd process: {first.pid}" in watchdog.log().splitlines()
    assert int(pidfile_of(watchdog).read_text()) == watchdog.process.pid
    watchdog.wait_event("event = 'watchdog_crashed'")
    assert watchdog.stop() == 0


def test_force_and_daemonize_twice(watchdog):
    pids = []
    for _ in range(2):
        done = run(watchdog.command(flags=("--daemonize", "--force")),
                   env={**os.environ, MARK: str(watchdog.directory)})
        assert done.returncode == 0, done.stderr
        pids.append(int(pidfile_of(watchdog).read_text()))
    assert pids[0] != pids[1] and not alive(pids[0]) and alive(pids[1])
    os.kill(pids[1], signal.SIGTERM)
    watchdog.wait_nothing_runs()
    assert not pidfile_of(watchdog).exists()


def test_the_daemon_lets_its_caller_go(watchdog):
    """run() waits for the ends of the pipes, too."""
    done = run(watchdog.command(flags=("--daemonize",)),
               env={**os.environ, MARK: str(watchdog.directory)})
    assert (done.returncode, done.stderr) == (0, "")
    daemon = int(pidfile_of(watchdog).read_text())
    for pid, count in (daemon, 3), (watchdog.worker(), 2):  # its stderr is a pipe of the daemon's
        assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(count)} == {"/dev/null"}
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    os.kill(daemon, signal.SIGTERM)
    watchdog.wait_nothing_runs()


def test_one_that_is_stopping_is_waited_for(watchdog):
    """An init script's restart."""
    for _ in range(5):
        first = watchdog.start().process
        first.send_signal(signal.SIGTERM)
        eventually(lambda: not pidfile_of(watchdog).exists(), "it has gone", interval=0)
        watchdog.start()
        assert first.wait(PATIENCE) == 0
        assert int(pidfile_of(watchdog).read_text()) == watchdog.process.pid
        assert watchdog.stop() == 0


def test_a_pidfile_that_is_another_daemons_by_now_stays(watchdog):
    watchdog.start()
    pidfile_of(watchdog).unlink()
    pidfile_of(watchdog).write_text("1234")
    assert watchdog.stop() == 0
    assert pidfile_of(watchdog).read_text() == "1234"


@pytest.mark.parametrize("exists", [True, False])
def test_a_symlinked_pidfile_is_followed(watchdog, exists):
    target = watchdog.directory / "elsewhere" / "pid"
    target.parent.mkdir()
    if exists:
        target.write_text("a pid that was longer")
    between = watchdog.directory / "between"
    between.symlink_to("elsewhere/pid")
    pidfile_of(watchdog).symlink_to(between)
    watchdog.start()
    assert target.read_text() == str(watchdog.process.pid)
    assert target.stat().st_mode & 0o777 == 0o600
    assert run(watchdog.command()).returncode == 1
    assert watchdog.stop() == 0
    assert not target.exists() and between.is_symlink() and pidfile_of(watchdog).is_symlink()
    assert watchdog.start().stop() == 0


def loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize("make, says", [
    (loop, "Too many levels of symbolic links"),
    (pathlib.Path.mkdir, "Is a directory"),
    (os.mkfifo, "is not a regular file"),
    (lambda path: path.symlink_to("/dev/null"), "is not a regular file"),
    (lambda path: path.symlink_to("missing/pid"), "No such file or directory"),
])
def test_a_pidfile_that_can_not_be_used_is_named(watchdog, make, says):
    make(pidfile_of(watchdog))
    done = run(watchdog.command())
    assert done.returncode == 1
    line, = done.stderr.splitlines()
    assert line.startswith("osquery-watchdogd: pidfile ") and says in line


# --- no files ---


def test_the_null_device_is_an_empty_file(watchdog):
    watchdog.start(flags=("--flagfile=/dev/null", "--extensions_autoload=/dev/null"))
    assert "/dev/null" not in watchdog.log()
