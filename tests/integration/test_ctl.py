"""osquery-watchdogctl as people and scripts run it, over files that the store's own code wrote."""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from terminal import Terminal

BUILD = pathlib.Path(os.environ["WATCHDOG_BUILD_DIR"])
CTL = BUILD / "bin" / "osquery-watchdogctl"
MAKE_HISTORY = BUILD / "tests" / "make-history"
DEADLINE_S = 20


def make_history(directory, *arguments):
    subprocess.run([MAKE_HISTORY, directory, *arguments], check=True, timeout=120)


@pytest.fixture
def files(tmp_path):
    make_history(tmp_path)
    return tmp_path


def ctl(directory, *arguments, **options):
    command = [CTL, f"--state_dir={directory}", "--runtime_dir", directory, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, **options)


def good(directory, *arguments):
    done = ctl(directory, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def failing(directory, *arguments):
    done = ctl(directory, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_status_is_readable(files):
    lines = good(files, "status").splitlines()
    expected = [
        r"NAME +PID +RESTARTS +CPU +MEMORY +DOING +LAST EVENT",
        rf"watchdog +{os.getpid()} +- +- +- +running 2h 5m +started 1h ago",
        r"worker +4001 +1 +\S+  2\.5/10 % +\S+  85\.3/200 MiB +running 2h 5m +started 12m ago",
        r"a\.ext +- +- +- +- +starts in (59m|1h) .* +ended by itself .*s ago",
    ]
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line)


def test_status_for_programs_has_all_columns(files):
    rows = json.loads(good(files, "--json", "status"))
    assert [row["name"] for row in rows] == ["watchdog", "worker", "a.ext"]
    assert len(rows[0]) == 32
    assert rows[1]["utilization"] == 2.5
    assert rows[1]["memory_limit"] == 209715200
    assert rows[1]["version"] is None
    rows = list(csv.DictReader(io.StringIO(good(files, "--csv", "status"))))
    assert rows[1]["pid"] == "4001"
    text = good(files, "--line", "status")
    assert re.search(r"^ +name = worker\n +role = worker$", text, re.MULTILINE)


def test_status_of_a_dead_watchdog(files):
    # Its parent, which it takes for the watchdog, is a shell that is gone afterwards.
    subprocess.run(["sh", "-c", f'"{MAKE_HISTORY}" "{files}"; exit $?'], check=True, timeout=60)
    text = good(files, "status")
    assert "unresponsive" in text.splitlines()[1]
    assert "running" in text.splitlines()[2]
    assert "The watchdog is gone or doesn't respond" in text


def test_status_without_a_watchdog(tmp_path):
    message = failing(tmp_path, "status")
    assert f"{tmp_path}/status.db" in message
    assert "no watchdog is running" in message
    failing(tmp_path, "--json", "status")


def test_status_goes_on_without_a_history(files):
    (files / "history.db").write_text("this is no database, but text\n" * 100)
    text = good(files, "status")
    assert "2.5/10 %" in text
    assert f"{files}/history.db: file is not a database" in text


def test_events_read_like_a_log(files):
    lines = good(files, "events").splitlines()
    assert len(lines) == 6
    assert "process_terminated     worker[4001]: osqueryd worker (4001) stopping:" in lines[3]
    assert lines[3].endswith(" (because of 3)")


def test_events_can_be_chosen(files):
    rows = json.loads(good(files, "--json", "events", "--event", "process_started"))
    assert [row["eid"] for row in rows] == [2, 5]
    rows = json.loads(good(files, "--json", "events", "--since", "30m"))
    assert [row["eid"] for row in rows] == [4, 5, 6]
    rows = json.loads(good(files, "--json", "events", "--since=30m", "--event=process_started"))
    assert [row["eid"] for row in rows] == [5]


def test_events_without_a_history(tmp_path):
    assert f"{tmp_path}/history.db: No such file or directory" in failing(tmp_path, "events")


@pytest.mark.parametrize("format_option", [None, "--json", "--csv", "--line"])
def test_hostile_text_reaches_no_terminal(files, format_option):
    """Whatever stands in the data, a terminal gets only printable characters and line ends."""
    command = [CTL, f"--state_dir={files}", f"--runtime_dir={files}", "events"]
    command += [format_option] if format_option else []
    with Terminal(command, NO_COLOR="1") as terminal:
        text, code = terminal.rest()
    assert code == 0
    assert "quoted" in text
    assert {c for c in text if not c.isprintable()} <= {"\r", "\n"}


def test_csv_keeps_the_data(files):
    sql = "SELECT message FROM watchdog_events WHERE eid = 6"
    done = subprocess.run(
        [CTL, f"--state_dir={files}", "--csv", "query", sql],
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    )
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
    assert rows[1] == ['a "quoted", \x1b[31mred\x1b[0m\nline \ufffd \u202e!']


def test_query(files):
    text = good(files, "query", "SELECT eid, event FROM watchdog_events WHERE eid > 4")
    assert text == (
        "+-----+-----------------+\n"
        "| eid | event           |\n"
        "+-----+-----------------+\n"
        "| 5   | process_started |\n"
        "| 6   | process_exited  |\n"
        "+-----+-----------------+\n"
    )
    sql = (
        "SELECT p.name, e.event FROM watchdog_processes p"
        " JOIN watchdog_events e ON e.eid = p.last_eid ORDER BY 1;  -- done"
    )
    assert json.loads(good(files, "--json", "query", sql)) == [
        {"name": "a.ext", "event": "process_exited"},
        {"name": "watchdog", "event": "watchdog_started"},
        {"name": "worker", "event": "process_started"},
    ]


@pytest.mark.parametrize("sql, name", [
    ("SELECT count(*) FROM watchdog_events", "history"),
    ("SELECT name FROM watchdog_processes WHERE pid = 1", "status"),
    ("SELECT 1 IN (SELECT time FROM watchdog_samples)", "status"),
])
def test_query_of_a_missing_file(tmp_path, sql, name):
    """A mistyped directory isn't one where nothing happened."""
    expected = f"osquery-watchdogctl: {tmp_path}/{name}.db: No such file or directory\n"
    assert failing(tmp_path, "query", sql) == expected
    assert failing(tmp_path, "--json", "query", sql) == expected
    done = ctl(tmp_path, "query", input=f"{sql};")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"line 1: {tmp_path}/{name}.db: No such file" in done.stderr


def test_query_of_an_archived_history(files, tmp_path):
    (files / "status.db").unlink()
    assert json.loads(good(files, "--json", "query", "SELECT count(*) AS n FROM watchdog_events")
                      ) == [{"n": 6}]
    assert json.loads(good(files, "--json", "query", "SELECT 1 AS n")) == [{"n": 1}]
    assert "status.db" in failing(files, "query", "SELECT e.eid FROM watchdog_events e"
                                  " JOIN watchdog_processes p USING (name)")


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "",
        "SELECT * FROM nowhere",
        "SELECT 1; SELECT 2",
        "DELETE FROM watchdog_events",
        "INSERT INTO watchdog_events(eid) VALUES(99)",
        "CREATE TABLE t(a)",
        "CREATE TEMP TABLE t(a)",
        "ATTACH '{0}/made' AS m",
        "VACUUM INTO '{0}/made'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA temp_store_directory = '{0}'",
        "SELECT load_extension('{0}/x.so')",
        "BEGIN",
        "SELECT writefile('{0}/made', 'x')",
        "SELECT abs(-9223372036854775808)",
    ],
)
def test_query_can_only_read(files, sql):
    before = sorted(files.iterdir())
    failing(files, "query", sql.format(files))
    assert sorted(files.iterdir()) == before
    sql = "SELECT count(*) AS n FROM watchdog_events"
    assert json.loads(good(files, "--json", "query", sql)) == [{"n": 6}]


def test_files_that_cannot_be_used_are_named(files):
    (files / "history.db").write_text("this is no database, but text\n" * 100)
    assert f"{files}/history.db: file is not a database" in failing(files, "events")
    assert f"{files}/history.db: file is not a database" in failing(
        files, "query", "SELECT * FROM watchdog_events"
    )
    (files / "history.db").unlink()
    (files / "history.db").mkdir()
    assert f"{files}/history.db: is no regular file" in failing(files, "events")


def test_a_copy_without_its_log_says_so(files, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(files / "history.db", copy)
    assert f"{copy}/history.db-wal: is missing" in failing(copy, "events")
    assert [path.name for path in copy.iterdir()] == ["history.db"]
    shutil.copy(files / "history.db-wal", copy)
    assert len(good(copy, "events").splitlines()) == 6


def test_a_copy_of_a_stopped_history_needs_no_log(files, tmp_path_factory):
    make_history(files, "--stop")
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(files / "history.db", copy)
    assert len(good(copy, "events").splitlines()) == 7
    assert [path.name for path in copy.iterdir()] == ["history.db"]


@pytest.mark.parametrize(
    "arguments, named",
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["--loud", "status"], "--loud"),
        (["status", "--state_dir"], "--state_dir"),
        (["events", "--since", "later"], "--since later"),
        (["events", "--event", "boom"], "--event boom"),
        (["status", "--follow"], "--follow"),
        (["explain", "1", "2"], "2"),
        (["query", "SELECT 1", "SELECT 2"], "SELECT 2"),
    ],
)
def test_bad_usage(arguments, named):
    done = subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("osquery-watchdogctl: ")
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def test_version_and_help():
    for option, part in (("--version", "osquery-watchdogctl "), ("--help", "Commands:")):
        done = subprocess.run([CTL, option], capture_output=True, text=True, timeout=DEADLINE_S)
        assert (done.returncode, done.stderr) == (0, "")
        assert part in done.stdout


class Follower:
    """`events --follow` with its output in a file, which can be looked at any time."""

    def __init__(self, directory, *arguments):
        self.path = directory / "followed"
        with self.path.open("w") as output:
            self.process = subprocess.Popen(
                [CTL, f"--state_dir={directory}", "events", "--follow", *arguments], stdout=output
            )

    def lines(self):
        return self.path.read_text().splitlines()

    def wait_for(self, count):
        wait_until(lambda: len(self.lines()) >= count)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_S)


@pytest.mark.parametrize("arguments, header", [([], 0), (["--json"], 0), (["--csv"], 1)])
def test_follow(files, arguments, header):
    # The message of event 6 has a line end, which only CSV keeps.
    more = header
    follower = Follower(files, *arguments)
    follower.wait_for(6 + header + more)
    for n in (7, 8):
        make_history(files, "--append")
        follower.wait_for(n + header + more)
    assert follower.interrupt() == 0
    lines = follower.lines()
    assert len(lines) == 8 + header + more
    if arguments == ["--json"]:
        eids = [json.loads(line)["eid"] for line in lines]
        assert eids == sorted(set(eids))


def test_follow_chooses(files):
    follower = Follower(files, "--event=process_started", "--json")
    follower.wait_for(2)
    make_history(files, "--append")
    make_history(files, "--stop")
    follower.wait_for(3)
    assert follower.interrupt() == 0
    assert {json.loads(line)["event"] for line in follower.lines()} == {"process_started"}


def test_follow_ends_with_its_reader(files):
    with subprocess.Popen(
        [CTL, f"--state_dir={files}", "events", "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        # Nothing more happens, and still it notices.
        assert process.wait(DEADLINE_S) in (0, -signal.SIGPIPE)
        assert process.stderr.read() == b""


def test_a_reader_that_has_seen_enough(files, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    make_history(many, "20000")
    done = subprocess.run(
        ["sh", "-c", f'"{CTL}" --state_dir="{many}" events | head -n 1'],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_output_that_cannot_be_written(files):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [CTL, f"--state_dir={files}", "events"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def peak_memory_kb(command):
    """The peak of a process that has printed nearly all and waits for its reader."""
    # AddressSanitizer, if built in, would keep what is freed.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    env = {**os.environ, "ASAN_OPTIONS": sanitizer}
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=env)
    total = len(done.stdout)
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=env) as process:
        left = total - 100_000  # more than a pipe and the process's own buffer hold
        while left > 0:
            left -= len(process.stdout.read(left))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        process.kill()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


@pytest.mark.parametrize(
    "command", [["events"], ["query", "SELECT * FROM watchdog_events"], ["--json", "events"]]
)
def test_a_full_scan_takes_constant_memory(tmp_path, command):
    peaks = []
    for count in ("2000", "50000"):
        directory = tmp_path / count
        directory.mkdir()
        make_history(directory, count)
        peaks.append(peak_memory_kb([CTL, f"--state_dir={directory}", *command]))
    assert peaks[1] < peaks[0] + 8192  # all the rows would take more than twice that
