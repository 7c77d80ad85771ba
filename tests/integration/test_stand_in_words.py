"""What the stand-in says about the query it runs, and which thread runs it, is as with osqueryd."""

import os
import pathlib
import re
import signal
import threading

import pytest

from harness import PATIENCE
from osquery_api import query
from test_stand_in import EXT, OSQUERYD, bench, eventually  # noqa: F401 (a fixture)

PREFIX = r"(?m)^{0}\d{{4}} \d\d:\d\d:\d\d\.\d{{6}} +\d+ [a-z]+\.cpp:\d+\] {1}$"


def said(text, severity, words):
    return re.search(PREFIX.format(severity, re.escape(words)), text) is not None


def schedule(bench, *lines):
    path = bench.folder / "schedule"
    path.write_text("".join(f"{line}\n" for line in lines))
    return f"--schedule={path}"


def ask(bench, name, sql):
    """A distributed query; as a whole or not at all."""
    folder = bench.folder / "asked"
    folder.mkdir(exist_ok=True)
    (folder / f".{name}").write_text(sql)
    (folder / f".{name}").rename(folder / name)
    return f"--distributed={folder}"


def answer(bench, name):
    path = bench.folder / "asked" / ".answers" / name
    return eventually(lambda: path.exists() and path.read_text())


def ended(worker, signo=signal.SIGTERM):
    """What it has written to stderr."""
    worker.send_signal(signo)
    return worker.communicate(timeout=PATIENCE)[1]


def threads(pid, of_each):
    """Name to what @of_each says about that thread's directory, of the threads that don't end."""
    found = {}
    for path in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found[(path / "comm").read_text().strip()] = of_each(path)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def cpu_ticks(path):
    fields = (path / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def executed(bench, name):
    rows = query(bench.socket, f"SELECT executions FROM osquery_schedule WHERE name = '{name}'")
    return rows and int(rows[0]["executions"]) > 0


# --- words ---


@pytest.mark.parametrize("flag, words", [
    ("--schedule_lognames", "Executing scheduled query one"),
    ("--verbose", "Executing scheduled query one: SELECT 1, 'two words'"),
])
def test_says_which_scheduled_query_it_executes(bench, flag, words):
    worker = bench.worker(schedule(bench, "one 0.1 SELECT 1, 'two words'"), flag)
    eventually(lambda: executed(bench, "one"))
    assert said(ended(worker), "I", words)


def test_reads_a_new_schedule(bench):
    flag = schedule(bench, "one 0.1 SELECT 1")
    bench.worker(flag)
    eventually(lambda: executed(bench, "one"))
    schedule(bench, "another 0.1 SELECT 1")
    eventually(lambda: executed(bench, "another"))
    assert not executed(bench, "one")


@pytest.mark.parametrize("flag", ["--distributed_loginfo", "--verbose"])
def test_says_which_distributed_query_it_executes(bench, flag):
    worker = bench.worker(ask(bench, "fleet_1", "SELECT 1,\n  2"), flag)
    assert answer(bench, "fleet_1") == "0"
    ask(bench, "fleet_2", "SELECT 3")
    assert answer(bench, "fleet_2") == "0"
    text = ended(worker)
    assert said(text, "I", "Executing distributed query: fleet_1: SELECT 1,\n  2")
    assert said(text, "I", "Executing distributed query: fleet_2: SELECT 3")


def test_says_nothing_unless_asked_to(bench):
    worker = bench.worker(schedule(bench, "one 0.1 SELECT 1"), ask(bench, "1", "SELECT 1"))
    eventually(lambda: executed(bench, "one"))
    assert answer(bench, "1") == "0"
    assert ended(worker) == ""


def test_says_it_before_the_query_begins(bench):
    worker = bench.worker(ask(bench, "1", "SELECT misbehave('sleep:1000')"),
                          "--distributed_loginfo")
    assert said(worker.stderr.readline(), "I",
                "Executing distributed query: 1: SELECT misbehave('sleep:1000')")


@pytest.mark.parametrize("flags, on_stderr, in_file", [
    ((), True, True),
    (("--logger_stderr=false",), False, True),
    (("--logger_min_stderr=1",), False, True),
    (("--logger_min_status=1",), False, False),
    (("--logger_min_status=1", "--verbose"), True, True),
    (("--logger_plugin=tls", "--logger_stderr=false"), True, False),
])
def test_writes_the_status_log(bench, flags, on_stderr, in_file):
    logs = bench.folder / "logs"
    logs.mkdir()
    worker = bench.worker(ask(bench, "1", "SELECT 1"), "--distributed_loginfo",
                          f"--logger_path={logs}", *flags)
    assert answer(bench, "1") == "0"
    words = "Executing distributed query: 1: SELECT 1"
    assert said(ended(worker), "I", words) == on_stderr
    link = logs / "osqueryd.INFO"
    assert link.is_symlink() == in_file
    if in_file:
        assert re.fullmatch(rf"osqueryd\.INFO\.\d{{8}}-\d{{6}}\.{worker.pid}", os.readlink(link))
        assert link.read_text().startswith("Log file created at: ")
        assert said(link.read_text(), "I", words)
        assert not (logs / "osqueryd.WARNING").exists()


def test_a_warning_stands_in_both_files(bench):
    logs, database = bench.folder / "logs", bench.folder / "db"
    logs.mkdir()
    database.mkdir()
    (database / "executing").write_text("one")
    ended(bench.worker(f"--logger_path={logs}", f"--database_path={database}"))
    for name in ("INFO", "WARNING"):
        assert said((logs / f"osqueryd.{name}").read_text(), "W",
                    "Scheduled query may have failed: one")


# --- denylisting ---


def test_refuses_the_distributed_query_that_it_died_of(bench):
    flag = f"--database_path={bench.folder / 'db'}"
    worker = bench.worker(ask(bench, "1", "SELECT misbehave('crash')"), flag, ready=False)
    assert worker.wait(PATIENCE) == -signal.SIGSEGV
    worker = bench.worker(ask(bench, "2", "SELECT misbehave('crash')"), flag)
    assert answer(bench, "2") == "1 distributed query is denylisted"
    ask(bench, "3", "SELECT 'another one'")
    assert answer(bench, "3") == "0"
    ended(worker)
    worker = bench.worker(ask(bench, "4", "SELECT 'another one'"), flag)
    assert answer(bench, "4") == "0"
    ended(worker)
    for mark in (bench.folder / "db" / "distributed_running").iterdir():
        mark.write_text("0")  # long ago
    worker = bench.worker(ask(bench, "5", "SELECT misbehave('crash')"), flag, ready=False)
    assert worker.wait(PATIENCE) == -signal.SIGSEGV


# --- threads ---


@pytest.mark.parametrize("name", ["SchedulerRunner", "DistributedRunn", "ExtensionRunner"])
def test_the_thread_that_executes_uses_the_cpu(bench, name):
    sql = "SELECT misbehave('burn:1000')"
    flags = {"SchedulerRunner": lambda: [schedule(bench, f"one 0.1 {sql}")],
             "DistributedRunn": lambda: [ask(bench, "1", sql)],
             "ExtensionRunner": lambda: []}[name]()
    worker = bench.worker(*flags)
    if name == "ExtensionRunner":
        threading.Thread(target=lambda: pytest.raises(Exception, query, bench.socket, sql, 60),
                         daemon=True).start()
    eventually(lambda: threads(worker.pid, cpu_ticks).get(name, 0) >= 20)
    assert sum(threads(worker.pid, cpu_ticks).values()) < \
        2 * threads(worker.pid, cpu_ticks)[name]
    worker.kill()


def waits_in(path):
    return (path / "wchan").read_text()


def test_runners_without_work_wait_in_a_futex_and_a_sleeping_query_does_not(bench):
    worker = bench.worker(schedule(bench, "one 1000 SELECT 1"),
                          ask(bench, "1", "SELECT misbehave('sleep:1000')"))
    eventually(lambda: "futex" in threads(worker.pid, waits_in).get("SchedulerRunner", ""))
    eventually(lambda: "nanosleep" in threads(worker.pid, waits_in).get("DistributedRunn", ""))


# --- last words ---


def test_says_what_it_is_asked_to(bench):
    worker = bench.worker("--misbehave=say:No%2C never%3A %C3%BC,exit:3", ready=False)
    assert worker.communicate(timeout=PATIENCE)[1] == "No, never: ü\n" and worker.returncode == 3


def test_aborts_with_last_words(bench):
    worker = bench.worker("--misbehave=abort", ready=False)
    assert worker.communicate(timeout=PATIENCE)[1].endswith("what():  std::bad_alloc\n")
    assert worker.returncode == -signal.SIGABRT


def test_floods(bench):
    worker = bench.spawn(EXT, "--socket", bench.socket, STAND_IN_EXT_MISBEHAVE="flood:20:0.5,exit:1")
    text = worker.communicate(timeout=PATIENCE)[1]
    assert 9e6 < len(text) < 12e6 and text.endswith("of a great many\n")


def test_help_lists_its_flags(bench):
    done = bench.spawn(OSQUERYD, "--help")
    text = done.communicate(timeout=PATIENCE)[0]
    assert done.returncode == 0
    assert re.search(r"(?m)^    --distributed_loginfo +$", text)
