"""What only root can set up: other users, and files and directories that are theirs."""

import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import harness
from harness import MARK, NO_BACK_OFF, PATIENCE, Proc, alive, eventually, listing
from rules import check_history


@pytest.fixture(autouse=True)
def programs_within_reach(monkeypatch):
    """Another user may not be able to reach the build, below somebody's home."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="wd-programs-"))
    for folder in (harness.WATCHDOGD.parent, harness.STAND_IN):
        (place / folder.name).mkdir()
        for program in folder.iterdir():
            if program.is_file():
                shutil.copy(program, place / folder.name)
    place.chmod(0o755)
    monkeypatch.setattr(harness, "WATCHDOGD", place / "bin" / "osquery-watchdogd")
    monkeypatch.setattr(harness, "STAND_IN", place / harness.STAND_IN.name)
    if "OSQUERYD" not in os.environ:
        monkeypatch.setattr(harness, "OSQUERYD", harness.STAND_IN / "osqueryd")
    yield
    shutil.rmtree(place)


NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}


def give(*paths):
    """To the ordinary user, with everything below."""
    for path in paths:
        for each in [path, *path.rglob("*")]:
            os.chown(each, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)


def refused(watchdog, *own, flags=(), **popen):
    """Starts a watchdog that must refuse. Returns its line."""
    before = listing(watchdog.directory)
    done = subprocess.run(watchdog.command(*own, flags=flags), capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, MARK: str(watchdog.directory)},
                          **popen)
    assert done.returncode in (1, 2)
    assert re.fullmatch(r"osquery-watchdogd: [^\n]+\n", done.stderr), done.stderr
    assert not watchdog.running()
    assert listing(watchdog.directory) == before
    return done.stderr


# --- as an ordinary user ---


def test_works_as_an_ordinary_user(watchdog):
    watchdog.add_extension("one")
    watchdog.flags("--watchdog_max_delay=2", "--extensions_interval=1")
    give(watchdog.directory)
    watchdog.popen = AS_NOBODY
    old = watchdog.start().worker()
    extension = watchdog.registered("one")
    for pid in (watchdog.process.pid, old, extension):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:(\t65534){4}$", status, re.M)
    assert Proc(old).nice == Proc(os.getpid()).nice + 10
    os.kill(old, signal.SIGKILL)
    watchdog.worker(other_than=old)
    assert watchdog.stop() == 0
    assert not watchdog.running()

    for folder in (watchdog.state_dir, watchdog.runtime_dir):
        for path in [folder, *folder.iterdir()]:
            status = path.lstat()
            assert (status.st_uid, status.st_gid) == (NOBODY.pw_uid, NOBODY.pw_gid), path
            assert status.st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_what_cannot_be_ended_is_told_by_the_next_start(watchdog):
    """A worker that no signal of ours reaches, as it may be one that waits for its disk. As with
    stock osqueryd, the next worker has to see whether the database is free."""
    setpriv = watchdog.program("setpriv", pathlib.Path("/usr/bin/setpriv"))
    watchdog.osqueryd = watchdog.program(
        "osqueryd", f"#!/bin/sh\nexec {setpriv} --reuid=0 --regid=0 --clear-groups sleep 1000\n")
    watchdog.flags("--alarm_timeout=6", "--watchdog_forced_shutdown_delay=1")
    give(watchdog.directory)
    os.chown(setpriv, 0, 0)
    setpriv.chmod(0o4755)
    watchdog.popen = AS_NOBODY
    worker = watchdog.start().worker()
    eventually(lambda: Proc(worker).comm == "sleep", "it is another user's")
    second = None
    try:
        assert watchdog.stop() == 1 and alive(worker)
        second = watchdog.start(ready=False).worker(other_than=worker)
        assert "left behind can't be stopped" in watchdog.log() and alive(worker)
    finally:
        for pid in filter(None, (worker, second)):
            os.kill(pid, signal.SIGKILL)
    os.kill(watchdog.worker(other_than=second), signal.SIGKILL)
    assert watchdog.stop() in (0, 1)


def test_limits_are_enforced_as_an_ordinary_user(stand_in):
    stand_in.flags("--watchdog_delay=0", "--watchdog_memory_limit=30", "--misbehave=grow:200:55")
    give(stand_in.directory)
    stand_in.popen = AS_NOBODY
    stand_in.start("--memory_metric=private", "--grace_limit=0")
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["reason"], ended["outcome"]) == ("memory", "graceful")
    assert ended["measured"] > ended["limit_value"]


def runs_without(watchdog, path):
    """Whether it supervises, and tells once that @path can't be had."""
    watchdog.popen = AS_NOBODY
    watchdog.start(ready=False)
    eventually(watchdog.children, "the worker runs")
    lines = eventually(lambda: [line for line in watchdog.log().splitlines() if str(path) in line],
                       "it is told")
    assert len(lines) == 1 and "the store can't be written" in lines[0], lines
    assert watchdog.stop() == 0


@pytest.mark.parametrize("which", ["state_dir", "runtime_dir"])
@pytest.mark.parametrize("mode", [0o755, 0o500, 0o000])
def test_a_directory_that_the_user_cannot_write(watchdog, which, mode):
    for path in (watchdog.state_dir, watchdog.runtime_dir):
        path.mkdir(0o700)
    give(watchdog.directory)
    path = getattr(watchdog, which)
    path.chmod(mode)
    if mode == 0o755:
        os.chown(path, 0, 0)
    runs_without(watchdog, path)


def test_a_directory_that_the_user_cannot_create(watchdog):
    give(watchdog.directory)
    watchdog.state_dir = watchdog.directory / "roots" / "state"
    watchdog.state_dir.parent.mkdir(0o755)
    runs_without(watchdog, watchdog.state_dir)


@pytest.mark.parametrize("whose", ["own", "osqueryd"])
def test_a_flagfile_that_the_user_cannot_read(watchdog, whose):
    give(watchdog.directory)
    path = watchdog.directory / "secret.flags"
    path.write_text("--verbose\n")
    path.chmod(0o600)
    flag = f"--flagfile={path}"
    line = refused(watchdog, *([flag] if whose == "own" else []),
                   flags=[flag] if whose == "osqueryd" else [], **AS_NOBODY)
    assert str(path) in line and "Permission denied" in line


def test_extensions_load_that_the_user_cannot_read(watchdog):
    watchdog.add_extension("one")
    give(watchdog.directory)
    os.chown(watchdog.autoload, 0, 0)
    watchdog.autoload.chmod(0o600)
    watchdog.popen = AS_NOBODY
    watchdog.start()
    complaints = [line for line in watchdog.log().splitlines() if str(watchdog.autoload) in line]
    assert len(complaints) == 1 and "Permission denied" in complaints[0]
    assert watchdog.status("one.ext") is None
    assert watchdog.stop() == 0


def test_a_watchdog_of_another_user_is_not_disturbed(watchdog):
    """What root runs in a directory stays root's."""
    watchdog.directory.chmod(0o755)
    worker = watchdog.start().worker()
    done = subprocess.run(watchdog.command(), capture_output=True, text=True, timeout=PATIENCE,
                          **AS_NOBODY)
    assert done.returncode == 1 and "osqueryd.pidfile" in done.stderr, done.stderr
    assert alive(worker) and watchdog.stop() == 0


# --- as root, with files of others ---


def test_an_osqueryd_of_another_user_is_refused(watchdog):
    path = watchdog.program("osqueryd", harness.STAND_IN / "osqueryd")
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    watchdog.osqueryd = path
    line = refused(watchdog)
    assert f"{path} is owned by neither root nor the current user" in line


def test_a_link_does_not_change_who_owns_the_program(watchdog):
    program = watchdog.program("program", harness.STAND_IN / "osqueryd")
    os.chown(program, NOBODY.pw_uid, NOBODY.pw_gid)
    watchdog.osqueryd = watchdog.directory / "osqueryd"
    watchdog.osqueryd.symlink_to(program)
    assert "is owned by neither root nor the current user" in refused(watchdog)


def test_an_extension_of_another_user_is_refused(watchdog):
    theirs = watchdog.add_extension("theirs")
    watchdog.add_extension("ours")
    os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
    watchdog.start()
    watchdog.registered("ours")
    lines = [line for line in watchdog.log().splitlines() if str(theirs) in line]
    assert len(lines) == 1 and "is owned by neither root nor the current user" in lines[0]
    assert watchdog.status("theirs.ext") is None


@pytest.mark.parametrize("which", ["state_dir", "runtime_dir"])
def test_a_directory_of_another_user_is_left_alone(watchdog, which):
    path = getattr(watchdog, which)
    path.mkdir(0o700)
    give(path)
    watchdog.start(ready=which == "state_dir")
    eventually(lambda: f"{path}: is owned by another user" in watchdog.log(), "it is told")
    eventually(watchdog.children, "the worker runs")
    assert not os.listdir(path)
    os.chown(path, 0, 0)
    watchdog.wait_event("event = 'process_started'")
    watchdog.worker()
    assert watchdog.stop() == 0


def test_a_pidfile_that_another_user_links_is_refused(watchdog):
    for path in (watchdog.state_dir, watchdog.runtime_dir):
        path.mkdir(0o700)
    target = watchdog.directory / "precious"
    target.write_text("kept")
    link = watchdog.directory / "osqueryd.pidfile"
    link.symlink_to(target)
    os.chown(link, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
    assert f"{link}: a symbolic link that user {NOBODY.pw_uid} made" in refused(watchdog)
    assert target.read_text() == "kept"


def test_roots_link_is_followed_for_an_ordinary_user(watchdog):
    give(watchdog.directory)
    link = watchdog.directory / "osqueryd.pidfile"
    link.symlink_to("elsewhere.pid")
    watchdog.popen = AS_NOBODY
    watchdog.start()
    assert (watchdog.directory / "elsewhere.pid").read_text() == str(watchdog.process.pid)
    assert watchdog.stop() == 0
    assert link.is_symlink()


def test_roots_programs_are_good_for_an_ordinary_user(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", harness.STAND_IN / "osqueryd")
    give(watchdog.directory)
    os.chown(watchdog.osqueryd, 0, 0)
    watchdog.popen = AS_NOBODY
    watchdog.start()
    assert watchdog.stop() == 0


def test_a_directory_that_becomes_read_only(watchdog):
    """Not even a file that somebody removes there can be begun anew; later it is."""
    watchdog.flags(*NO_BACK_OFF)
    give(watchdog.directory)
    watchdog.popen = AS_NOBODY
    watchdog.start()
    old = watchdog.wait_event("event = 'process_started'")["pid"]
    watchdog.state_dir.chmod(0o500)
    for name in ("history.db", "history.db-wal", "history.db-shm"):
        (watchdog.state_dir / name).unlink()
    for _ in range(5):
        os.kill(old, signal.SIGKILL)
        old = watchdog.worker(other_than=old)
    eventually(lambda: "Permission denied" in watchdog.log(), "the trouble is told")
    assert not watchdog.events()
    watchdog.state_dir.chmod(0o700)
    watchdog.wait_event("event = 'history_recovered'")
    watchdog.wait_event("event = 'process_exited'", count=5)
    assert watchdog.stop() == 0
    check_history(watchdog.events())
