"""The stand-ins behave as facts about osqueryd say, and misbehave as asked."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

import pytest
from thrift.transport import TTransport

from harness import PATIENCE, signals
from osquery_api import (ADDITIONAL, HIDDEN, INDEX, OPTIMIZED, REQUIRED, Client, Extension,
                         ExtensionStatus, Table, query)

BUILD = pathlib.Path(os.environ["WATCHDOG_BUILD_DIR"]) / "tests/stand-in"
OSQUERYD, EXT, QUERY = BUILD / "osqueryd", BUILD / "stand-in.ext", BUILD / "stand-in-query"


def eventually(condition):
    """Polls until @condition returns something true; returns that."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)
    return result


def seconds(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


def connects(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def resident_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def thread_names(pid):
    names = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # a thread may end meanwhile
            names.append(path.read_text().strip())
    return names


def is_gone(pid):
    """Ended, whether whoever inherited it has reaped it or not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Bench:
    """A temporary directory and the processes that run in it."""

    def __init__(self, folder):
        self.folder, self.socket, self.processes = folder, folder / "osquery.em", []

    def spawn(self, *argv, **env):
        process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, **env})
        self.processes.append(process)
        return process

    def worker(self, *flags, ready=True, interval=1):
        process = self.spawn(OSQUERYD, f"--extensions_socket={self.socket}",
                             f"--extensions_interval={interval}", *flags, OSQUERY_WORKER="1")
        if ready:
            eventually(lambda: connects(self.socket))
        return process

    def extension(self, *arguments, path=EXT, registered=True, timeout=3, **env):
        process = self.spawn(path, "--socket", self.socket, "--timeout", timeout, "--interval", 1,
                             *arguments, **env)
        if registered:
            eventually(lambda: any(row["path"] == f"{self.socket}.{row['uuid']}" and
                                   connects(row["path"]) for row in self.registered()))
        return process

    def registered(self):
        rows = query(self.socket, "SELECT * FROM osquery_extensions WHERE uuid > 0")
        return [row for row in rows if connects(row["path"])]

    @contextlib.contextmanager
    def sleeping_query(self, worker, seconds):
        """A query that runs meanwhile, and has begun; gives the list that its rows come into."""
        answers = []
        # That it grows is only the sign: a thread of that name, made just before the sleep.
        sql = f"SELECT misbehave('grow:0.001,sleep:{seconds}') AS m"

        def ask():
            with contextlib.suppress(EOFError, TTransport.TTransportException):
                answers.extend(query(self.socket, sql, 60))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            eventually(lambda: "misbehave" in thread_names(worker.pid))
            yield answers
        finally:
            thread.join()

    def close(self):
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def bench():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stand-in-"))
    bench = Bench(folder)
    yield bench
    bench.close()
    shutil.rmtree(folder)


# --- the worker as a process ---


def test_is_a_watcher_or_a_worker_and_not_both(bench):
    environment = {key: value for key, value in os.environ.items() if key != "OSQUERY_WORKER"}
    done = subprocess.run([OSQUERYD, "--disable_watchdog"], env=environment, capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "OSQUERY_WORKER" in done.stderr


def test_opens_its_socket_at_once_and_removes_stale_ones(bench):
    stale = [bench.folder / name for name in ("osquery.em", "osquery.em.4711", "osquery.em.5")]
    for path in stale:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(str(path))
    other = bench.folder / "osquery.embers"
    other.touch()
    bench.worker()
    assert stat.S_IMODE(bench.socket.stat().st_mode) == 0o600
    assert not stale[1].exists() and not stale[2].exists() and other.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_ends_at_once_when_idle(bench, number):
    worker = bench.worker()
    with Client(bench.socket) as idle:
        idle.ping()
        worker.send_signal(number)
        assert worker.wait(PATIENCE) == 0
    assert list(bench.folder.iterdir()) == []


def test_notes_a_resource_limit(bench):
    worker = bench.worker("--verbose")
    worker.send_signal(signal.SIGUSR1)
    assert "resource limit hit" in worker.communicate(timeout=PATIENCE)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_in_the_middle_of_a_query_it_ends_after_it(bench, number):
    worker = bench.worker()
    with bench.sleeping_query(worker, 2) as answers:
        worker.send_signal(number)
        worker.wait(PATIENCE)
    assert worker.returncode == 0
    assert answers == [{"m": "grow:0.001,sleep:2"}]


def test_a_query_that_takes_too_long_ends_it_with_78(bench):
    worker = bench.worker("--alarm_timeout=10")
    with bench.sleeping_query(worker, 60) as answers:
        begin = time.monotonic()
        worker.terminate()
        worker.wait(PATIENCE)
        assert time.monotonic() - begin > 9.8
    assert worker.returncode == 78 and answers == []


def test_ends_when_its_parent_goes(bench):
    parent = bench.spawn("/bin/sh", "-c", '"$@" & echo $!; wait', "sh", OSQUERYD,
                         f"--extensions_socket={bench.socket}", "--misbehave=ignore-term",
                         OSQUERY_WORKER="1")
    pid = int(parent.stdout.readline())
    eventually(lambda: connects(bench.socket))
    assert query(bench.socket, "SELECT watcher FROM osquery_info") == [{"watcher": str(parent.pid)}]
    parent.kill()
    eventually(lambda: is_gone(pid))
    assert not bench.socket.exists()


def test_shows_only_its_name(bench):
    worker = bench.worker()
    words = pathlib.Path(f"/proc/{worker.pid}/cmdline").read_bytes().split(b"\0")
    assert words[0] == str(OSQUERYD).encode() and not any(words[1:])


def test_a_second_worker_waits_for_the_database_and_gives_up(bench):
    database = bench.folder / "db"
    first = bench.worker(f"--database_path={database}")
    begin = time.monotonic()
    second = bench.worker(f"--database_path={database}", ready=False)
    second.wait(PATIENCE)
    assert time.monotonic() - begin > 4.5
    assert second.returncode == 78 and first.poll() is None
    third = bench.worker(f"--database_path={database}", "--extensions_socket",
                         bench.folder / "third", ready=False)
    first.kill()
    eventually(lambda: connects(bench.folder / "third"))
    assert third.poll() is None


# --- flags ---


@pytest.mark.parametrize("flags, text", [
    (["--no_such_flag=1"], "ERROR: unknown command line flag 'no_such_flag'\n"),
    (["--alarm_timeout=5"], "Alarm timeout cannot be lower than 10 seconds\n"),
    (["--watchdog_memory_limit=x"], "ERROR: illegal value 'x' specified for uint64 flag"),
    (["--flagfile=/no/such/file"], "/no/such/file: "),
    (["--misbehave=dance"], "cannot misbehave as 'dance'"),
])
def test_a_wrong_command_line_is_fatal(bench, flags, text):
    worker = bench.worker(*flags, ready=False)
    assert text in worker.communicate(timeout=PATIENCE)[1]
    assert worker.returncode == 1


def test_reads_flagfiles(bench):
    flagfile = bench.folder / "flags"
    other = bench.folder / "other"
    flagfile.write_text(f"# comment\n--extensions_socket={other}\n--no_such_flag=1\n"
                        "--watchdog_memory_limit=77\n")
    bench.worker(f"--flagfile={flagfile}", "--watchdog_level=1", ready=False)
    eventually(lambda: connects(other))
    rows = query(other, "SELECT name, value, default_value, type FROM osquery_flags "
                        "WHERE name IN ('watchdog_memory_limit', 'watchdog_level')")
    assert sorted(row["value"] for row in rows) == ["1", "77"]
    with Client(other) as manager:
        option = manager.options()["watchdog_memory_limit"]
    assert (option.value, option.default_value, option.type) == ("77", "0", "uint64")


def test_without_extensions_there_is_no_socket(bench):
    worker = bench.worker("--disable_extensions", "--verbose", ready=False)
    assert worker.stderr.readline().endswith("running\n")
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.5)
    assert not bench.socket.exists()
    worker.terminate()
    assert worker.wait(PATIENCE) == 0


# --- its own tables ---


def test_core_tables(bench):
    worker = bench.worker()
    [info] = query(bench.socket, "SELECT * FROM osquery_info")
    assert (int(info["pid"]), int(info["watcher"])) == (worker.pid, os.getpid())
    assert abs(int(info["start_time"]) - time.time()) < 30
    [core] = query(bench.socket, "SELECT * FROM osquery_extensions")
    assert (core["uuid"], core["name"], core["type"], core["path"]) == \
        ("0", "core", "core", str(bench.socket))
    assert core["version"] == info["version"]
    assert query(bench.socket, "SELECT denylisted FROM osquery_schedule") == []


@pytest.mark.parametrize("sql, rows", [
    ("SELECT 1 AS a, NULL AS b, 1.0 AS c, 0.1 AS d, 'x' AS e",
     [{"a": "1", "b": "", "c": "1.0", "d": "0.1", "e": "x"}]),
    ("SELECT 1 AS a; SELECT 2 AS b;", [{"a": "1"}, {"b": "2"}]),
    ("SELECT 1 AS a, 2 AS a", [{"a": "2"}]),
    ("CREATE TABLE t(x); INSERT INTO t VALUES (7); SELECT x FROM t", [{"x": "7"}]),
    (" ", []),
])
def test_sql(bench, sql, rows):
    bench.worker()
    assert query(bench.socket, sql) == rows


@pytest.mark.parametrize("sql, message", [
    ("SELECT", "incomplete input"),
    ("SELECT * FROM nowhere", "no such table: nowhere"),
    ("ATTACH '/tmp/x' AS x", "not authorized"),
    ("SELECT misbehave('dance')", "cannot misbehave as 'dance'"),
])
def test_sql_that_fails(bench, sql, message):
    bench.worker()
    with pytest.raises(RuntimeError, match=message):
        query(bench.socket, sql)


def test_columns_of_a_query(bench):
    bench.worker()
    with Client(bench.socket) as manager:
        answer = manager.getQueryColumns("SELECT pid, version AS v, 1 + 1 FROM osquery_info")
    assert answer.response == [{"pid": "INTEGER"}, {"v": "TEXT"}, {"1 + 1": "UNKNOWN"}]


def test_many_rows(bench):
    bench.worker()
    rows = query(bench.socket, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                               "LIMIT 60000) SELECT i FROM n")
    assert len(rows) == 60000 and rows[-1] == {"i": "60000"}


# --- registration ---

TABLE = Table([("a", "TEXT", 0)], [{"a": "x"}])


def test_registers_and_deregisters(bench):
    bench.worker()
    with Extension(bench.socket, {"t": TABLE}) as extension:
        assert extension.status == ExtensionStatus(0, "OK", extension.uuid)
        assert 0 < extension.uuid < 65536
        with Client(bench.socket) as manager:
            info = manager.extensions()[extension.uuid]
            assert (info.name, info.version, info.sdk_version) == ("python", "1", "1.8.0")
            assert query(bench.socket, "SELECT * FROM t") == [{"a": "x"}]
            assert manager.deregisterExtension(extension.uuid).code == 0
            assert manager.extensions() == {}
            answer = manager.deregisterExtension(extension.uuid)
            assert (answer.code, answer.message) == (1, "No extension UUID found")
    with pytest.raises(RuntimeError, match="no such table: t"):
        query(bench.socket, "SELECT * FROM t")


@pytest.mark.parametrize("name, table, sdk_version, message", [
    ("python", "u", "1.8.0", "Duplicate extension registered"),
    ("other", "u", "1.7.6", "Incompatible extension SDK version"),
    ("other", "t", "1.8.0", "Failed adding registry: Registry item t conflicts with another item "
                            "of the same name."),
    ("other", "osquery_info", "1.8.0", "Failed adding registry: Registry item osquery_info "
                                       "conflicts with another item of the same name."),
])
def test_refuses(bench, name, table, sdk_version, message):
    bench.worker()
    with Extension(bench.socket, {"t": TABLE}):
        refused = Extension(bench.socket, {table: TABLE}, name=name, sdk_version=sdk_version)
        assert (refused.status.code, refused.status.message) == (1, message)


def test_drops_an_extension_after_one_failed_ping(bench):
    bench.worker()
    with Extension(bench.socket, {"t": TABLE}, name="stays") as stays:
        goes = Extension(bench.socket, {"u": TABLE}, name="goes")
        eventually(lambda: goes.pings > 0)
        with Client(bench.socket) as manager:
            assert manager.extensions().keys() == {stays.uuid, goes.uuid}
            goes.close()
            eventually(lambda: manager.extensions().keys() == {stays.uuid})
        with Extension(bench.socket, {"u": TABLE}, name="goes") as again:
            assert again.status.code == 0
        assert stays.shutdowns == 0


def test_waits_for_the_first_socket_of_an_extension(bench):
    bench.worker("--extensions_timeout=2")
    begin = time.monotonic()
    Extension(bench.socket, {"t": TABLE}, serve=False)
    with Client(bench.socket) as manager:
        # Up to an interval until it is looked at, then the timeout.
        eventually(lambda: manager.extensions() == {})
    assert time.monotonic() - begin > 1.9


def test_tells_extensions_to_shut_down_at_a_graceful_end(bench):
    worker = bench.worker()
    with Extension(bench.socket, {"t": TABLE}) as extension:
        worker.terminate()
        assert worker.wait(PATIENCE) == 0
        assert extension.shutdowns == 1
        assert not pathlib.Path(extension.socket_path).exists()


def test_who_registers_waits_for_the_running_query(bench):
    worker = bench.worker()
    with bench.sleeping_query(worker, 5) as answers:
        query(bench.socket, "SELECT 1")
        assert answers == []  # this didn't
        extension = []
        waited = seconds(lambda: extension.append(Extension(bench.socket, {"t": TABLE})))
    extension[0].close()
    assert waited > 0.8


# --- what an extension is asked ---

COLUMNS = [("plain", "TEXT", 0), ("eid", "BIGINT", INDEX | OPTIMIZED),
           ("name", "TEXT", INDEX), ("more", "INTEGER", ADDITIONAL), ("quiet", "TEXT", HIDDEN)]


def contexts(extension):
    return [json.loads(request["context"]) for request in extension.requests
            if request["action"] == "generate"]


def constraints(context):
    return {column["name"]: [(each["op"], each["expr"]) for each in column["list"]]
            for column in context["constraints"] if column["list"]}


def test_the_context_is_osquerys_to_the_letter(bench):
    bench.worker()
    with Extension(bench.socket, {"t": Table(COLUMNS)}) as extension:
        query(bench.socket, "SELECT plain FROM t WHERE eid > 41 AND name = 'a\"b'")
        assert extension.requests == [{
            "action": "generate",
            "context": '{"constraints":['
                       '{"name":"eid","list":[{"op":4,"expr":"41"}],"affinity":"BIGINT"},'
                       '{"name":"more","list":[],"affinity":"INTEGER"},'
                       '{"name":"name","list":[{"op":2,"expr":"a\\"b"}],"affinity":"TEXT"},'
                       '{"name":"plain","list":[],"affinity":"TEXT"},'
                       '{"name":"quiet","list":[],"affinity":"TEXT"}],'
                       '"colsUsed":["plain","eid","name"],"colsUsedBitset":7}',
        }]


@pytest.mark.parametrize("where, expected", [
    ("eid = 5", [{"eid": [(2, "5")]}]),
    ("eid >= 5 AND eid < 9", [{"eid": [(32, "5"), (16, "9")]}]),
    ("eid <= 5", [{"eid": [(8, "5")]}]),
    ("eid = 1.5", [{"eid": [(2, "1.5")]}]),
    ("name > 'a'", [{}]),  # ranges over text stay at home
    ("name LIKE 'a%'", [{"name": [(65, "a%")]}]),
    ("name GLOB 'a*'", [{"name": [(66, "a*")]}]),
    ("name = ''", [{}]),  # an empty value, too
    ("name = NULL", [{}]),
    ("plain = 'x'", [{"plain": [(2, "x")]}]),  # no option means INDEX, for an extension's column
    ("quiet = 'x'", [{}]),
    ("more = 7 AND eid = 6", [{"more": [(2, "7")], "eid": [(2, "6")]}]),
    ("eid IN (1, 2, 3)", [{"eid": [(2, "1"), (2, "2"), (2, "3")]}]),
    ("name IN ('a', 'b')", [{"name": [(2, "a")]}, {"name": [(2, "b")]}]),
    ("eid + 1 = 5", [{}]),
])
def test_constraints(bench, where, expected):
    bench.worker()
    with Extension(bench.socket, {"t": Table(COLUMNS)}) as extension:
        assert query(bench.socket, f"SELECT eid FROM t WHERE {where}") == []
        assert [constraints(context) for context in contexts(extension)] == expected


def test_a_join_asks_for_each_row(bench):
    bench.worker()
    rows = [{"eid": "1"}, {"eid": "2"}]
    with Extension(bench.socket, {"t": Table(COLUMNS, rows)}) as extension:
        found = query(bench.socket, "WITH w(i) AS (VALUES (1), (2), (3)) "
                                    "SELECT t.eid FROM w CROSS JOIN t ON t.eid = w.i")
        assert found == [{"eid": "1"}, {"eid": "2"}]
        assert [constraints(context) for context in contexts(extension)] == \
            [{"eid": [(2, str(i))]} for i in (1, 2, 3)]


def test_count_uses_no_column(bench):
    bench.worker()
    with Extension(bench.socket, {"t": Table(COLUMNS, [{}, {}])}) as extension:
        assert query(bench.socket, "SELECT count(*) AS n FROM t") == [{"n": "2"}]
        [context] = contexts(extension)
        assert (context["colsUsed"], context["colsUsedBitset"]) == ([], 0)


def test_a_required_column_is_required(bench):
    bench.worker()
    table = Table([("path", "TEXT", REQUIRED), ("size", "BIGINT", 0)], [{"path": "/", "size": "1"}])
    with Extension(bench.socket, {"f": table}) as extension:
        with pytest.raises(RuntimeError, match="Table f was queried without a required column in "
                                               "the WHERE clause"):
            query(bench.socket, "SELECT * FROM f")
        assert extension.requests == []
        assert query(bench.socket, "SELECT size FROM f WHERE path = '/'") == [{"size": "1"}]


@pytest.mark.parametrize("type_, sent, shown", [
    ("TEXT", "x", "x"), ("TEXT", "", ""), ("BLOB", "x", "x"),
    ("INTEGER", "7", "7"), ("INTEGER", "-7", "-7"), ("INTEGER", "0x10", "16"),
    ("INTEGER", "010", "8"), ("INTEGER", "12ab", "12"), ("INTEGER", "ab", ""), ("INTEGER", "", ""),
    ("INTEGER", "5000000000", "705032704"), ("INTEGER", "9223372036854775808", ""),
    ("BIGINT", "5000000000", "5000000000"), ("BIGINT", "-9223372036854775808",
                                             "-9223372036854775808"),
    ("BIGINT", "9223372036854775808", ""), ("UNSIGNED BIGINT", "18446744073709551615", ""),
    ("DOUBLE", "1.5", "1.5"), ("DOUBLE", "2", "2.0"), ("DOUBLE", "1.5x", ""), ("DOUBLE", "", ""),
    ("TEXT", None, ""),
])
def test_values(bench, type_, sent, shown):
    bench.worker()
    row = {} if sent is None else {"a": sent}
    with Extension(bench.socket, {"t": Table([("a", type_, 0)], [row])}):
        null = shown == "" and type_ not in ("TEXT", "BLOB")  # a text is never NULL (run)
        assert query(bench.socket, "SELECT a, a IS NULL AS n FROM t") == \
            [{"a": shown, "n": str(int(null))}]


def test_an_extensions_failure_is_the_querys(bench):
    bench.worker()

    def fail(_request):
        raise ValueError("the store is not there")

    with Extension(bench.socket, {"t": Table([("a", "TEXT", 0)], fail)}) as extension:
        with pytest.raises(RuntimeError, match="the store is not there"):
            query(bench.socket, "SELECT * FROM t")
        extension.close()
        with pytest.raises(RuntimeError, match="Extension socket not available|no such table"):
            query(bench.socket, "SELECT * FROM t")


def test_an_extension_may_ask_while_it_is_asked(bench):
    bench.worker()
    seen = []

    def ask(request):
        with Client(bench.socket) as manager:
            seen.append(len(manager.extensions()))
        if constraints(json.loads(request["context"])) == {}:
            seen.append(query(bench.socket, "SELECT a FROM t WHERE a = 'inner'"))
            return [{"a": "outer"}]
        return [{"a": "inner"}]

    with Extension(bench.socket, {"t": Table([("a", "TEXT", INDEX)], ask)}) as extension:
        assert query(bench.socket, "SELECT a FROM t") == [{"a": "outer"}]
        assert seen == [1, 1, [{"a": "inner"}]]
        # The second database is made anew, and asks what the table looks like.
        assert [request["action"] for request in extension.requests] == \
            ["generate", "columns", "generate"]


def test_call_is_passed_on(bench):
    bench.worker()
    with Extension(bench.socket, {"t": TABLE}), Client(bench.socket) as manager:
        answer = manager.call("table", "t", {"action": "generate"})
        assert (answer.status.code, answer.response) == (0, [{"a": "x"}])
        answer = manager.call("table", "u", {"action": "generate"})
        assert (answer.status.code, answer.status.message) == (1, "Cannot call registry item: u")
        manager.shutdown()  # the core takes no notice
        assert manager.ping() == ExtensionStatus(0, "pong", 0)


# --- misbehaving ---


def test_grow_is_as_fast_as_said_and_stops(bench):
    worker = bench.worker()
    query(bench.socket, "SELECT 1")
    before, start = resident_mb(worker.pid), time.monotonic()
    query(bench.socket, "SELECT misbehave('grow:40:60')")
    for growth in (10, 20, 40):
        eventually(lambda: resident_mb(worker.pid) - before >= growth)
        assert time.monotonic() - start > 0.9 * (growth - 3) / 40
    assert time.monotonic() - start < 10
    eventually(lambda: resident_mb(worker.pid) - before >= 59)
    time.sleep(0.3)
    # AddressSanitizer, if built in, has a byte of its own for each eight.
    sanitized = "sanitize" in os.environ.get("WATCHDOG_BUILD_DIR", "")
    assert resident_mb(worker.pid) - before < (65 + 60 / 8 if sanitized else 65)


def test_spin_uses_cpu_and_sleep_does_not(bench):
    worker = bench.worker("--misbehave=spin:1")
    before = cpu_seconds(worker.pid)
    eventually(lambda: cpu_seconds(worker.pid) - before > 0.1)
    worker.kill()
    worker.wait()
    worker = bench.worker()
    before = cpu_seconds(worker.pid)
    query(bench.socket, "SELECT misbehave('sleep:0.5')")
    assert cpu_seconds(worker.pid) - before < 0.1


def test_ignore_term(bench):
    worker = bench.worker("--misbehave=ignore-term")
    worker.send_signal(signal.SIGUSR1)
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.7)
    assert query(bench.socket, "SELECT 1 AS a") == [{"a": "1"}]


@pytest.mark.parametrize("request_, code", [
    ("exit:3", 3), ("exit:78:0.2", 78), ("crash", -signal.SIGSEGV), ("crash:0.2", -signal.SIGSEGV)])
def test_exit_and_crash(bench, request_, code):
    worker = bench.worker(f"--misbehave={request_}", ready=False)
    assert worker.wait(PATIENCE) == code
    worker = bench.worker()
    with contextlib.suppress(Exception):
        query(bench.socket, f"SELECT misbehave('{request_}')")
    assert worker.wait(PATIENCE) == code


def test_hang(bench):
    worker = bench.worker()
    with pytest.raises(Exception):
        query(bench.socket, "SELECT misbehave('hang')", timeout=0.5)
    assert connects(bench.socket)
    with pytest.raises(Exception), Client(bench.socket, timeout=0.5) as manager:
        manager.ping()
    assert worker.poll() is None


def test_slow_socket(bench):
    begin = time.monotonic()
    worker = bench.worker("--misbehave=slow-socket:1", ready=False)
    eventually(lambda: connects(bench.socket))
    assert time.monotonic() - begin > 0.9
    worker.kill()
    worker.wait()
    bench.socket.unlink()
    worker = bench.worker("--misbehave=slow-socket:30", ready=False)
    # The last thing that it does about signals; from then on it takes SIGTERM itself.
    eventually(lambda: signal.SIGPIPE in signals(worker.pid, "SigIgn"))
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.3)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0


def test_misbehaving_from_a_flagfile(bench):
    flagfile = bench.folder / "flags"
    flagfile.write_text("--misbehave=exit:5\n")
    assert bench.worker(f"--flagfile={flagfile}", ready=False).wait(PATIENCE) == 5


# --- the second stand-in ---


def test_the_extension_has_a_table(bench):
    bench.worker()
    extension = bench.extension()
    [row] = query(bench.socket, "SELECT * FROM stand_in")
    assert row["pid"] == str(extension.pid) and row["timeout"] == "3" and row["interval"] == "1"
    assert (row["path"], row["socket"], row["misbehave"]) == (str(EXT), str(bench.socket), "")
    before = resident_mb(extension.pid)
    [row] = query(bench.socket, "SELECT misbehave FROM stand_in WHERE misbehave = 'grow:200:30'")
    assert row == {"misbehave": "grow:200:30"}
    eventually(lambda: resident_mb(extension.pid) - before > 28)
    with pytest.raises(RuntimeError, match="cannot misbehave as 'dance'"):
        query(bench.socket, "SELECT * FROM stand_in WHERE misbehave = 'dance'")


def test_the_extension_ends_with_the_worker(bench):
    worker = bench.worker()
    extension = bench.extension()
    worker.kill()
    assert extension.wait(PATIENCE) == 0
    worker.wait()
    worker = bench.worker()
    extension = bench.extension()
    worker.terminate()
    assert extension.wait(PATIENCE) == 0


def test_the_extension_ends_when_it_is_dropped(bench):
    bench.worker()
    extension = bench.extension()
    with Client(bench.socket) as manager:
        [uuid] = manager.extensions().keys()
        assert manager.deregisterExtension(uuid).code == 0
    assert extension.wait(PATIENCE) == 1


def test_the_extension_without_a_manager(bench):
    begin = time.monotonic()
    extension = bench.extension(timeout=1, registered=False)
    extension.wait(PATIENCE)
    assert time.monotonic() - begin > 0.9
    assert extension.returncode == 1 and extension.communicate()[1].count("\n") == 1


def test_the_extension_waits_for_a_manager(bench):
    extension = bench.extension(timeout=10, registered=False)
    time.sleep(0.5)
    bench.worker()
    eventually(bench.registered)
    assert extension.poll() is None
    extension.terminate()
    assert extension.wait(PATIENCE) == 0


def test_copies_of_the_extension_differ(bench):
    bench.worker()
    for name in ("calm.ext", "wild-one.ext"):
        (bench.folder / name).symlink_to(EXT)
    (bench.folder / "wild-one.ext.misbehave").write_text("exit:4:6\n")
    calm = bench.extension(path=bench.folder / "calm.ext")
    wild = bench.extension(path=bench.folder / "wild-one.ext", registered=False)
    eventually(lambda: query(bench.socket, "SELECT 1 FROM osquery_extensions "
                                           "WHERE name = 'wild_one'"))
    assert wild.wait(PATIENCE) == 4 and calm.poll() is None
    assert query(bench.socket, "SELECT pid FROM calm") == [{"pid": str(calm.pid)}]


def test_the_extension_is_refused_as_a_duplicate(bench):
    bench.worker()
    bench.extension("--name", "one")
    second = bench.extension(STAND_IN_NAME="one", registered=False)
    assert second.wait(PATIENCE) == 1
    assert "Duplicate extension registered" in second.communicate()[1]


def test_the_extension_misbehaves_from_its_environment(bench):
    bench.worker()
    extension = bench.extension(STAND_IN_EXT_MISBEHAVE="ignore-term")
    extension.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        extension.wait(0.5)
    assert bench.extension(registered=False, STAND_IN_EXT_MISBEHAVE="dance").wait(PATIENCE) == 2


# --- the client ---


def ask(bench, *arguments):
    return subprocess.run([QUERY, "--socket", bench.socket, *arguments], capture_output=True,
                          text=True, timeout=20)


def test_the_client_prints(bench):
    bench.worker()
    sql = "SELECT 1 AS number, 'é' AS text UNION ALL SELECT 22, 'x\"y'"
    assert ask(bench, sql).stdout == ("+--------+------+\n| number | text |\n+--------+------+\n"
                                      "| 1      | é    |\n| 22     | x\"y  |\n+--------+------+\n")
    assert ask(bench, "--line", sql).stdout == ("number = 1\n  text = é\n\n"
                                                "number = 22\n  text = x\"y\n")
    assert json.loads(ask(bench, "--json", sql).stdout) == [
        {"number": "1", "text": "é"}, {"number": "22", "text": "x\"y"}]
    assert ask(bench, "SELECT 1 WHERE 0").stdout == ""
    assert json.loads(ask(bench, "--json", "SELECT 1 WHERE 0").stdout) == []


@pytest.mark.parametrize("arguments, code", [
    (["SELECT"], 1), (["--timeout", "0.3", "SELECT misbehave('sleep:2')"], 1), ([], 2),
    (["a", "b"], 2), (["--what", "SELECT 1"], 2)])
def test_the_client_fails_with_one_line(bench, arguments, code):
    bench.worker()
    done = ask(bench, *arguments)
    assert done.returncode == code and done.stdout == "" and done.stderr.count("\n") == 1


def test_the_client_without_a_manager(bench):
    done = ask(bench, "SELECT 1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
