"""osquery-watchdogctl as people see it: status and events at a terminal, explain."""

import csv
import io
import json
import re
import sqlite3
import subprocess
import time
import unicodedata

import pytest

from harness import BUILD, CTL, PATIENCE
from terminal import Terminal

MAKE_HISTORY = BUILD / "tests" / "make-history"
COLOUR = re.compile(r"\x1b\[[0-9]+m")
DAY = 86400


@pytest.fixture
def files(tmp_path):
    subprocess.run([MAKE_HISTORY, tmp_path], check=True, timeout=60)
    return tmp_path


def command(directory, *arguments):
    return [CTL, f"--state_dir={directory}", f"--runtime_dir={directory}", *arguments]


def run(directory, *arguments, **options):
    return subprocess.run(command(directory, *arguments), capture_output=True, text=True,
                          timeout=PATIENCE, **options)


def good(directory, *arguments):
    done = run(directory, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def at_terminal(directory, *arguments, **terminal):
    """The lines that are shown there."""
    with Terminal(command(directory, *arguments), **terminal) as shown:
        text, code = shown.rest()
    assert code == 0
    return text.replace("\r\n", "\n").splitlines()


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in COLOUR.sub("", text))


# --- status ---


@pytest.mark.parametrize("columns", [20, 60, 80, 100, 120, 200])
def test_status_fits_the_terminal(files, columns):
    lines = at_terminal(files, "status", columns=columns)
    assert len(lines) == 4
    assert all(width(line) <= columns for line in lines)
    assert COLOUR.search(lines[2])
    assert ("4001" in lines[2]) == (columns >= 100)


def test_status_at_eighty_columns_tells_the_last_event(files):
    database = sqlite3.connect(files / "status.db")
    database.execute("UPDATE processes SET name = 'osquery-watchdog.ext', enforced = 0"
                     " WHERE name = 'worker'")
    database.commit()
    lines = at_terminal(files, "status", columns=80)
    assert "LAST EVENT" in lines[0]
    assert "\x1b[32m█░░░ 2.5 %\x1b[0m" in lines[2]
    assert re.fullmatch(r"osquery-watchdog\.ext  █░░░ 2\.5 %  █░░░ 85\.3 MiB  up 2h, limits off  +"
                        r"started 1[12]m…", COLOUR.sub("", lines[2]))
    database.execute("UPDATE processes SET registered = 0, responsive = 0")
    database.commit()
    lines = at_terminal(files, "status", columns=80)
    assert "  up 2h, not registered  started" in COLOUR.sub("", lines[2])
    database.execute("UPDATE processes SET sustained_latency = 6, latency_limit = 12")
    database.commit()
    lines = at_terminal(files, "status", columns=80)
    assert "  up 2h, over CPU 6/12s  started" in COLOUR.sub("", lines[2])
    database.close()


@pytest.mark.parametrize("how", [{"NO_COLOR": "1"}, {"term": "dumb"}])
def test_colours_can_be_forbidden(files, how):
    for arguments in (["status"], ["events"], ["explain", "4"]):
        assert not any("\x1b" in line for line in at_terminal(files, *arguments, **how))


def test_the_environment_tells_the_width_when_the_terminal_does_not(files):
    lines = at_terminal(files, "status", columns=0, COLUMNS="40")
    assert max(width(line) for line in lines) == 40
    lines = at_terminal(files, "status", columns=0)
    assert max(width(line) for line in lines) <= 80


@pytest.mark.parametrize("locale, bar", [("C.UTF-8", "██░░░░░░"), ("C", "##------")])
def test_status_in_a_file_is_plain_and_complete(files, locale, bar):
    done = run(files, "status", env={"LC_ALL": locale, "TERM": "xterm", "COLUMNS": "20"})
    lines = done.stdout.splitlines()
    assert re.fullmatch(rf"worker +4001 +1 +{bar}  2\.5/10 % .* running 2h 5m +started 1[12]m ago",
                        lines[2])
    assert "\x1b" not in done.stdout


def processes(directory, **columns):
    """Changes the worker's row of status.db; the connection keeps the write-ahead log."""
    database = sqlite3.connect(directory / "status.db")
    for name, value in columns.items():
        database.execute(f"UPDATE processes SET {name} = ? WHERE name = 'worker'", [value])
    database.commit()
    return database


@pytest.mark.parametrize("columns, words", [
    ({"state": "terminating"}, "being stopped"),
    ({"state": "killing"}, "being killed"),
    ({"state": "stuck"}, "stuck, survives SIGKILL"),
    ({"state": "stopped"}, "stopped"),
    ({"state": "waiting"}, "starting"),
    ({"state": "abandoned", "next_start_time": int(time.time()) + DAY}, "given up, tried again in"),
    ({"enforced": 0}, "running 2h 5m, limits off"),
    ({"sustained_latency": 6, "latency_limit": 12},
     "running 2h 5m, over its CPU limit for 6 of 12s"),
    ({"registered": 0, "responsive": 0, "enforced": 0},
     "running 2h 5m, not registered, not answering, limits off"),
    ({"state": "dancing\x1b[31m"}, r"dancing\x1b[31m"),
    ({"utilization": None, "footprint": None}, "- "),
    ({"utilization_limit": None, "memory_limit": None}, "2.5 %"),
])
def test_status_says_what_a_process_is_doing(files, columns, words):
    database = processes(files, **columns)
    assert words in good(files, "status").splitlines()[2]
    assert "\x1b[31m" not in "".join(at_terminal(files, "status", columns=200, NO_COLOR="1"))
    database.close()


# --- events ---


def test_events_at_a_terminal_are_coloured_by_gravity(files):
    lines = at_terminal(files, "events")
    assert "\x1b[33mlimit_exceeded" in lines[2]
    assert "\x1b[1mprocess_terminated" in lines[3]
    assert "because of 3" in lines[3]
    # What is in the data stays visible text.
    assert r"\x1b[31mred\x1b[0m\nline" in lines[5]
    assert "\x1b[31m" not in lines[5]


# --- explain ---


class History:
    """A history to which rows are added as they are; open, for that keeps the write-ahead log."""

    def __init__(self, directory):
        self.directory = directory
        self.database = sqlite3.connect(directory / "history.db")
        self.database.execute("DELETE FROM events")

    def add(self, eid, event, **columns):
        row = {"eid": eid, "time": int(time.time()) - 1000 + eid, "run_id": "run", "event": event,
               "role": "worker", "name": "worker", "pid": 10, "message": f"{event} {eid}",
               **columns}
        row = {name: value for name, value in row.items() if value is not None}
        self.database.execute(
            f"INSERT INTO events({', '.join(row)}) VALUES({', '.join('?' * len(row))})",
            list(row.values()))
        self.database.commit()

    def explain(self, *arguments):
        return good(self.directory, "explain", *arguments)


@pytest.fixture
def history(files):
    history = History(files)
    yield history
    history.database.close()


DETAILS = {"busiest_threads": [{"tid": 11, "name": "sched\x1bule", "cpu_ms": 2950},
                               {"tid": 10, "name": "osqueryd", "cpu_ms": 0}],
           "interval_ms": 3000, "threads": 2, "descriptors": 50, "anonymous_bytes": 300 << 20,
           "file_bytes": 1 << 20, "shared_bytes": 0, "swap_bytes": 0, "partial": False}


def killed_for_memory(history):
    measured = {"reason": "memory", "measured": 314572800, "limit_value": 209715200, "unit": "bytes"}
    history.add(1, "process_started")
    history.add(2, "limit_exceeded", **measured, details=json.dumps(DETAILS))
    history.add(3, "process_exited", role="extension", name="a.ext", pid=20, reason="worker_gone",
                exit_code=0, cause_eid=2)
    history.add(4, "process_terminated", **measured, peak=441450496, baseline=50331648,
                cause_eid=2, lifetime_ms=7500000,
                signals_sent="USR1,TERM,KILL", duration_ms=4120, outcome="killed", exit_signal=9)
    history.add(5, "respawn_delayed", pid=None, reason="memory", delay=5, cause_eid=4)
    history.add(6, "process_started", pid=11)
    history.add(7, "query_denylisted", pid=11, query_name="all_\x1b[31mfiles",
                query="SELECT * FROM file", cause_eid=4, lifetime_ms=10)
    history.add(8, "process_exited", pid=11, reason="exit", exit_code=3)


MEMORY_STORY = r"""worker\[10\]: killed: over its memory limit, 16m ago \(....-..-.. ..:..:..\)

Why         It used 300 MiB of memory more than the 48 MiB at its start; the limit """ \
r"""is 200 MiB\. It grew to 421 MiB before it was gone\. It had lived 2h 5m\.
Threads     sched\\x1bule\[11\] 2950 ms of CPU time in the last 3\.0 s
Memory      anonymous 300 MiB, files 1 MiB, shared 0 B, swapped 0 B; 50 open files
Query       all_\\x1b\[31mfiles, which osquery denylisted for a day: SELECT \* FROM file
Signals     USR1,TERM,KILL; gone after 4\.1 s: it had to be killed
Timeline    .{19}  2   limit_exceeded 2
            .{19}  3   process_exited 3
            .{19}  4   process_terminated 4
            .{19}  5   respawn_delayed 5
            .{19}  6   process_started 6
            .{19}  7   query_denylisted 7
Change      Fix the scheduled query all_\\x1b\[31mfiles to read less at a time\. If it is worth """ \
r"""that much memory, set --watchdog_memory_limit=650\.
"""


@pytest.mark.parametrize("eid", [2, 3, 4, 5, 7])
def test_any_event_of_the_chain_tells_the_story(history, eid):
    killed_for_memory(history)
    story = history.explain(str(eid))
    assert re.search(rf" {eid}\*  ", story)
    assert re.fullmatch(MEMORY_STORY, story.replace(f"{eid}* ", f"{eid}  "))


def test_the_start_of_a_process_tells_its_end(history):
    killed_for_memory(history)
    assert "killed: over its memory limit" in history.explain("1")
    assert history.explain("6").startswith("worker[11]: exited with status 3")


def test_without_an_eid_the_newest_end_is_explained(history):
    killed_for_memory(history)
    assert history.explain().startswith("worker[11]: exited with status 3")
    history.add(9, "process_terminated", pid=12, reason="request", outcome="graceful")
    history.add(10, "process_exited", role="extension", name="a.ext", reason="worker_gone")
    assert history.explain().startswith("worker[11]: exited with status 3")


def test_nothing_to_explain(history):
    history.add(1, "process_started")
    done = run(history.directory, "explain")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "nothing to explain" in done.stderr


def test_explain_for_programs_is_the_rows_of_the_chain(history):
    killed_for_memory(history)
    rows = json.loads(good(history.directory, "--json", "explain", "4"))
    assert [row["eid"] for row in rows] == [2, 3, 4, 5, 6, 7]
    assert rows[2]["signals_sent"] == "USR1,TERM,KILL"
    rows = list(csv.DictReader(io.StringIO(good(history.directory, "--csv", "explain", "7"))))
    assert [row["eid"] for row in rows] == ["2", "3", "4", "5", "6", "7"]


def test_a_story_of_cpu_that_repeats_itself(history):
    for eid in (2, 3, 4):
        history.add(eid, "process_terminated", role="extension", name="a.ext", reason="cpu",
                    measured=900 * eid, limit_value=600, unit="ms", utilization=15.0 * eid,
                    utilization_limit=10, sustained=12, signals_sent="TERM", duration_ms=20,
                    outcome="graceful", lifetime_ms=65000)
    story = history.explain("4")
    assert ("It used 60.0 % of all CPUs (3600 ms where 600 ms are allowed); the limit is 10 %, and "
            "it had been over it for 12 s. It had lived 1m 5s. That happened 3 times within a day."
            in story)
    assert "Signals     TERM; gone after 20 ms: it exited gracefully" in story
    assert "--watchdog_utilization_limit=75" in story
    assert "Query" not in story  # it is no worker
    # What came later is no part of it; what is older than a day neither.
    assert "2 times" in history.explain("3")
    history.database.execute("UPDATE events SET time = time - ? WHERE eid = 2", [DAY])
    history.database.commit()
    assert "2 times" in history.explain("4")


def test_an_end_from_before_the_limit_was_raised(files, history):
    history.add(1, "process_terminated", reason="memory", measured=100 << 20,
                limit_value=60 << 20, time=int(time.time()) - 5 * DAY)
    assert "The limit has been raised to 200 MiB since" in history.explain("1")
    database = processes(files, memory_limit=149 << 20)
    assert "--watchdog_memory_limit=150" in history.explain("1")
    database.execute("UPDATE processes SET memory_limit = ?", [400 << 20])
    database.commit()
    assert "The limit has been raised to 400 MiB since" in history.explain("1")
    database.close()
    # As copied from another host: the history alone tells.
    (files / "status.db").unlink()
    assert "--watchdog_memory_limit=150" in history.explain("1")
    history.add(2, "settings_changed", details='{"settings":[{"name":"watchdog_memory_limit",'
                                               '"old":"60","new":"400"}]}')
    assert "The limit has been raised to 400 MiB since" in history.explain("1")


def test_a_worker_without_a_known_query(history):
    history.add(1, "process_terminated", reason="memory", measured=314572800,
                limit_value=209715200)
    assert "Query       Not known" in history.explain("1")


@pytest.mark.parametrize("details", ["no json", "[]", "5", '{"busiest_threads":7}',
                                     '{"busiest_threads":[1,"x",{"cpu_ms":"much"},{"cpu_ms":3}]}',
                                     '{"anonymous_bytes":"many","interval_ms":-5}',
                                     # SQLite's own parser takes an object for a key.
                                     '{"busiest_threads":[{{"":"","":"","":"","":""}:0}]}'])
def test_odd_details_spoil_no_story(history, details):
    history.add(1, "limit_exceeded", reason="memory", measured=2, limit_value=1, details=details)
    assert history.explain("1").startswith("worker[10]: over its memory limit")


def test_causes_in_a_circle_or_gone(history):
    history.add(1, "process_exited", reason="exit", exit_code=1, cause_eid=2)
    history.add(2, "process_exited", reason="exit", exit_code=2, cause_eid=1)
    history.add(3, "process_exited", pid=30, reason="exit", exit_code=3, cause_eid=-7)
    history.add(9, "process_exited", pid=40, reason="exit", exit_code=4, cause_eid=8)
    assert "exited with status 2" in history.explain("2")
    assert "exited with status 3" in history.explain("3")
    assert "exited with status 4" in history.explain("9")


def test_a_long_timeline_is_cut(history):
    history.add(1, "process_exited", reason="signal", exit_signal=9)
    for eid in range(2, 40):
        history.add(eid, "process_exited", role="extension", name=f"{eid}.ext", pid=eid,
                    reason="worker_gone", cause_eid=1)
    story = history.explain("1")
    assert "and 19 more (--json shows all)" in story
    assert "Somebody else sent it SIGKILL" in story


@pytest.mark.parametrize("columns", [40, 80, 132])
def test_a_story_fits_the_terminal(history, columns):
    killed_for_memory(history)
    lines = at_terminal(history.directory, "explain", "4", columns=columns)
    assert all(width(line) <= columns for line in lines)
    assert "\x1b[31mfiles" not in "\n".join(lines)


@pytest.mark.parametrize("eid, code, message", [
    ("99", 1, "explain 99: the history has no such event"),
    ("-1", 2, "Unknown option -1"),
    ("x", 2, "explain x: is no event's number, expected an eid such as 42"),
])
def test_explain_of_what_is_none(files, eid, code, message):
    done = run(files, "explain", eid)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"osquery-watchdogctl: {message}\n"


def test_explain_of_a_kind_of_a_newer_version(history):
    history.add(1, "process_danced")
    history.add(2, "process_exited", reason="exit", exit_code=4, cause_eid=1)
    done = run(history.directory, "explain", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "osquery-watchdogctl: explain 1: the event is of a newer version than this\n"
    assert "exited with status 4" in history.explain("2")


def test_explain_without_a_history(tmp_path):
    done = run(tmp_path, "explain", "1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{tmp_path}/history.db: No such file or directory" in done.stderr


def test_a_long_history_is_explained_in_time(tmp_path):
    """One pass over it, and none for each of the like ends: that would take minutes."""
    subprocess.run([MAKE_HISTORY, tmp_path, "100000"], check=True, timeout=PATIENCE)
    assert "times within a day" in good(tmp_path, "explain")
    assert "the limit is 200 MiB" in good(tmp_path, "explain", "4")


def test_the_story_of_a_query_over_the_memory_limit(stand_in):
    """The whole way: a scheduled query that grows, its end, what osquery makes of it, the advice."""
    schedule = stand_in.directory / "schedule"
    # That it spins makes its thread one of the busiest, however quickly it is over its limit. Only what it
    # has of its own counts: with the libraries' pages, the advice would be to leave those out.
    schedule.write_text("heavy 2 SELECT misbehave('spin:1,grow:800:200,sleep:30')\n")
    stand_in.flags("--extensions_interval=1", "--extensions_timeout=1",
                   "--watchdog_memory_limit=120", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=1", f"--schedule={schedule}")
    stand_in.start("--memory_metric=private", tables=True)
    told = stand_in.wait_event("event = 'query_denylisted'")
    done = stand_in.ctl("explain", str(told["eid"]))
    assert (done.returncode, done.stderr) == (0, "")
    for part in (f"worker[{stand_in.event('event = ' + repr('process_terminated'))['pid']}]: "
                 "killed: over its memory limit", "the limit is 120 MiB", "spin[", "anonymous",
                 "Query       heavy, which osquery denylisted", "Signals     USR1,TERM,KILL; gone after",
                 "Fix the scheduled query heavy", "--watchdog_memory_limit="):
        assert part in done.stdout, part
