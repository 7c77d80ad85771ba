"""File systems that refuse what the watchdog wants to write. Mounting them needs root."""

import ctypes
import os
import re
import signal
import subprocess

import pytest

from harness import NO_BACK_OFF, PATIENCE, eventually

CLONE_NEWNS = 0x00020000


@pytest.fixture(scope="session")
def own_mounts():
    """What is mounted from here on, nobody else sees, and it goes with this process."""
    assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0, os.strerror(
        ctypes.get_errno())
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@pytest.fixture
def mount(own_mounts, directory):
    """mount(path, options): a new file system in memory."""
    mounted = []

    def mount_at(path, options):
        path.mkdir(0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "none", path],
                       check=True)
        mounted.append(path)

    yield mount_at
    for path in mounted:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("which", ["state_dir", "runtime_dir"])
def test_a_read_only_file_system(mount, watchdog, which):
    path = getattr(watchdog, which)
    mount(path, "ro")
    watchdog.start(ready=False)
    eventually(lambda: f"{path}: can't be written" in watchdog.log(), "it is told")
    eventually(watchdog.children, "the worker runs")
    subprocess.run(["mount", "-o", "remount,rw", path], check=True)
    watchdog.wait_event("event = 'process_started'")
    watchdog.worker()
    assert watchdog.log().count(f"{path}: can't be written") == 1
    assert watchdog.stop() == 0


def fill(path):
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 512)
        except OSError:
            return


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_a_full_disk_delays_no_restart(mount, stand_in, when):
    """And what could not be written is written once there is room."""
    mount(stand_in.state_dir, "size=400k")
    filler = stand_in.state_dir / "filler"
    stand_in.flags(*NO_BACK_OFF)
    if when == "before the start":
        fill(filler)
    workers = [stand_in.start().worker()]
    if when == "while it runs":
        stand_in.wait_event("event = 'process_started'")
        fill(filler)

    def is_full():
        os.kill(workers[-1], signal.SIGKILL)
        workers.append(stand_in.worker(other_than=workers[-1]))
        return "the store can't be written" in stand_in.log() and len(workers) > 5

    eventually(is_full, "the disk is full")
    killed = workers[:-1]
    filler.unlink()
    stand_in.wait_event("event = 'process_exited'", count=len(killed))
    assert [event["pid"] for event in stand_in.events("event = 'process_exited'")] == killed
    assert not stand_in.events("event = 'events_lost'")
    assert stand_in.stop() == 0


def test_a_full_runtime_directory_before_the_start(mount, stand_in):
    mount(stand_in.runtime_dir, "size=8k")
    fill(stand_in.runtime_dir / "filler")
    stand_in.flags(*NO_BACK_OFF)
    stand_in.start(ready=False)
    pid = stand_in.wait_event("event = 'process_started'")["pid"]
    assert f"{stand_in.runtime_dir}" in stand_in.log()
    subprocess.run(["mount", "-o", "remount,size=1m", stand_in.runtime_dir], check=True)
    (stand_in.runtime_dir / "filler").unlink()
    assert stand_in.worker() == pid
    record = stand_in.runtime_dir / "processes"
    eventually(lambda: record.exists() and f"\n{pid} " in record.read_text(),
               "the worker is in the record")
    assert stand_in.stop() == 0


def test_a_full_runtime_directory_costs_only_the_present_state(mount, stand_in):
    mount(stand_in.runtime_dir, "size=1m")
    stand_in.flags(*NO_BACK_OFF)
    pid = stand_in.start().worker()
    fill(stand_in.runtime_dir / "filler")
    for count in range(2, 5):
        os.kill(pid, signal.SIGKILL)
        pid = stand_in.wait_event("event = 'process_started'", count=count)["pid"]
    (stand_in.runtime_dir / "filler").unlink()
    assert stand_in.worker() == pid
    assert stand_in.stop() == 0


def test_without_a_null_device(watchdog, directory):
    """As stock osqueryd, which needs none."""
    dev = directory / "dev"
    dev.mkdir()
    script = f"mount --bind {dev} /dev && exec \"$0\" \"$@\""
    command = watchdog.command
    watchdog.command = lambda *own, **more: ["unshare", "--mount", "sh", "-c", script,
                                             *command(*own, **more)]
    watchdog.popen = {"stdin": None}
    pid = watchdog.start().worker()
    os.kill(pid, signal.SIGKILL)
    watchdog.worker(other_than=pid)
    assert watchdog.stop() == 0
