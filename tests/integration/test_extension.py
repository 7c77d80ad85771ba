"""osquery-watchdog.ext answers a manager and its clients that share no code with it, and ends."""

import signal
import subprocess
import threading

import pytest
import thrift_manager as tm
from extension_runner import PROGRAM, running, wait_for  # noqa: F401, F811 (a fixture)
from thrift.Thrift import TApplicationException

EQ, GT, LE, LT, GE, LIKE = 2, 4, 8, 16, 32, 65


# --- registering and answering ---


def test_registers_both_tables(running):
    running.manager.start()
    running.spawn().registered()
    (uuid,) = running.manager.uuids()
    info = running.manager.extensions()[uuid]
    assert info.name == "osquery_watchdog"
    assert tuple(int(part) for part in info.sdk_version.split(".")) >= (1, 7, 7)
    version = subprocess.run(
        [PROGRAM, "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    assert info.version == version
    tables = running.manager.tables(uuid)
    assert sorted(tables) == ["watchdog_events", "watchdog_processes", "watchdog_samples",
                              "watchdog_settings", "watchdog_terminations"]
    columns = {c["name"]: c for c in tables["watchdog_events"]}
    assert columns["eid"]["type"] == "BIGINT" and columns["eid"]["op"] == "9"
    assert columns["event"]["type"] == "TEXT" and columns["event"]["op"] == "4"
    assert [c["name"] for c in tables["watchdog_processes"]][:3] == ["name", "role", "path"]


def test_answers_what_osquery_asks(running):
    running.record(10)
    running.manager.start()
    path = running.spawn().registered()
    (uuid,) = running.manager.uuids()
    for table, columns in running.manager.tables(uuid).items():
        response = tm.call(path, table, {"action": "columns"})
        assert response.status.code == 0
        assert [r for r in response.response if r["id"] == "column"] == columns

    events = tm.generate(path, "watchdog_events")
    assert [int(e["eid"]) for e in events] == list(range(1, 11))
    assert events[0]["event"] == "process_started" and "reason" not in events[0]
    assert events[1]["reason"] == "signal" and events[1]["exit_signal"] == "9"
    assert events[1]["lifetime_ms"] == "1234567890123"
    assert events[1]["message"] == "event 2: café"

    processes = {p["name"]: p for p in tm.generate(path, "watchdog_processes")}
    assert processes["worker"]["resident_size"] == "5000000000"
    assert processes["worker"]["utilization"] == "2.5"
    assert processes["watchdog"]["state"] == "stopped" and "pid" not in processes["watchdog"]


@pytest.mark.parametrize(
    "constraints, eids",
    [
        ([("eid", GT, "8")], [9, 10]),
        ([("eid", GE, "2"), ("eid", LT, "4")], [2, 3]),
        ([("eid", EQ, "3"), ("eid", EQ, "7")], [3, 7]),
        ([("event", EQ, "process_exited"), ("eid", LE, "4")], [2, 4]),
        ([("time", GT, "1700000008")], [9, 10]),
        ([("event", LIKE, "nothing%")], list(range(1, 11))),  # the asker filters
        ([("unknown", EQ, "1")], list(range(1, 11))),
        ([("eid", EQ, "77")], []),
    ],
)
def test_constraints_are_used(running, constraints, eids):
    running.record(10)
    running.manager.start()
    path = running.spawn().registered()
    rows = tm.generate(path, "watchdog_events", constraints, ["eid"])
    assert rows == [{"eid": str(eid)} for eid in eids]


def test_sees_what_is_recorded_later(running):
    running.manager.start()
    path = running.spawn().registered()
    assert tm.generate(path, "watchdog_events") == []
    running.record(3)
    assert len(tm.generate(path, "watchdog_events")) == 3


def test_wrong_requests_get_reasons(running):
    running.manager.start()
    path = running.spawn().registered()
    for registry, item, request, reason in [
        ("logger", "watchdog_events", {"action": "columns"}, "unknown registry: logger"),
        ("table", "users", {"action": "columns"}, "unknown table: users"),
        ("table", "watchdog_events", {"action": "insert"}, "unknown action: insert"),
        ("table", "watchdog_events", {}, "unknown action: (none)"),
        (None, None, None, "unknown registry: "),
    ]:
        with tm.client(path) as extension:
            status = extension.call(registry, item, request).status
        assert (status.code, status.message) == (1, reason)
    with tm.client(path, service=tm.ExtensionManager) as extension:
        with pytest.raises(TApplicationException) as raised:
            extension.query("SELECT 1")
        assert raised.value.type == TApplicationException.UNKNOWN_METHOD
        assert extension.ping().code == 0  # on the same connection


def test_many_at_once(running):
    running.record(200)
    running.manager.start()
    path = running.spawn().registered()
    failures = []

    def ask():
        try:
            for _ in range(10):
                assert len(tm.generate(path, "watchdog_events")) == 200
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


# --- ending ---


def test_shutdown_ends_it_after_the_reply(running):
    running.manager.start()
    path = running.spawn(supervised=False).registered()
    with tm.client(path) as extension:
        extension.shutdown()
    assert running.ends() == 0
    assert running.sockets() == []


def test_supervised_shutdown_means_wait_for_the_next_core(running):
    running.manager.start()
    path = running.spawn().registered()
    with tm.client(path) as extension:
        extension.shutdown()
    wait_for(lambda: running.sockets() == [])
    running.manager.stop()
    running.manager.start()
    wait_for(running.answers)
    assert running.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(running, number):
    running.manager.start()
    running.spawn(interval=3600).registered()  # which nobody waits for
    running.process.send_signal(number)
    assert running.ends() == 0
    wait_for(lambda: running.manager.uuids() == [])  # it has said so
    assert running.sockets() == []


def test_signals_end_it_without_a_manager(running):
    running.spawn()
    wait_for(running.lines)
    running.process.terminate()
    assert running.ends() == 0


def test_other_signals_keep_their_default(running):
    running.manager.start()
    running.spawn().registered()
    running.process.send_signal(signal.SIGHUP)
    assert running.ends() == -signal.SIGHUP


@pytest.mark.parametrize(
    "arguments, named",
    [
        ([], "--socket"),
        (["--socket", "/tmp/s", "--frob"], "--frob"),
        (["--socket", "/tmp/" + "x" * 107], "--socket"),
        (["--socket", "/tmp/s", "--timeout", "soon"], "--timeout"),
        (["/tmp/s"], "/tmp/s"),
    ],
)
def test_bad_usage(arguments, named):
    done = subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert named in line
