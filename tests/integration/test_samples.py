"""watchdog_samples: what the regular checks measured, kept over restarts of everything but the host."""

import csv
import io

from harness import NO_BACK_OFF, SMALL, GROW, eventually

COLUMNS = ("time, name, pid, utilization, resident_size, footprint, utilization_limit,"
           " memory_limit")


def samples(watchdog):
    return watchdog.read(watchdog.runtime_dir / "status.db",
                         f"SELECT id, {COLUMNS} FROM samples ORDER BY id")


def wait_samples(watchdog, name, count):
    def enough():
        rows = samples(watchdog)
        return [row for row in rows if row["name"] == name][count - 1:] and rows
    return eventually(enough, f"{count} samples of {name}")


def test_one_of_each_process_at_each_check(watchdog):
    watchdog.add_extension("a")
    watchdog.start(tables=True)
    pids = {name: watchdog.pid(name)
            for name in ("watchdog", "worker", "a.ext", "osquery-watchdog.ext")}
    rows = wait_samples(watchdog, "a.ext", 2)
    checks = {}
    for row in rows:
        assert row["pid"] == pids[row["name"]]
        assert row["utilization"] >= 0 and row["resident_size"] > 0
        assert row["utilization_limit"] > 0 and row["memory_limit"] > 0
        checks.setdefault(row["id"] >> 16, []).append(row)
    times = [min(row["time"] for row in check) for check in checks.values()]
    assert list(checks) == list(range(len(checks)))
    assert all(2 <= later - earlier <= 10 for earlier, later in zip(times, times[1:])), times
    assert {row["name"] for row in checks[len(checks) - 1]} == set(pids)

    # The same through osquery, and through ctl without it.
    last = rows[-1]
    where = f"WHERE time >= {times[-1]} AND time <= {last['time']} AND name = 'worker'"
    expected = next(row for row in reversed(rows) if row["name"] == "worker")
    for answer in (watchdog.query(f"SELECT {COLUMNS} FROM watchdog_samples {where}"),
                   list(csv.DictReader(io.StringIO(watchdog.ctl(
                       "--csv", "query", f"SELECT {COLUMNS} FROM watchdog_samples {where}").stdout)))):
        assert len(answer) == 1
        for column in ("time", "name", "pid", "resident_size", "memory_limit"):
            assert answer[0][column] == str(expected[column])


def test_they_survive_the_watchdog(watchdog):
    watchdog.start()
    first = wait_samples(watchdog, "worker", 1)
    watchdog.stop()
    watchdog.start()
    rows = wait_samples(watchdog, "worker", 2)
    assert rows[:len(first)] == first
    assert rows[-1]["pid"] != first[-1]["pid"]
    assert rows[-1]["id"] > first[-1]["id"]


def test_only_regular_checks_give_samples(stand_in):
    """Looks between two checks and the kills that follow publish the state, too."""
    stand_in.flags(*NO_BACK_OFF, *SMALL, f"--misbehave={GROW}")
    stand_in.start(ready=False)
    stand_in.wait_event("event = 'process_terminated' AND reason = 'memory'", count=5)
    rows = samples(stand_in)
    started = stand_in.event("event = 'watchdog_started'")["time"]
    ended = stand_in.events()[-1]["time"]
    assert len([row for row in rows if row["name"] == "watchdog"]) <= (ended - started) / 3 + 2
    keys = [(row["id"] >> 16, row["name"]) for row in rows]
    assert len(keys) == len(set(keys))
