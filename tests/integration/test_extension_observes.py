"""osquery-watchdog.ext tells osquery-watchdogd what it sees; and asks the core while the core asks it."""

import os
import subprocess
import threading
import time

import pytest
import thrift_manager as tm
from extension_runner import PROGRAM, running, wait_for  # noqa: F401, F811 (a fixture)
from harness import PATIENCE

INFO = [{"version": "5.23.0", "start_time": "1700000000"}]
US = os.getpid()  # the manager is in this process


def core(scheduled=1, denylisted=()):
    """Answers SQL as a core does."""
    def answer(sql):
        if "osquery_info" in sql:
            return INFO
        if "count(*)" in sql:
            return [{"scheduled": str(scheduled), "denylisted": str(len(denylisted))}]
        return [{"name": name, "query": f"SELECT '{name}'"} for name in denylisted]
    return answer


def next_report(running, what=lambda report: True):
    """The next report that is as it should be; others that are told before don't matter."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        kind, told = running.observation()
        if kind == "report" and what(told):
            return told
    raise AssertionError("no such report")


def test_reports_every_interval(running):
    running.manager.answer = core()
    running.manager.start()
    begin = time.monotonic()
    running.spawn(observed=True)
    report = next_report(running, lambda report: report["schedule_read"])
    (uuid,) = running.manager.uuids()
    assert report == {
        "worker": US, "responsive": True, "version": "5.23.0", "schedule_read": True,
        "listed": True, "unattributed": False,
        "extensions": {uuid: (running.process.pid, True, report["extensions"][uuid][2])},
    }
    for _ in range(3):
        assert next_report(running) == report
    assert time.monotonic() - begin > 2.5


def test_pings_the_others_and_names_their_processes(running):
    running.manager.answer = core()
    running.manager.start()
    good, silent, gone = 11, 12, 13
    for uuid, name in ((good, "good"), (silent, "silent"), (gone, "gone")):
        running.manager.extensions_by_uuid[uuid] = (
            tm.InternalExtensionInfo(name, f"{uuid}.0", "5.0.0", "5.0.0"), {"table": {}})
    with tm.Manager(f"{running.socket}.{good}") as _, tm.Manager(f"{running.socket}.{silent}") as hung:
        hung.hanging.set()
        running.spawn(observed=True)
        report = next_report(running)
        assert report["extensions"][good] == (US, True, "11.0")
        assert report["extensions"][silent] == (US, False, "12.0")
        assert gone not in report["extensions"]  # nobody is there
        assert report["unattributed"]
        assert len(report["extensions"]) == 3
        report = next_report(running)
        assert report["extensions"][good] == (US, True, "11.0")
        wait_for(lambda: len(hung.hung) <= 1)  # one ping at a time


def test_a_core_that_does_not_answer_is_told_of(running):
    running.manager.answer = core()
    running.manager.start()
    running.spawn(observed=True)
    next_report(running, lambda report: report["schedule_read"])
    running.manager.hanging.set()
    report = next_report(running, lambda report: not report["responsive"])
    assert report == {"worker": US, "responsive": False, "version": "5.23.0",
                      "schedule_read": True, "listed": False, "unattributed": False,
                      "extensions": {}}
    assert len(running.manager.hung) <= 1
    running.manager.hanging.clear()
    # The connection that hangs is given up at its deadline.
    deadline = time.monotonic() + PATIENCE
    while not next_report(running)["responsive"]:
        assert time.monotonic() < deadline


def test_a_core_without_these_tables_is_asked_once(running):
    running.manager.start()
    running.spawn(observed=True)
    for _ in range(4):
        report = next_report(running)
        assert report["responsive"] and report["version"] == ""
    assert len(running.manager.queries) == 2, running.manager.queries


def test_an_empty_schedule_is_asked_for_more_and_more_rarely(running):
    running.manager.answer = core(scheduled=0)
    running.manager.start()
    running.spawn(observed=True)
    for _ in range(8):
        assert not next_report(running)["schedule_read"]
    counts = [sql for sql in running.manager.queries if "count(*)" in sql]
    assert 2 <= len(counts) <= 4
    running.manager.answer = core(denylisted=["late"])
    kind = None
    deadline = time.monotonic() + 20
    while kind != "denylisted" and time.monotonic() < deadline:
        kind, told = running.observation()
    assert told == {"worker": US, "name": "late", "query": "SELECT 'late'"}


def test_denylisted_queries_are_told_once_for_a_core(running):
    names = [f"q{i}" for i in range(30)]
    running.manager.answer = core(denylisted=names)
    running.manager.start()
    running.spawn(observed=True)
    told = []
    for _ in range(33):
        kind, what = running.observation()
        if kind == "denylisted":
            told.append(what["name"])
        elif what["schedule_read"]:
            assert told == names  # not before all are told
    assert told == names
    assert next_report(running)["schedule_read"]


def test_nobody_who_listens_costs_nothing(running):
    running.manager.answer = core()
    running.manager.start()
    running.spawn(observed=True)
    next_report(running)
    # Never read: the extension finds no room, and goes on.
    running.manager.answer = core(denylisted=["x"])
    for _ in range(3):
        running.manager.stop()
        running.manager.start()
        wait_for(running.answers)
    running.channel.close()
    running.channel = None
    time.sleep(1.5)
    assert running.answers()
    assert running.process.poll() is None


@pytest.mark.parametrize("value", ["", "x", "-1", "0", "2", "9999", "99999999999999999999"])
def test_a_descriptor_that_is_none_of_ours_is_left_alone(running, value, monkeypatch):
    monkeypatch.setenv("OSQUERY_WATCHDOG_FD", value)
    running.manager.answer = core()
    running.manager.start()
    running.spawn().registered()
    time.sleep(0.3)
    assert running.manager.queries == []  # and nobody is asked for what nobody hears


# --- asking while being asked ---


def test_answers_while_it_asks(running):
    """The core's answer to our query needs our own tables."""
    running.record(50)
    nested = []

    def answer(sql):
        (uuid,) = running.manager.uuids()
        path = f"{running.socket}.{uuid}"
        nested.append(len(tm.generate(path, "watchdog_events")))
        assert tm.call(path, "watchdog_events", {"action": "columns"}).status.code == 0
        return core(denylisted=["heavy"])(sql)

    running.manager.answer = answer
    running.manager.start()
    running.spawn(observed=True)
    told = {running.observation()[0] for _ in range(3)}
    assert told == {"report", "denylisted"}
    assert nested == [50, 50, 50]


def test_columns_are_answered_in_the_middle_of_rows(running):
    """A core asks every extension for its columns while another query runs."""
    running.record(60000)
    running.manager.start()
    path = running.spawn().registered()
    done = threading.Event()

    def generate():
        tm.generate(path, "watchdog_events", columns=["eid", "time", "message"], timeout=60)
        done.set()

    thread = threading.Thread(target=generate)
    thread.start()
    asked = 0
    while not done.is_set():
        assert tm.call(path, "watchdog_events", {"action": "columns"}).status.code == 0
        asked += 1
    thread.join()
    assert asked > 2


def test_a_ping_never_waits_for_rows(running):
    running.record(100000)
    running.manager.start()
    path = running.spawn().registered()
    code = (f"import sys; sys.path.insert(0, {os.path.dirname(tm.__file__)!r})\n"
            "import thrift_manager as tm, time\n"
            f"end = time.monotonic() + 4\n"
            "while time.monotonic() < end:\n"
            f"    tm.generate({path!r}, 'watchdog_events', columns=['eid', 'name'], timeout=60)\n")
    with subprocess.Popen(["/usr/bin/python3", "-c", code]) as generating:
        times = []
        while generating.poll() is None:
            begin = time.perf_counter()
            with tm.client(path) as extension:
                assert extension.ping().code == 0
            times.append(time.perf_counter() - begin)
            time.sleep(0.002)
        assert generating.returncode == 0
    times.sort()
    # The machine is busy with other tests: the worst may be its doing, the many are ours.
    assert times[int(len(times) * 0.95)] < 0.05, times[-20:]


# --- who started it, and who ends it ---


def started_by_osquery(running):
    """As osqueryd's watcher starts it: the parent of the extension is not the core."""
    script = (f'(export OSQUERY_EXTENSION=$(sh -c \'echo $PPID\'); exec "$@") & echo $!; wait')
    return subprocess.Popen(
        ["sh", "-c", script, "watcher", PROGRAM, "--socket", running.socket, "--interval", "1",
         "--timeout", "1", "--state_dir", running.state, "--runtime_dir", running.runtime],
        stdout=subprocess.PIPE, stderr=open(running.log, "ab"), text=True)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_started_by_a_watcher_it_outlives_cores_and_ends_with_the_watcher(running):
    running.manager.start()
    watcher = started_by_osquery(running)
    pid = int(watcher.stdout.readline())
    try:
        path = running.registered()
        with tm.client(path) as extension:
            extension.shutdown()
        running.manager.stop()
        time.sleep(2)  # longer than --timeout
        running.manager.start()
        wait_for(running.answers)
        assert alive(pid)
        watcher.kill()
        wait_for(lambda: not alive(pid))
        wait_for(lambda: running.manager.uuids() == [])  # it has said so
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()


def test_started_by_a_core_it_ends_with_it(running, monkeypatch):
    """osqueryi starts extensions, too, and is the core itself. Here that is this process."""
    running.manager.start()
    script = 'OSQUERY_EXTENSION=$$ exec "$@"'
    monkeypatch.delenv("OSQUERY_WATCHDOG_RUNTIME_DIR", raising=False)
    with open(running.log, "ab") as log:
        running.process = subprocess.Popen(
            ["sh", "-c", script, "osqueryi", PROGRAM, "--socket", running.socket, "--interval", "1",
             "--state_dir", running.state, "--runtime_dir", running.runtime], stderr=log)
    path = running.registered()
    with tm.client(path) as extension:
        extension.shutdown()
    assert running.ends() == 0
    assert running.sockets() == []
