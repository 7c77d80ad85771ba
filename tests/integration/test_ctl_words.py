"""What `explain`, `events` and the report say of queries, last words, core dumps and leaks."""

import json
import re
import sqlite3
import subprocess
import time

import pytest

from harness import BUILD, CTL, PATIENCE, eventually

MAKE_HISTORY = BUILD / "tests" / "make-history"
MB = 1 << 20
HOUR = 3600


class Store:
    """A history and samples, to which rows are added as they are."""

    def __init__(self, directory):
        subprocess.run([MAKE_HISTORY, directory], check=True, timeout=PATIENCE)
        self.directory = directory
        self.now = int(time.time())
        self.history = sqlite3.connect(directory / "history.db")
        self.status = sqlite3.connect(directory / "status.db")
        self.history.execute("DELETE FROM events")

    def add(self, eid, event, **columns):
        row = {"eid": eid, "time": self.now - 1000 + eid, "run_id": "run", "event": event,
               "role": "worker", "name": "worker", "pid": 10, "message": f"{event} {eid}", **columns}
        if isinstance(row.get("details"), dict):
            row["details"] = json.dumps(row["details"])
        self.history.execute(f"INSERT INTO events({', '.join(row)})"
                             f" VALUES({', '.join('?' * len(row))})", list(row.values()))
        self.history.commit()

    def killed(self, eid=2, **columns):
        """Over the memory limit, and gone."""
        self.add(eid, "process_terminated",
                 **{"reason": "memory", "measured": 205 * MB, "limit_value": 200 * MB,
                    "unit": "bytes", "lifetime_ms": 8 * HOUR * 1000, "outcome": "killed", **columns})

    def sample(self, course, life=8 * HOUR, pid=10, name="worker", end=-998):
        """A check every minute; @course: megabytes at an age in seconds."""
        first = self.status.execute("SELECT coalesce(max(id), 0) + 1 FROM samples").fetchone()[0]
        self.status.executemany(
            "INSERT INTO samples(id, time, name, pid, footprint) VALUES(?, ?, ?, ?, ?)",
            [(first + n, self.now + end - life + age, name, pid, int(course(age) * MB))
             for n, age in enumerate(range(60, life, 60))])
        self.status.commit()

    def run(self, *arguments):
        done = subprocess.run(
            [CTL, f"--state_dir={self.directory}", f"--runtime_dir={self.directory}", *arguments],
            capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def section(self, label, *arguments):
        """The paragraphs of that section of the story; none: there is no such section."""
        found = re.search(rf"^{label} +(.*\n(?: {{12}}.*\n)*)", self.run("explain", *arguments), re.M)
        return [line.strip() for line in found[1].splitlines()] if found else []

    def page(self):
        return self.run("report", "--html", "-")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    yield store
    store.history.close()
    store.status.close()


# --- which query ---

SAID = "The worker said that it was executing this query."
SAID_AND_SEEN = "The worker said that it was executing this query, and its thread was the busiest."
REFUSED = ('If it ran until the end, osquery refuses it for a day (--distributed_denylist_duration),'
           ' and no table shows that. Send it again to see: a refused one answers with status 1,'
           ' "distributed query is denylisted".')
NEXT_TIME = ("To know it the next time, give osquery-watchdogd --name_queries, or set"
             " --distributed_loginfo and --schedule_lognames in osqueryd's flags.")
NEXT_TIME_OBSERVED = ("To know it the next time, set --distributed_loginfo and --schedule_lognames in"
                      " osqueryd's flags, and have filesystem in --logger_plugin: then osqueryd's"
                      " own log is read.")
FLEET = ("a distributed query, sent by the server (in Fleet: a live query, policy, label or host"
         " vital): that thread was the busiest.")
TWO = [{"origin": "schedule", "name": "disk", "ms": 2000},
       {"origin": "distributed", "name": "kolide_x", "ms": 90}]


@pytest.mark.parametrize("columns, words", [
    ({"origin": "distributed", "query_name": "kolide_x", "query": "SELECT\n1",
      "details": {"evidence": {"origin": "seen", "query": "said"}}},
     [r"the distributed query kolide_x, sent by the server: SELECT\n1", SAID_AND_SEEN, REFUSED]),
    ({"origin": "schedule", "query_name": "di\x1b[31msk", "query": "SELECT 2",
      "details": {"evidence": {"origin": "said", "query": "said"}}},
     [r"the scheduled query di\x1b[31msk: SELECT 2", SAID]),
    ({"origin": "schedule", "query_name": "disk",
      "details": {"evidence": {"origin": "said", "query": "said"}}},
     ["the scheduled query disk (its text is not known)", SAID]),
    ({"origin": "distributed", "details": {"evidence": {"origin": "seen"}}},
     [FLEET, "Which one it was is not known.", REFUSED, NEXT_TIME]),
    ({"origin": "distributed", "details": {"basis": "seen", "evidence": {"origin": "seen"}}},
     [FLEET, "Which one it was is not known.", REFUSED, NEXT_TIME_OBSERVED]),
    ({"origin": "schedule", "details": {"evidence": {"origin": "seen"}}},
     ["a query of the schedule: that thread was the busiest.", "Which one it was is not known.",
      NEXT_TIME]),
    ({"origin": "extension", "details": {"evidence": {"origin": "seen"}}},
     ["a query through the extension socket, sent by osqueryi or an extension: that thread was the"
      " busiest.", "osquery doesn't report the text of such a query."]),
    ({"details": {"said": TWO}},
     ["Perhaps the scheduled query disk: the worker said 2.0 s earlier that it was executing it.",
      "Perhaps the distributed query kolide_x: the worker said 90 ms earlier that it was executing it."]),
    ({"origin": "schedule", "query_name": "disk", "query": "SELECT 2",
      "details": {"evidence": {"origin": "seen", "query": "said"}, "said": TWO}},
     ["the scheduled query disk: SELECT 2",
      "The worker said 2.0 s earlier that it was executing this query, and its thread was the busiest.",
      "Perhaps also the distributed query kolide_x: the worker said 90 ms earlier that it was executing"
      " it."]),
    ({"origin": "extension", "details": {"evidence": {"origin": "seen"}, "said": TWO[1:]}},
     ["a query through the extension socket, sent by osqueryi or an extension: that thread was the"
      " busiest.", "osquery doesn't report the text of such a query.",
      "Perhaps the distributed query kolide_x: the worker said 90 ms earlier that it was executing it."]),
    ({}, ["Not known: osquery denylisted no scheduled query for it.", NEXT_TIME]),
    ({"details": {"basis": "inferred"}},
     ["Not known: osquery denylisted no scheduled query for it.", NEXT_TIME_OBSERVED]),
    # Odd details claim nothing.
    ({"origin": "martian", "details": {"evidence": 7, "said": [1, {"name": 5}, "x", {"origin": "schedule"}]}},
     ["Not known: osquery denylisted no scheduled query for it.", NEXT_TIME]),
    ({"origin": "schedule", "query_name": "disk", "query": "SELECT 2", "details": "no json"},
     ["the scheduled query disk: SELECT 2"]),
    # SQLite's own parser takes an object for a key.
    *[({"details": odd}, ["Not known: osquery denylisted no scheduled query for it.", NEXT_TIME])
      for odd in ("no json", "[]", "5", '{"said":7}', '{"said":{"a":{"name":"x"}}}',
                  '{"said":[{{"":"","":"","":"","":""}:0}]}')],
])
def test_which_query_it_was(store, columns, words):
    store.killed(**columns)
    assert store.section("Query") == words


def test_what_the_limit_knew_if_the_end_does_not(store):
    """As when the watchdog itself was gone before the end could be recorded."""
    store.add(1, "limit_exceeded", reason="memory", origin="distributed", query_name="kolide_x",
              query="SELECT 1", details={"evidence": {"origin": "seen", "query": "said"}})
    assert store.section("Query") == [
        "the distributed query kolide_x, sent by the server: SELECT 1", SAID_AND_SEEN]
    store.killed(cause_eid=1)
    assert store.section("Query") == [
        "the distributed query kolide_x, sent by the server: SELECT 1", SAID_AND_SEEN, REFUSED]
    store.history.execute("UPDATE events SET query_name = 'end', query = 'SELECT 2',"
                          " origin = 'schedule' WHERE eid = 2")
    store.history.commit()
    assert store.section("Query") == ["the scheduled query end: SELECT 2"]


@pytest.mark.parametrize("columns, words", [
    ({}, ["late, which osquery denylisted for a day: SELECT 3"]),
    ({"origin": "schedule", "details": {"evidence": {"origin": "seen"}}},
     ["a query of the schedule: that thread was the busiest.", "Which one it was is not known.",
      "late, which osquery denylisted for a day: SELECT 3"]),
    ({"origin": "schedule", "query_name": "late", "query": "SELECT 3"},
     ["the scheduled query late: SELECT 3", "osquery denylisted it for a day."]),
    ({"origin": "schedule", "query_name": "late"},
     ["the scheduled query late: SELECT 3", "osquery denylisted it for a day."]),
    ({"origin": "schedule", "query_name": "early"},
     ["the scheduled query early (its text is not known)",
      "late, which osquery denylisted for a day: SELECT 3"]),
    ({"origin": "distributed", "query_name": "late"},
     ["the distributed query late, sent by the server (its text is not known)",
      "late, which osquery denylisted for a day: SELECT 3", REFUSED]),
    ({"origin": "distributed", "details": {"evidence": {"origin": "seen"}}},
     [FLEET, "Which one it was is not known.", "late, which osquery denylisted for a day: SELECT 3",
      REFUSED, NEXT_TIME]),
])
def test_what_osquery_denylisted(store, columns, words):
    store.killed(**columns)
    store.add(3, "query_denylisted", pid=11, query_name="late", query="SELECT 3", cause_eid=2)
    assert store.section("Query") == words


@pytest.mark.parametrize("event, columns, known", [
    ("process_exited", {"reason": "signal", "exit_signal": 11}, True),
    ("process_exited", {"reason": "oom", "exit_signal": 9}, True),
    ("process_exited", {"reason": "signal", "exit_signal": 9}, False),
    ("process_exited", {"reason": "exit", "exit_code": 1}, False),
    ("would_terminate", {"reason": "cpu"}, True),
    ("process_terminated", {"reason": "memory", "role": "extension", "name": "a.ext"}, False),
])
def test_the_query_is_missed_only_where_one_may_have_been_the_cause(store, event, columns, known):
    store.add(2, event, **columns)
    assert (NEXT_TIME in store.section("Query")) == known


@pytest.mark.parametrize("flags, asked", [
    ([], False), (["schedule_lognames"], False), (["distributed_loginfo"], False), (["dry_run"], False),
    (["schedule_lognames", "distributed_loginfo"], True), (["name_queries"], True), (["verbose"], True)])
def test_what_is_set_already_is_not_advised(store, flags, asked):
    store.killed()
    store.status.execute("DELETE FROM settings")
    store.status.executemany(
        "INSERT INTO settings(name, value, source) VALUES(?, ?, 'argv')",
        [(name, "true" if name in flags else "false") for name in
         ("name_queries", "verbose", "schedule_lognames", "distributed_loginfo", "dry_run")])
    store.status.commit()
    assert store.section("Query")[1] == (
        "The flags that make osqueryd say which queries it executes are set now; nothing showed that"
        " one was running then." if asked else NEXT_TIME)


def test_a_dry_run_has_ended_no_query(store):
    store.add(2, "would_terminate", reason="memory", origin="distributed", query_name="kolide_x")
    assert store.section("Query") == [
        "the distributed query kolide_x, sent by the server (its text is not known)"]


def test_a_long_query_is_cut(store):
    store.killed(origin="schedule", query_name="disk", query="SELECT " + "é" * 16000)
    (text,) = store.section("Query")
    assert text.endswith("é… (--line shows all)") and len(text) < 1100


def test_events_name_the_query(store):
    store.add(1, "limit_exceeded", origin="distributed", query_name="kolide\x1b_x", lifetime_ms=9000)
    store.add(2, "process_terminated", origin="extension", cause_eid=1)
    store.add(3, "query_denylisted", query_name="disk", cause_eid=2)
    lines = store.run("events").splitlines()
    assert lines[0].endswith(r"(lived 9.0 s; in the distributed query kolide\x1b_x)")
    assert lines[1].endswith("(in a query through the extension socket; because of 1)")
    assert lines[2].endswith("(because of 2)")


def test_the_advice_names_the_query(store):
    store.killed(origin="distributed", query_name="kolide_x", query="SELECT 1")
    (advice,) = store.section("Change")
    assert advice.startswith("Fix the distributed query kolide_x to read less at a time.")


def test_the_report_names_the_query(store):
    store.killed(1, origin="schedule", query_name="disk", query="SELECT 2", pid=9)
    store.killed(2, origin="distributed", query_name="kolide_x<", query="SELECT 1 > 0")
    store.killed(3, reason="cpu", origin="extension", pid=11, utilization=50.0, sustained=12)
    store.add(4, "process_exited", reason="signal", exit_signal=11, origin="schedule",
              query_name="crash<", pid=12)
    store.add(5, "query_denylisted", query_name="crash<", query="SELECT 3", cause_eid=4)
    page = store.page()
    assert 'data-label="Message">process_exited 4 (in the scheduled query crash&lt;)</td>' in page
    assert 'data-label="Message">query_denylisted 5</td>' in page
    assert ('<dt><a href="#e4">worker: killed by SIGSEGV</a>, in the scheduled query crash&lt;</dt>'
            in page)
    assert "<span>kolide_x&lt; (distributed) <code>SELECT 1 &gt; 0</code></span>" in page
    assert "<span>disk <code>SELECT 2</code></span>" in page
    assert 'data-label="Query">a query through the extension socket</td>' in page
    assert ('<dt><a href="#e2">worker: killed: over its memory limit</a>, 2 times, the last time in'
            ' the distributed query kolide_x&lt;</dt>') in page
    assert ('<dt><a href="#e3">worker: killed: over its CPU limit</a>, in a query through the'
            ' extension socket</dt>') in page
    assert "Fix the distributed query kolide_x&lt;" in page


def test_the_report_links_only_to_what_it_shows(store):
    store.add(1, "process_exited", reason="exit", exit_code=3)
    for eid in range(2, 203):
        store.add(eid, "settings_changed", role="watchdog", name="watchdog")
    page = store.page()
    assert "<dt>worker: exited with status 3</dt>" in page and 'href="#e1"' not in page


# --- last words ---


@pytest.mark.parametrize("output, words", [
    (None, []),
    ("", []),
    ("Failed to lock RocksDB\n", ["Failed to lock RocksDB"]),
    ("no line break", ["no line break"]),
    ("a\n\x1b[31mred\x07\u202e\n", ["a", r"\x1b[31mred\x07\u{202e}"]),
    ("".join(f"line {n}\n" for n in range(5)), [f"line {n}" for n in range(5)]),
    ("".join(f"line {n}\n" for n in range(20)),
     ["(15 more before: --line shows all)", *[f"line {n}" for n in range(15, 20)]]),
])
def test_last_words(store, output, words):
    store.add(1, "process_exited", reason="exit", exit_code=1, last_output=output)
    assert store.section("Last words") == words


# --- core dumps ---


@pytest.mark.parametrize("columns, words", [
    ({}, []),
    ({"core_dumped": 0}, []),
    ({"core_dumped": 1}, ["A core dump was written."]),
    ({"core_dumped": 1, "details": {"coredump": "COREDUMP_PID=10 _BOOT_ID=0123456789abcdef"}},
     ["A core dump was written: coredumpctl info COREDUMP_PID=10 _BOOT_ID=0123456789abcdef"]),
    ({"core_dumped": 0, "details": {"coredump": "COREDUMP_PID=10"}}, []),
    *[({"core_dumped": 1, "details": {"coredump": odd}}, ["A core dump was written."])
      for odd in ("A=1; rm -rf /", "A=$(id)", "A=1\n", "a=1", "-o /etc/passwd", "", 5, None, ["A=1"],
                  "COREDUMP_PID=10  _BOOT_ID=1", "A=1 `id`")],
    ({"core_dumped": 1, "details": "no json"}, ["A core dump was written."]),
])
def test_core_dumps(store, columns, words):
    store.add(1, "process_exited", reason="signal", exit_signal=11, **columns)
    assert store.section("Core dump") == words


# --- a leak or a peak ---


def leak(age):
    return 20 + age * 180 / (8 * HOUR)


def test_a_leak_is_told_and_no_limit_is_raised(store):
    store.sample(leak)
    store.killed()
    (growth,) = store.section("Growth")
    assert re.fullmatch(r"A leak: it grew steadily, by 22\.\d MiB an hour\. At that rate it is over"
                        r" the limit again 7h 4\dm after a start\.", growth)
    (advice,) = store.section("Change")
    assert advice.startswith("It leaks: a higher limit would only be reached later. Upgrade osqueryd")
    page = store.page()
    assert "<dd>A leak: it grew steadily, by 22." in page
    assert "It leaks: a higher limit would only be reached later." in page
    assert "--watchdog_memory_limit" not in page


def test_a_peak_is_told(store):
    store.sample(lambda age: 40 + age % 600 / 20)
    store.killed()
    assert store.section("Growth") == ["A peak: it grew at the end of its life, not steadily."]
    assert "--watchdog_memory_limit=350" in store.section("Change")[0]
    page = store.page()
    assert "<dd>A peak: it grew at the end of its life, not steadily. Set <code>" in page


def test_each_life_has_samples_of_its_own(store):
    store.sample(leak, name="a.ext")
    store.sample(leak, pid=11)
    store.sample(lambda age: 40)
    store.killed()
    assert store.section("Growth")[0].startswith("A peak")
    store.killed(3, pid=11)
    assert store.section("Growth")[0].startswith("A leak")
    store.killed(4, role="extension", name="a.ext")
    assert store.section("Growth")[0].startswith("A leak")
    assert store.section("Growth", "2")[0].startswith("A peak")
    # Not the samples of a later process with the same pid.
    store.sample(leak, end=9 * HOUR)
    assert store.section("Growth", "2")[0].startswith("A peak")


@pytest.mark.parametrize("columns", [
    {"pid": 99}, {"reason": "cpu"}, {"measured": None}, {"limit_value": None},
    {"measured": (1 << 63) - 1}, {"limit_value": -5}, {"time": -5}, {"lifetime_ms": 30000}])
def test_without_samples_it_is_not_known(store, columns):
    store.sample(leak)
    store.killed(**columns)
    assert store.section("Growth") == []


def test_odd_samples_spoil_nothing(store):
    store.sample(leak)
    for n, odd in enumerate((-5, 1 << 51, (1 << 63) - 1, -(1 << 63), None)):
        store.status.execute("UPDATE samples SET footprint = ? WHERE id = ?", [odd, 50 + n])
        store.status.execute("UPDATE samples SET time = ? WHERE id = ?", [odd, 60 + n])
    store.status.commit()
    store.killed()
    assert store.section("Growth")[0].startswith("A leak: it grew steadily, by 22.")
    store.status.close()
    for file in store.directory.glob("status.db*"):
        file.unlink()
    assert store.section("Growth") == []
    (store.directory / "status.db").write_text("text, no database\n" * 100)
    assert store.section("Growth") == []
    assert "--watchdog_memory_limit" in store.section("Change")[0]


def test_a_dry_run_tells_a_leak_too(store):
    store.sample(leak)
    store.add(2, "would_terminate", reason="memory", measured=205 * MB, limit_value=200 * MB,
              lifetime_ms=8 * HOUR * 1000)
    assert store.section("Growth")[0].startswith("A leak")


# --- the whole way ---


@pytest.mark.parametrize("named", [False, True])
def test_a_distributed_query_over_the_limit(stand_in, named):
    """What explain says of it is true: the thread, the query, and that osquery refuses it."""
    queries = stand_in.directory / "distributed"
    queries.mkdir()
    stand_in.flags("--extensions_interval=1", "--extensions_timeout=1",
                   "--watchdog_memory_limit=120", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=1", f"--distributed={queries}",
                   f"--database_path={stand_in.directory / 'database'}")
    stand_in.start("--memory_metric=private", *(["--name_queries"] if named else []))
    last = "E1129 15:11:02.852525 1 file.cpp:1] last words"
    say = last.replace(":", "%3A")
    sql = f"SELECT misbehave('say:{say},grow-here:800:200,sleep:30')"

    def send(name):
        (queries / f".{name}").write_text(sql)
        (queries / f".{name}").rename(queries / name)

    send("kolide_1")
    stand_in.wait_event("event = 'process_terminated'")
    story = stand_in.ctl("explain").stdout
    told = f"the distributed query kolide_1, sent by the server: {sql}" if named else FLEET
    assert f"Query       {told}\n" in story
    if named:
        assert re.search(r"^ {12}The worker said \S+ \S+ earlier that it was executing this query, and its"
                         r" thread was the busiest\.$", story, re.M)
    assert f"            {REFUSED}\n" in story
    assert re.search(rf"^(Last words| {{10}})  {re.escape(last)}$", story, re.M)
    send("kolide_2")
    answer = queries / ".answers" / "kolide_2"
    eventually(lambda: answer.exists() and "1 distributed query is denylisted" in answer.read_text(),
               "it is refused")
