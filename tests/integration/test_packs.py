"""The pack and Fleet's files, as their users load them, asked through the stand-in: each event is
reported once, whatever goes by or restarts, each policy passes and fails when it should, and none of
them costs much on a full history."""

import collections
import json
import os
import re
import sqlite3
import subprocess
import time

import osquery_api
import pytest
import yaml
from harness import BUILD, CTL, MARK, PATIENCE, STAND_IN, eventually
from test_documents import ROOT

PACK = json.loads((ROOT / "docs/packs/watchdog.conf").read_text())
REPORTS = yaml.safe_load((ROOT / "docs/fleet/watchdog.reports.yml").read_text())
POLICIES = yaml.safe_load((ROOT / "docs/fleet/watchdog.policies.yml").read_text())
QUERIES = {name: entry["query"] for name, entry in PACK["queries"].items()}
LIVE = {entry["name"].split(": ")[1]: entry["query"] for entry in REPORTS if not entry["interval"]}
SNAPSHOTS = {entry["name"].split(": ")[1]: entry["query"] for entry in REPORTS
             if entry.get("logging") == "snapshot"}
POLICY = {entry["name"].split(": ")[1]: entry["query"] for entry in POLICIES}
WINDOW = 604800
SETTLED = 120  # how old an end must be
DAY = 86400


def words(sql):
    return re.findall(r"\w+|[^\w\s]", sql)


# --- what the files say ---


def test_the_pack_is_as_osquery_wants_it():
    assert set(PACK) == {"platform", "version", "queries"}
    for entry in [PACK, *PACK["queries"].values()]:
        assert entry["platform"] == "linux"
        assert re.fullmatch(r"5\.\d+\.\d+", entry["version"])
    for name, entry in PACK["queries"].items():
        assert re.fullmatch(r"\w+", name)
        assert (entry["snapshot"], entry["removed"], entry["denylist"]) == (False, False, False)
        assert 0 < entry["interval"] < WINDOW and entry["description"] and entry["value"]


@pytest.mark.parametrize("name", QUERIES)
def test_the_queries_are_bounded_by_an_index(directory, name):
    """What SQLite offers our table it offers osquery's: `time >`."""
    asked = subprocess.run(
        [CTL, f"--state_dir={directory}", f"--runtime_dir={directory}", "--csv", "query",
         f"EXPLAIN QUERY PLAN {QUERIES[name]}"], capture_output=True, text=True, check=True)
    assert re.search(r"VIRTUAL TABLE INDEX 0:.* [01]:4", asked.stdout)


@pytest.mark.parametrize("name", QUERIES)
def test_the_queries_read_only_what_never_changes(name):
    """A column of another row, or of another table, would have a row reported again. What is joined
    to an end mostly stands when it is old enough to be reported, but for these."""
    assert len(set(re.findall(r"FROM (\w+)", QUERIES[name]))) == 1 and "JOIN" not in QUERIES[name]
    assert not re.search("downtime_ms|denylisted,", QUERIES[name])
    assert "ORDER BY eid DESC LIMIT 99" in QUERIES[name]  # the newest: no older one returns


def test_fleets_reports_are_the_packs():
    scheduled = {entry["name"].split(": ")[1].replace(" ", "_"): entry
                 for entry in REPORTS if entry["interval"] and entry["logging"] != "snapshot"}
    assert scheduled.keys() == QUERIES.keys()
    for name, entry in scheduled.items():
        assert words(entry["query"]) == words(QUERIES[name])
        assert entry["interval"] == PACK["queries"][name]["interval"]
        assert entry["logging"] == "differential_ignore_removals"
        assert entry["automations_enabled"] is True


def test_one_report_is_for_fleets_own_page():
    """Which shows snapshots, of 1,000 rows of all hosts."""
    (entry,) = [entry for entry in REPORTS if entry.get("logging") == "snapshot"]
    assert entry["interval"] >= 3600 and entry["automations_enabled"] is False
    assert re.search(r"LIMIT [1-9]\)", entry["query"])


def test_fleet_finds_nothing_unknown_or_to_expand():
    known = {"name", "description", "query", "platform"}
    for entry in REPORTS:
        assert set(entry) <= known | {"interval", "logging", "automations_enabled",
                                      "observer_can_run"}
    for entry in POLICIES:
        assert set(entry) == known | {"resolution", "critical"}
    names = [entry["name"] for entry in REPORTS + POLICIES]
    assert len(names) == len(set(names))
    for name in ("reports", "policies"):  # GitOps replaces $NAME
        assert "$" not in (ROOT / f"docs/fleet/watchdog.{name}.yml").read_text()


# --- asking ---


class Differential:
    """What osquery logs of a scheduled query with `removed` false: the rows that the last run did
    not have. What that was lies in its database, and outlives it. A query that fails counts for
    nothing."""

    def __init__(self, ask):
        self.ask = ask
        self.previous = {}

    def run(self):
        """The eids that are reported now, by query."""
        reported = {}
        for name, sql in QUERIES.items():
            rows = self.ask(sql)
            if rows is None:
                continue
            now = collections.Counter(tuple(sorted(row.items())) for row in rows)
            added = now - self.previous.get(name, collections.Counter())
            self.previous[name] = now
            if added:
                reported[name] = sorted(int(dict(row)["eid"]) for row in added.elements())
        return reported


class Host:
    """A worker and the tables extension over a history of the test's own making."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory / "em"
        self.processes = []
        self.databases = {}
        subprocess.run([BUILD / "tests" / "make-history", directory, "1"], check=True)

    def start(self, *flags):
        environment = {**os.environ, MARK: str(self.directory)}
        self.processes = [
            subprocess.Popen([STAND_IN / "osqueryd", f"--extensions_socket={self.socket}",
                              f"--database_path={self.directory}/osquery.db", *flags],
                             env={**environment, "OSQUERY_WORKER": "1"}),
            subprocess.Popen([BUILD / "bin" / "osquery-watchdog.ext", "--socket", self.socket,
                              "--timeout", str(PATIENCE), "--interval", "1", "--noobserve",
                              f"--state_dir={self.directory}", f"--runtime_dir={self.directory}"],
                             env=environment)]
        eventually(lambda: self.ask("SELECT 1 FROM watchdog_events"), "the tables answer")

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(PATIENCE)
        self.processes = []

    def ask(self, sql):
        """None when it fails."""
        done = subprocess.run([STAND_IN / "stand-in-query", "--socket", self.socket, "--json", sql],
                              capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def passes(self, policy):
        # On a busy machine the manager may take the extension for gone, until it registers again.
        answers = eventually(lambda: [rows for rows in [self.ask(POLICY[policy])]
                                      if rows is not None], policy)
        return len(answers[0]) > 0

    def write(self, database, sql, *parameters):
        """Keeps the connection, for closing the last one removes the write-ahead log, which a
        history that no watchdog has ended must have."""
        if database not in self.databases:
            self.databases[database] = sqlite3.connect(self.directory / database, timeout=10,
                                                       isolation_level=None)
        return self.databases[database].execute(sql, parameters).lastrowid

    def event(self, event, age, reason=None, **columns):
        """Its eid."""
        values = {"time": int(time.time()) - age, "run_id": "r", "event": event, "role": "worker",
                  "name": "worker", "reason": reason, "message": f"{event}: {reason}", **columns}
        return self.write("history.db", f"INSERT INTO events ({', '.join(values)}) VALUES "
                                        f"({', '.join('?' * len(values))})", *values.values())

    def age(self, eid, seconds):
        """As if so much time had passed since the event."""
        self.write("history.db", "UPDATE events SET time = time - ? WHERE eid = ?", seconds, eid)

    def process(self, **columns):
        values = {"role": "extension", "name": "a.ext", "state": "running", "pid": 1, **columns}
        self.write("status.db", f"INSERT INTO processes ({', '.join(values)}) VALUES "
                                f"({', '.join('?' * len(values))})", *values.values())


@pytest.fixture
def host(directory):
    host = Host(directory)
    yield host
    host.stop()
    for database in host.databases.values():
        database.close()


# --- each event once ---


def test_each_event_is_reported_once(host):
    expected = {
        "terminations": [host.event("process_terminated", 600, "memory", measured=1 << 33,
                                    limit_value=200 << 20, unit="bytes", outcome="killed"),
                         host.event("process_terminated", DAY, "cpu", outcome="graceful"),
                         host.event("process_terminated", 600, "registration", outcome="killed"),
                         host.event("process_terminated", 600, "unresponsive", outcome="stuck"),
                         host.event("process_exited", 600, "oom", exit_signal=9),
                         host.event("process_exited", 600, "exit", exit_code=1,
                                    last_output="panic: no such thing"),
                         host.event("process_exited", 600, "signal", exit_signal=11)],
        "denylisted_queries": [host.event("query_denylisted", 60, query_name="q", cause_eid=1)],
        "lost_registrations": [host.event("extension_unregistered", 60, "registration")],
        "crash_loops": [host.event("respawn_delayed", 60, "exit", delay=7),
                        host.event("respawn_limit_reached", 60, "exit"),
                        host.event("spawn_failed", 60, "spawn")],
    }
    for kind, reason in (("process_terminated", "request"), ("process_terminated", "settings"),
                         ("process_exited", "registration"), ("process_exited", "worker_gone"),
                         ("process_exited", "worker_silent"), ("limit_exceeded", "memory"),
                         ("extension_unregistered", "worker_gone")):
        host.event(kind, 600, reason)
    for kind, reason in (("process_terminated", "memory"), ("query_denylisted", None),
                         ("extension_unregistered", "registration"), ("respawn_delayed", "exit")):
        host.event(kind, WINDOW + 60, reason)
    host.start()
    schedule = Differential(host.ask)
    assert schedule.run() == expected
    assert schedule.run() == {}

    # osquery starts again; its database doesn't.
    host.stop()
    assert schedule.run() == {}  # nothing answers
    host.start()
    assert schedule.run() == {}
    new = host.event("process_terminated", 0, "memory")
    assert schedule.run() == {}  # what follows isn't known yet
    host.age(new, SETTLED + 1)
    assert schedule.run() == {"terminations": [new]}
    assert schedule.run() == {}


def test_a_query_that_is_denylisted_is_in_the_row(host):
    end = host.event("process_terminated", 600, "memory", outcome="killed")
    host.event("query_denylisted", 590, query_name="heavy", query="SELECT 1", cause_eid=end)
    host.start()
    (row,) = host.ask(QUERIES["terminations"])
    assert (row["origin"], row["query_name"], row["query"]) == ("schedule", "heavy", "SELECT 1")


def test_what_leaves_the_window_is_not_reported_again(host):
    leaving = host.event("process_terminated", WINDOW - 600, "memory")
    staying = host.event("process_terminated", WINDOW - 3600, "memory")
    host.start()
    schedule = Differential(host.ask)
    assert schedule.run() == {"terminations": [leaving, staying]}
    assert schedule.run() == {}
    host.age(leaving, 601)
    assert schedule.run() == {}
    assert sum(schedule.previous["terminations"].values()) == 1


def test_the_schedule_runs_them(host):
    schedule = host.directory / "schedule"
    schedule.write_text("".join(f"pack_watchdog_{name} 0.1 {sql}\n" for name, sql in QUERIES.items()))
    host.start(f"--schedule={schedule}")
    eventually(lambda: len(host.ask("SELECT 1 FROM osquery_schedule WHERE executions > 2 "
                                    "AND denylisted = 0")) == len(QUERIES), "all have run")


def test_real_events_are_reported(stand_in):
    """A query over its limit, our own registration dropped by osquery, an extension that doesn't
    stay up."""
    stand_in.add_extension("one", "exit:1:0.5")
    schedule = stand_in.directory / "schedule"
    schedule.write_text("heavy 1 SELECT misbehave('grow:200:150,sleep:30')\n")
    stand_in.flags("--extensions_interval=1", "--watchdog_memory_limit=60", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=1", f"--schedule={schedule}")
    stand_in.start("--extension_give_up=abandon", tables=True)
    told = stand_in.wait_event("event = 'query_denylisted'")
    (ours,) = stand_in.query("SELECT uuid FROM osquery_extensions WHERE name = 'osquery_watchdog'")
    with osquery_api.Client(stand_in.socket) as manager:
        manager.deregisterExtension(int(ours["uuid"]))
    lost = stand_in.wait_event("event = 'extension_unregistered' AND reason = 'registration'")
    stand_in.wait_event("event = 'respawn_delayed' AND name = 'one.ext'")

    reported = Differential(
        lambda sql: stand_in.query(sql.replace(f"- {SETTLED}", "+ 1"))).run()
    assert told["cause_eid"] in reported["terminations"]
    others = set(reported["terminations"]) - {told["cause_eid"]}
    assert others and others <= {
        row["eid"] for row in stand_in.events("name = 'one.ext' AND reason = 'exit'")}
    assert reported["denylisted_queries"] == [told["eid"]]
    assert reported["lost_registrations"] == [lost["eid"]]
    assert reported["crash_loops"]
    (story,) = [row for row in stand_in.query(LIVE["what was killed here and why"])
                if row["name"] == "worker"]
    assert (story["reason"], story["query_name"], story["denylisted"]) == (
        "memory", "heavy", "heavy")
    assert int(story["downtime_ms"]) >= 0


# --- live queries and policies ---


@pytest.mark.parametrize("name, sql", [("latest terminations", SNAPSHOTS),
                                       ("what was killed here and why", LIVE)])
def test_what_was_killed_here_and_why(host, name, sql):
    old = host.event("process_terminated", WINDOW + 60, "memory")
    first = host.event("process_terminated", 3600, "memory", name="a.ext")
    host.event("query_denylisted", 3590, query_name="one", cause_eid=first)
    host.event("query_denylisted", 3590, query_name="two", cause_eid=first)
    host.event("query_denylisted", 3590, query_name="three", cause_eid=old)
    host.event("process_started", 3590, name="a.ext", duration_ms=1500)
    second = host.event("process_exited", 60, "oom")
    host.event("process_exited", 60, "worker_gone", name="a.ext")
    host.start()
    assert [(row["eid"], row["denylisted"] or None, row["downtime_ms"] or None)
            for row in host.ask(sql[name])] == [
        (str(second), None, None), (str(first), "one, two", "1500")]


def test_how_near_its_limits_each_process_is(host):
    host.process(footprint=50 << 20, memory_limit=200 << 20, utilization=2.5, utilization_limit=10)
    host.start()
    near = {row["name"]: row for row in host.ask(LIVE["how near its limits each process is"])}
    assert near["a.ext"]["memory_percent"] == "25" and float(near["a.ext"]["cpu_percent"]) == 25


def test_all_policies_pass_on_a_host_that_is_well(host):
    host.process(registered=1, start_time=int(time.time()) - 3600)
    host.start()
    assert [name for name in POLICY if not host.passes(name)] == []


@pytest.mark.parametrize("sql", ["UPDATE processes SET state = 'stopped' WHERE role = 'watchdog'",
                                 "UPDATE processes SET start_ticks = 1 WHERE role = 'watchdog'",
                                 "DELETE FROM processes"])
def test_a_watchdog_that_does_not_run_fails(host, sql):
    host.start()
    assert host.passes("it runs")
    host.write("status.db", sql)
    assert not host.passes("it runs")


@pytest.mark.parametrize("event", ["limit_exceeded", "would_terminate"])
def test_a_process_over_its_limits_fails_for_a_day(host, event):
    policy = "no process over its limits in the last 24 hours"
    host.event(event, DAY + 1, "memory")
    host.event("process_terminated", 60, "request")
    host.event("would_terminate", 60, "registration")  # under no limit
    host.start()
    assert host.passes(policy)
    eid = host.event(event, DAY - 600, "memory")
    assert not host.passes(policy)
    host.age(eid, 601)
    assert host.passes(policy)


@pytest.mark.parametrize("reason", ["exit", "signal", "oom"])
def test_a_crash_fails_for_a_day(host, reason):
    policy = "no crashes in the last 24 hours"
    host.event("process_exited", DAY + 1, reason)
    host.event("process_exited", 60, "worker_gone")
    host.event("process_terminated", 60, "memory")
    host.start()
    assert host.passes(policy)
    eid = host.event("process_exited", DAY - 600, reason)
    assert not host.passes(policy)
    host.age(eid, 601)
    assert host.passes(policy)


def test_a_denylisted_query_fails(host):
    policy = "no scheduled query is denylisted"
    schedule = host.directory / "schedule"
    schedule.write_text("heavy 1000 SELECT 1\n")
    host.start(f"--schedule={schedule}")
    assert host.passes(policy)
    (host.directory / "osquery.db" / "denylist").write_text(f"heavy {int(time.time()) + DAY}\n")
    assert not host.passes(policy)


def test_an_extension_that_is_not_registered_fails(host):
    policy = "every extension is registered"
    now = int(time.time())
    host.process(registered=None, start_time=now - 3600)  # not known
    host.process(registered=0, start_time=now)  # starts
    host.process(state="waiting", pid=None, start_time=None)
    host.start()
    assert host.passes(policy)
    host.process(registered=0, start_time=now - 61)
    assert not host.passes(policy)
    host.write("status.db", "DELETE FROM processes WHERE registered = 0")
    assert host.passes(policy)
    host.process(state="waiting", pid=None, start_time=None, restarts=1)  # its worker died, say
    assert host.passes(policy)
    host.process(state="waiting", pid=None, start_time=None, restarts=3)
    assert not host.passes(policy)
    host.write("status.db", "DELETE FROM processes WHERE restarts = 3")
    assert host.passes(policy)
    host.process(state="abandoned", pid=None)
    assert not host.passes(policy)


# --- a full history ---

KINDS = [("process_terminated", "memory"), ("query_denylisted", None), ("respawn_delayed", "memory"),
         ("process_exited", "exit"), ("spawn_failed", "spawn"), ("process_started", None),
         ("extension_unregistered", "registration"), ("limit_exceeded", "memory")]


def test_none_of_them_returns_many_rows_of_a_full_history(host):
    """And what the limit cuts off doesn't come back."""
    host.write("history.db", "BEGIN")
    for n in range(10000):
        event, reason = KINDS[n % len(KINDS)]
        host.event(event, WINDOW // 2 - n * 10, reason, query_name="q" * 30, outcome="killed",
                   last_output="line\n" * 100, cause_eid=n)
    host.write("history.db", "COMMIT")
    host.start()
    for sql in [*QUERIES.values(), *(entry["query"] for entry in REPORTS + POLICIES)]:
        rows = host.ask(sql)
        assert rows is not None and len(rows) < 100, (len(rows or ()), sql)
    schedule = Differential(host.ask)
    assert {name: len(eids) for name, eids in schedule.run().items()} == dict.fromkeys(QUERIES, 99)
    new = host.event("process_exited", SETTLED + 1, "exit")
    assert schedule.run() == {"terminations": [new]}
    host.write("history.db", "DELETE FROM events WHERE eid < 5000")
    assert schedule.run() == {}
