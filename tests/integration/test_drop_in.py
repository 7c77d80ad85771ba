"""What osqueryd's own watcher does besides watching, done in its place."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from harness import NO_BACK_OFF, WATCHDOGD, Proc, alive, eventually, listing

# A worker that is nothing but a process, to have its environment looked at.
SLEEPER = "#!/bin/sh\nexec sleep 1000\n"


# --- --check ---


def check(watchdog, *options, flags=()):
    return subprocess.run([*watchdog.command("--check", *options, flags=flags)],
                          capture_output=True, text=True, timeout=30)


def test_check_tells_every_setting_and_its_source_and_touches_nothing(watchdog):
    watchdog.flags("# limits", "--watchdog_memory_limit=350", "--watchdog_level=1")
    before = listing(watchdog.directory)
    done = check(watchdog, "--dry_run", flags=("--watchdog_delay=7",))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "--dry_run=true  (argv)" in lines
    assert "--watchdog_delay=7  (argv)" in lines
    assert f"--watchdog_memory_limit=350  ({watchdog.flagfile}:2)" in lines
    assert "--watchdog_utilization_limit=5  (level restrictive)" in lines
    assert "--watchdog_max_delay=600  (default)" in lines
    assert listing(watchdog.directory) == before




def test_check_refuses_what_could_not_be_started(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", SLEEPER)
    watchdog.osqueryd.chmod(0o777)
    done = check(watchdog)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"osquery-watchdogd: {watchdog.osqueryd} is writable by others"]


# --- pidfile ---


def test_the_pidfile_names_us_and_goes_with_us(watchdog):
    watchdog.start()
    pidfile = watchdog.directory / "osqueryd.pidfile"
    assert int(pidfile.read_text()) == watchdog.process.pid
    assert pidfile.stat().st_mode & 0o777 == 0o600
    assert watchdog.stop() == 0
    assert not pidfile.exists()


def locked_by(path, name):
    """A process called @name that holds the pidfile's lock, as osqueryd's watcher does."""
    program = path.parent / name
    program.write_text("#!/usr/bin/python3\n"
                       "import fcntl, os, sys, time\n"
                       f"open('/proc/self/comm', 'w').write({name!r})\n"
                       "f = open(sys.argv[1], 'w')\n"
                       "fcntl.flock(f, fcntl.LOCK_EX)\n"
                       "f.write(str(os.getpid()))\n"
                       "f.flush()\n"
                       "print('locked', flush=True)\n"
                       "time.sleep(1000)\n")
    program.chmod(0o755)
    owner = subprocess.Popen([program, path], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "locked\n"
    return owner


@pytest.mark.parametrize("name, force, starts", [
    ("osqueryd", False, False),
    ("osqueryd", True, True),
    ("osquery-watchdo", True, True),
    ("something", True, False),
])
def test_a_pidfile_that_is_locked(watchdog, name, force, starts):
    owner = locked_by(watchdog.directory / "osqueryd.pidfile", name)
    try:
        watchdog.start(flags=("--force",) if force else (), ready=starts)
        if starts:
            assert owner.wait(10) == -signal.SIGKILL
        else:
            assert watchdog.wait() == 1
            assert owner.poll() is None
            lines = watchdog.log().splitlines()
            assert len(lines) == 1 and "osqueryd.pidfile: locked" in lines[0], lines
    finally:
        owner.kill()
        owner.wait()


def test_ephemeral_takes_no_pidfile(watchdog):
    watchdog.start(flags=("--ephemeral",))
    assert not (watchdog.directory / "osqueryd.pidfile").exists()


# --- daemonize ---


def test_daemonize(watchdog):
    watchdog.start(flags=("--daemonize",), ready=False)
    assert watchdog.wait() == 0
    pidfile = watchdog.directory / "osqueryd.pidfile"
    worker = watchdog.worker()
    daemon = int(pidfile.read_text())
    assert os.getsid(daemon) == os.getpgid(daemon) != os.getsid(0)
    second = subprocess.run(watchdog.command(), capture_output=True, text=True, timeout=30)
    assert second.returncode == 1 and "locked" in second.stderr, "the daemon holds the pidfile"
    os.kill(daemon, signal.SIGTERM)
    watchdog.wait_nothing_runs()
    assert not alive(worker)


def test_daemonize_is_refused_under_a_service_manager(watchdog):
    watchdog.popen = {"env": {**os.environ, "NOTIFY_SOCKET": str(watchdog.directory / "notify")}}
    done = subprocess.run(watchdog.command(flags=("--daemonize",)), capture_output=True, text=True,
                          timeout=30, **watchdog.popen)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "--daemonize" in done.stderr


# --- the service manager ---


def test_the_service_manager_is_told(watchdog):
    path = str(watchdog.directory / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(30)
    told = []

    def hear_until(line):
        while not any(line in message.split("\n") for message in told):
            told.append(manager.recv(4096).decode())

    environment = {**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000",
                   "WATCHDOG_TEST_DIRECTORY": str(watchdog.directory)}
    with watchdog.log_path.open("ab") as log:
        watchdog.process = subprocess.Popen(watchdog.command("--notables"), env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    hear_until("READY=1")
    assert watchdog.worker(), "ready before the worker runs"
    assert [message for message in told if message.startswith("STATUS=") or "STATUS=" in message]
    hear_until("WATCHDOG=1")
    watchdog.process.send_signal(signal.SIGTERM)
    hear_until("STOPPING=1")
    assert watchdog.wait() == 0
    manager.close()


# --- the children's oom score, and ours ---


def test_strays_are_ended_with_the_child_that_left_them(watchdog):
    """A descendant that left the process group and the session is inherited, and ended."""
    mark = watchdog.directory / "stray"
    watchdog.osqueryd = watchdog.program(
        "osqueryd", f"#!/bin/sh\nsetsid sh -c 'echo $$ > {mark}; exec sleep 1000' &\n"
                    "exec sleep 1000\n")
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    stray = int(eventually(lambda: mark.exists() and mark.read_text(), "the stray"))
    os.kill(watchdog.worker(), signal.SIGKILL)
    eventually(lambda: not alive(stray), "the stray's end")


def test_what_strays_started_does_not_outlive_us_either(watchdog):
    """It becomes ours only when the stray goes, which is after everything supervised has gone."""
    marks = [watchdog.directory / name for name in ("inner", "outer")]
    watchdog.osqueryd = watchdog.program(
        "osqueryd", "#!/bin/sh\n"
                    f"setsid sh -c 'setsid sh -c \"echo \\$\\$ > {marks[0]}; exec sleep 1000\" & "
                    f"echo $$ > {marks[1]}; exec sleep 1000' &\nexec sleep 1000\n")
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    strays = [int(eventually(lambda: mark.exists() and mark.read_text(), mark.name))
              for mark in marks]
    assert watchdog.stop() == 0
    assert not any(alive(stray) for stray in strays)


def test_each_stray_counts_once(watchdog):
    """However often they are looked for while they die, more than are reaped at once."""
    mark = watchdog.directory / "strays"
    watchdog.osqueryd = watchdog.program(
        "osqueryd", f"#!/bin/sh\n[ -e {mark} ] || for i in $(seq 200); do\n"
                    f"setsid sh -c 'echo $$ >>{mark}; exec sleep 1000' &\ndone\nexec sleep 1000\n")
    watchdog.flags(*NO_BACK_OFF)
    worker = watchdog.start().worker()
    eventually(lambda: mark.exists() and len(mark.read_text().splitlines()) == 200, "the strays")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: len(watchdog.running()) == 2, "they are gone")  # but it and its new worker
    assert watchdog.stop() == 0
    counts = re.findall(r"ended (\d+) processes that a child left behind", watchdog.log())
    assert sum(map(int, counts)) == 200, counts


def test_what_was_there_before_us_is_left_alone(watchdog):
    """A container's entry point starts something, perhaps something that goes to the background a
    little later, and becomes us. No orphan is known to be ours then."""
    marks = [watchdog.directory / name for name in ("daemon", "stray", "late")]
    shell = (f"sleep 1000 & echo $! >{marks[0]}\n"
             f"(while ! [ -s {marks[1]} ]; do sleep 0.01; done; sleep 1000 & echo $! >{marks[2]}) &\n"
             'exec "$@"')
    wrapped = watchdog.command
    watchdog.command = lambda *options, flags=(): ["sh", "-c", shell, "sh",
                                                   *wrapped(*options, flags=flags)]
    watchdog.osqueryd = watchdog.program(
        "osqueryd", f"#!/bin/sh\n[ -e {marks[1]} ] || "
                    f"setsid sh -c 'echo $$ >{marks[1]}; exec sleep 1000' &\nexec sleep 1000\n")
    watchdog.flags(*NO_BACK_OFF)
    old = watchdog.start().worker()
    daemon, stray, late = [int(eventually(lambda: mark.exists() and mark.read_text(), mark.name))
                           for mark in marks]
    eventually(lambda: Proc(late).ppid == watchdog.process.pid, "it is an orphan")
    try:
        os.kill(old, signal.SIGKILL)
        watchdog.worker(other_than=old)
        assert watchdog.stop() == 0
        assert alive(daemon) and alive(late)
    finally:
        for pid in (daemon, stray, late):
            os.kill(pid, signal.SIGKILL)


# --- details ---


def test_details_tell_what_the_worker_was_doing(stand_in):
    # The watchdog is under the same limit, and its start costs something, too.
    stand_in.flags(*NO_BACK_OFF, "--watchdog_utilization_limit=10", "--watchdog_latency_limit=3",
                   "--watchdog_delay=0")
    stand_in.start()
    stand_in.query("SELECT misbehave('spin:2')")
    details = json.loads(stand_in.wait_event("event = 'limit_exceeded'")["details"])
    assert set(details) == {"busiest_threads", "interval_ms", "threads", "descriptors",
                            "anonymous_bytes", "file_bytes", "shared_bytes", "swap_bytes",
                            "partial"}
    busiest = details["busiest_threads"]
    assert set(busiest[0]) == {"tid", "name", "cpu_ms"}
    assert busiest[0]["cpu_ms"] >= busiest[1]["cpu_ms"] > 0
    assert details["threads"] >= 3 and details["descriptors"] > 3
    assert details["anonymous_bytes"] > 0


def test_debug_tells_what_is_measured(watchdog):
    watchdog.flags("--enable_watchdog_debug", "--watchdog_memory_limit=77")
    watchdog.start()
    line = eventually(lambda: re.findall(r"^pid: (\d+), cpu: \d+ms/\d+ms, memory: [0-9.]+MB/77MB$",
                                         watchdog.log(), re.MULTILINE), "a measurement")
    assert {watchdog.process.pid, watchdog.worker()} & {int(pid) for pid in line}


@pytest.mark.parametrize("metric", ["growth", "resident", "private"])
def test_memory_metrics(stand_in, metric):
    """A worker that has all its memory before the baseline is taken is over only for those that
    don't count from there."""
    stand_in.flags(*NO_BACK_OFF, "--watchdog_memory_limit=60", "--watchdog_delay=9",
                   "--misbehave=grow:2000:150")
    stand_in.start(f"--memory_metric={metric}")
    if metric == "growth":
        row = eventually(lambda: (row := stand_in.status("worker"))["enforced"] and row, "enforced")
        assert row["footprint"] < 60 << 20 < row["resident_size"]
    else:
        exceeded = stand_in.wait_event("event = 'limit_exceeded'")
        assert exceeded["measured"] >= 150 << 20


# --- a broken command line ---


def test_a_worker_that_never_comes_up_is_given_up_on_at_once(stand_in):
    # At this level, slow starts on a busy machine don't make it give up for too many restarts first.
    stand_in.flags("--watchdog_max_delay=0", "--watchdog_level=-1")
    stand_in.start(flags=("--no_such_flag=1",), ready=False)
    assert stand_in.wait() == 1
    reached = stand_in.event("event = 'respawn_limit_reached'")
    assert "status 1" in reached["message"] and "3 times" in reached["message"]
    # Whoever needs a second to start on a busy machine doesn't count.
    exits = stand_in.events("event = 'process_exited'")
    quick = "".join("ny"[event["lifetime_ms"] < 1000] for event in exits)
    assert quick.index("yyy") == len(quick) - 3


def test_the_tables_extension_is_found_beside_the_program(watchdog):
    assert (pathlib.Path(WATCHDOGD).parent / "osquery-watchdog.ext").exists()
    watchdog.start(tables=True)
    assert watchdog.query("SELECT count(*) AS n FROM watchdog_processes")[0]["n"] == "3"
