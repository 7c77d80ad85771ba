"""The kernel's own killing, for want of memory. Control groups need root."""

import errno
import os
import pathlib
import signal

import pytest

from harness import NO_BACK_OFF, WATCHDOGD, eventually

MOUNT = pathlib.Path("/sys/fs/cgroup")


@pytest.fixture
def memory_group(directory):
    """A control group with 150 MB of memory, of whichever version there is."""
    v1 = (MOUNT / "memory").is_dir()
    group = (MOUNT / "memory" if v1 else MOUNT) / directory.name
    group.mkdir()
    (group / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(150 << 20))
    yield group
    eventually(lambda: is_removed(group), "the group is empty")


def is_removed(group):
    """What has just ended may be in it for a moment still, and isn't listed any more."""
    try:
        group.rmdir()
    except OSError as problem:
        assert problem.errno == errno.EBUSY
        return False
    return True


def within(group):
    return {"preexec_fn": lambda: (group / "cgroup.procs").write_text(str(os.getpid()))}


def test_an_oom_kill_is_told_apart_from_another_sigkill(memory_group, stand_in):
    stand_in.popen = within(memory_group)
    stand_in.flags(*NO_BACK_OFF)
    stand_in.start()
    first = stand_in.worker()
    os.kill(first, signal.SIGKILL)
    second = stand_in.worker(other_than=first)
    stand_in.query("SELECT 1")  # until its manager is up; then asked once, lest the next one hears it
    stand_in.try_query("SELECT misbehave('grow:500')")
    stand_in.worker(other_than=second)
    reasons = {event["pid"]: (event["reason"], event["exit_signal"])
               for event in stand_in.events("event = 'process_exited'")}
    assert reasons == {first: ("signal", 9), second: ("oom", 9)}
    stand_in.stop()


def oom_score_adj(pid):
    return int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_our_oom_score_is_lowered_and_the_childrens_is_not(watchdog):
    watchdog.popen = {"preexec_fn": lambda: pathlib.Path("/proc/self/oom_score_adj").write_text("7")}
    watchdog.start()
    # To -900 with CAP_SYS_RESOURCE, to 0 without.
    assert oom_score_adj(watchdog.process.pid) in (-900, 0)
    assert oom_score_adj(watchdog.worker()) == 7


def test_a_lowered_score_is_ours_alone(watchdog):
    """As with systemd's OOMScoreAdjust=."""
    def lower():
        try:
            pathlib.Path("/proc/self/oom_score_adj").write_text("-500")
        except PermissionError:
            pass  # without CAP_SYS_RESOURCE it stays what it is
    watchdog.popen = {"preexec_fn": lower}
    watchdog.start()
    assert oom_score_adj(watchdog.worker()) == max(oom_score_adj("self"), 0)


def test_our_working_set_is_locked(watchdog):
    watchdog.start()
    status = pathlib.Path(f"/proc/{watchdog.process.pid}/status").read_text()
    locked_kb = next(int(line.split()[1]) for line in status.splitlines() if "VmLck" in line)
    # AddressSanitizer makes mlockall() do nothing.
    assert (locked_kb > 0) != (b"__asan_init" in WATCHDOGD.read_bytes())
    worker = pathlib.Path(f"/proc/{watchdog.worker()}/status").read_text()
    assert "VmLck:\t       0 kB" in worker
