"""A history.db as version 0.1.0 wrote it: what reads it, and what brings it up to date."""

import json
import os
import signal
import sqlite3

from harness import NO_BACK_OFF, eventually
from test_observe import stock  # noqa: F401, a fixture

# Never change it: there are such files.
VERSION_0_1_0 = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE events(eid INTEGER PRIMARY KEY, time INTEGER NOT NULL, run_id TEXT NOT NULL,
  event TEXT NOT NULL, role TEXT NOT NULL, name TEXT, path TEXT, pid INTEGER, reason TEXT,
  measured INTEGER, limit_value INTEGER, unit TEXT, utilization REAL, utilization_limit INTEGER,
  sustained INTEGER, outcome TEXT, exit_code INTEGER, exit_signal INTEGER, signals_sent TEXT,
  duration_ms INTEGER, lifetime_ms INTEGER, delay INTEGER, restarts INTEGER, query_name TEXT,
  query TEXT, cause_eid INTEGER, details TEXT, message TEXT) STRICT;
CREATE INDEX events_time ON events(time);
CREATE INDEX events_event_time ON events(event, time);
CREATE TABLE run(id INTEGER PRIMARY KEY CHECK(id = 0), run_id TEXT NOT NULL, boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL, base INTEGER NOT NULL) STRICT;
INSERT INTO run VALUES(0, 'old', 'boot', 7, 0);
INSERT INTO events(eid, time, run_id, event, role, name, pid, reason, measured, limit_value, unit,
  outcome, message) VALUES
  (1, unixepoch() - 60, 'old', 'watchdog_started', 'watchdog', 'watchdog', 7,
   NULL, NULL, NULL, NULL, NULL, 'started'),
  (2, unixepoch() - 50, 'old', 'process_terminated', 'worker', 'worker', 8,
   'memory', 314572800, 209715200, 'bytes', 'killed', 'stopped: memory'),
  (3, unixepoch() - 40, 'old', 'watchdog_stopped', 'watchdog', 'watchdog', 7,
   'request', NULL, NULL, NULL, NULL, 'stopped');
PRAGMA application_id = 1331127368;
PRAGMA user_version = 1;
"""


def write_history(watchdog):
    watchdog.state_dir.mkdir(mode=0o700)
    path = watchdog.state_dir / "history.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(VERSION_0_1_0)
    database.close()
    path.chmod(0o600)
    path.with_name("history.db-wal").touch(mode=0o600)  # our writer leaves it there
    return path


def kill_when_measured(watchdog, worker):
    eventually(lambda: (watchdog.status("worker") or {}).get("baseline_size"), "its baseline")
    os.kill(worker, signal.SIGKILL)


def check_up_to_date(watchdog, pid):
    """The old rows are as they were; the end of @pid has what is new."""
    old = watchdog.events("run_id = 'old'")
    assert [(row["eid"], row["event"], row["measured"], row["peak"], row["baseline"])
            for row in old] == [(1, "watchdog_started", None, None, None),
                                (2, "process_terminated", 314572800, None, None),
                                (3, "watchdog_stopped", None, None, None)]
    assert watchdog.event(f"pid = {pid} AND event = 'process_exited'")["baseline"] > 0
    assert watchdog.read(watchdog.state_dir / "history.db", "PRAGMA user_version") == [
        {"user_version": 3}]
    done = watchdog.ctl("--json", "query", "SELECT eid, reason FROM watchdog_terminations")
    ends = json.loads(done.stdout)
    assert ends[0] == {"eid": 2, "reason": "memory"} and len(ends) > 1
    assert not watchdog.events("event IN ('history_recovered', 'watchdog_crashed')")


def test_ctl_reads_it_as_it_is(watchdog):
    path = write_history(watchdog)
    before = path.read_bytes()
    done = watchdog.ctl("query", "SELECT eid, peak, baseline FROM watchdog_events WHERE eid > 1")
    assert done.returncode == 0 and not done.stderr
    done = watchdog.ctl("--json", "query", "SELECT * FROM watchdog_terminations")  # that it lacks
    assert done.returncode == 0 and not done.stderr and json.loads(done.stdout) == []
    assert len(watchdog.ctl("--json", "events").stdout.splitlines()) >= 3
    explained = watchdog.ctl("explain").stdout
    assert "It used 300 MiB of memory; the limit is 200 MiB." in explained
    assert "--watchdog_memory_limit=450" in explained
    assert watchdog.ctl("report", "--html", watchdog.directory / "report.html").returncode == 0
    assert path.read_bytes() == before


def test_watchdogd_brings_it_up_to_date(watchdog):
    write_history(watchdog)
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start()
    worker = watchdog.worker()
    kill_when_measured(watchdog, worker)
    watchdog.wait_event(f"pid = {worker} AND event = 'process_exited'")
    check_up_to_date(watchdog, worker)


def test_an_observer_brings_it_up_to_date(stock):  # noqa: F811
    write_history(stock)
    worker = stock.start().observed()
    kill_when_measured(stock, worker)
    stock.wait_event(f"pid = {worker} AND event = 'process_exited'")
    check_up_to_date(stock, worker)
