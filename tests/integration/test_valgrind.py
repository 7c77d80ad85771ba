"""valgrind over the programs themselves: no leak that is definite, no invalid access."""

import os
import signal
import subprocess

import pytest

from harness import BUILD, CTL, MARK, NO_BACK_OFF, PATIENCE, WATCHDOGD, eventually

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"]


def test_the_watchdog(stand_in):
    """Through kills, a limit, a reload and a stop. Its children aren't run under valgrind."""
    stand_in.flags(*NO_BACK_OFF, "--watchdog_memory_limit=60", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=1")
    stand_in.add_extension("one")
    report = stand_in.directory / "valgrind"
    command = stand_in.command
    stand_in.command = lambda *options, flags=(): [
        *VALGRIND, "--trace-children=no", "--child-silent-after-fork=yes",
        f"--log-file={report}", *command(*options, flags=flags)]
    stand_in.start()
    for _ in range(3):
        worker = stand_in.worker()
        os.kill(worker, signal.SIGKILL)
        stand_in.worker(other_than=worker)
    stand_in.query("SELECT misbehave('grow:200')")
    stand_in.wait_event("event = 'process_terminated'")
    stand_in.worker()
    stand_in.autoload.write_text("")
    stand_in.process.send_signal(signal.SIGHUP)
    stand_in.wait_event("event = 'settings_changed'")
    assert stand_in.stop() == 0, report.read_text()
    assert report.read_text() == ""


def test_the_extension(stand_in):
    stand_in.flags(*NO_BACK_OFF)
    stand_in.start()
    report = stand_in.directory / "valgrind"
    extension = subprocess.Popen(
        [*VALGRIND, f"--log-file={report}", BUILD / "bin" / "osquery-watchdog.ext",
         "--socket", stand_in.socket, f"--state_dir={stand_in.state_dir}",
         f"--runtime_dir={stand_in.runtime_dir}", "--timeout", "20"],
        env={**os.environ, MARK: str(stand_in.directory)})
    try:
        for _ in range(20):
            eventually(lambda: stand_in.try_query("SELECT * FROM watchdog_processes"), "rows")
            stand_in.query("SELECT * FROM watchdog_events WHERE eid > 0")
        extension.terminate()
        assert extension.wait(PATIENCE) == 0, report.read_text()
    finally:
        extension.kill()
        extension.wait()
    assert report.read_text() == ""


@pytest.mark.parametrize("command", [["status"], ["events"], ["--json", "events"],
                                     ["report", "--html", "-"], [
    "query", "SELECT * FROM watchdog_processes JOIN watchdog_events USING (name)"]],
    ids=["status", "events", "json", "report", "query"])
def test_ctl(stand_in, command):
    stand_in.start()
    stand_in.wait_event("event = 'process_started'")
    done = subprocess.run(
        [*VALGRIND, CTL, f"--state_dir={stand_in.state_dir}",
         f"--runtime_dir={stand_in.runtime_dir}", *command],
        capture_output=True, text=True, timeout=2 * PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


def test_bad_usage(stand_in):
    done = subprocess.run([*VALGRIND, WATCHDOGD, "--no_such_option"], capture_output=True,
                          text=True, timeout=PATIENCE)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
