"""osquery-watchdog.ext stays registered: cores come and go, drop it, refuse it, hang, talk garbage."""

import os
import subprocess
import time

import pytest
import thrift_manager as tm
from extension_runner import running, wait_for  # noqa: F401, F811 (a fixture)


def test_waits_for_the_manager(running):
    running.spawn(supervised=False, timeout=20)
    wait_for(lambda: running.process.poll() is None)
    time.sleep(0.3)  # some attempts
    running.manager.start()
    running.registered()


def test_gives_up_without_a_manager(running):
    begin = time.monotonic()
    running.spawn(supervised=False, timeout=1)
    assert running.ends() == 1
    assert time.monotonic() - begin > 0.5
    (line,) = running.lines()
    assert str(running.socket) in line


def test_supervised_it_waits_as_long_as_it_takes(running):
    running.spawn(timeout=1)
    with pytest.raises(subprocess.TimeoutExpired):
        running.ends(2.5)
    running.manager.start()
    running.registered()
    assert len(running.lines()) == 2  # one for the waiting, one for the end of it


def test_answers_again_at_once_after_a_new_core(running):
    running.record(3)
    running.manager.start()
    running.spawn(interval=3600)  # which nobody waits for
    running.registered()
    times = []
    for _ in range(10):
        running.manager.stop()
        running.manager.start()
        begin = time.monotonic()
        wait_for(running.answers)
        times.append(time.monotonic() - begin)
        assert len(running.sockets()) == 1
    assert running.manager.registrations == 11
    assert min(times) < 0.2, times


def test_answers_again_after_a_core_was_away_for_a_while(running):
    running.manager.start()
    running.spawn(interval=1)
    running.registered()
    running.manager.stop()
    wait_for(lambda: running.sockets() == [])  # noticed by asking
    time.sleep(1)
    running.manager.start()
    wait_for(running.answers)
    assert running.manager.registrations == 2


def test_a_registration_that_is_silently_dropped_is_noticed(running):
    running.manager.start()
    old = running.spawn(interval=1).registered()
    (uuid,) = running.manager.uuids()
    running.manager.drop(uuid)
    wait_for(running.answers)
    assert running.manager.registrations == 2
    if running.manager.uuids() != [uuid]:
        assert not os.path.exists(old)
    assert len(running.sockets()) == 1


def test_keeps_a_good_registration(running):
    running.manager.start()
    path = running.spawn(interval=1).registered()
    for _ in range(3):
        time.sleep(0.6)
        running.manager.check()
        assert running.registered() == path
    assert running.manager.attempts == 1


def test_waits_out_a_stale_registration(running):
    running.manager.start()
    running.manager.refusals = ["Duplicate extension registered"] * 5
    running.spawn(interval=1)
    running.registered()
    assert running.manager.attempts == 6
    assert len([line for line in running.lines() if "Duplicate" in line]) == 1


def test_takes_over_from_one_that_was_killed(running):
    running.manager.start()
    running.spawn(interval=1).registered()
    running.process.kill()
    running.process.wait()
    running.spawn(interval=1)
    wait_for(lambda: running.manager.attempts >= 2)
    assert running.manager.registrations == 1  # the stale one is in the way
    running.manager.check()
    wait_for(running.answers)
    assert running.manager.registrations == 2


def test_other_refusals_are_told_and_tried_again(running):
    running.manager.start()
    running.manager.refusals = ["Failed adding registry: conflict"] * 2
    running.spawn(interval=1)
    running.registered()
    assert len([line for line in running.lines() if "Failed adding registry" in line]) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x80\x01\x00\x02\x00\x00\x00\x11register",
        b"\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x00\x0c\x00\x00\x00\x00",
        b"\x80\x01\x00\x02\x7f\xff\xff\xff",
        b"\x80\x01\x00\x02\x00\x00\x00\x11registerExtension\x00\x00\x00\x00\x00",
        b"\x00" * 100000,
    ],
    ids=["closed", "http", "half", "another", "long-name", "no-result", "zeros"],
)
def test_garbage_from_the_manager(running, raw):
    running.manager.raw = raw
    running.manager.start()
    running.spawn(interval=1)
    wait_for(lambda: any("waiting for osquery" in line for line in running.lines()))
    running.manager.raw = None
    wait_for(running.answers)
    running.manager.raw = raw
    time.sleep(1.2)  # a verification meets it
    running.manager.raw = None
    assert running.answers()  # and loses nothing
    assert running.manager.registrations == 1
    assert running.process.poll() is None


def test_a_hung_manager_holds_up_nothing(running):
    running.record(5)
    running.manager.start()
    path = running.spawn(interval=1).registered()
    running.manager.hanging.set()
    wait_for(lambda: running.manager.hung)  # a verification hangs
    times = []
    for _ in range(20):
        begin = time.monotonic()
        assert len(tm.generate(path, "watchdog_events")) == 5
        times.append(time.monotonic() - begin)
    assert sorted(times)[10] < 1, times  # of the verification's ten seconds
    assert len(running.manager.hung) == 1
    threads = len(os.listdir(f"/proc/{running.process.pid}/task"))
    assert threads == 2
    running.process.terminate()
    begin = time.monotonic()
    assert running.ends() == 0
    assert time.monotonic() - begin < 8
