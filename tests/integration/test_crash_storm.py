"""kill -9 of anything at any moment: what was seen stays, and nothing is left over."""

import contextlib
import os
import random
import signal
import sqlite3
import threading

from harness import NO_BACK_OFF, Proc, eventually
from rules import check_history

LONG = bool(os.environ.get("WATCHDOG_LONG"))
ROUNDS = 200 if LONG else 50
SEED = int(os.environ.get("WATCHDOG_SEED", random.SystemRandom().randrange(1 << 32)))


class Observer(threading.Thread):
    """Reads the history all the time; whatever it saw once must stay as it was."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.seen = {}
        self.changed = []
        self.reads = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.02):
            if not self.path.exists():
                continue
            database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
            try:
                # Everything now and then, else what is new.
                after = 0 if self.reads % 20 == 0 else max(self.seen, default=0)
                for row in database.execute("SELECT * FROM events WHERE eid > ?", (after,)):
                    if self.seen.setdefault(row[0], row) != row:
                        self.changed.append((self.seen[row[0]], row))
                self.reads += 1
            except sqlite3.OperationalError as problem:
                assert "no such table" in str(problem)
            finally:
                database.close()

    def finish(self):
        self.stopping.set()
        self.join()


def load(stand_in, stopping):
    """Queries to both tables, one after the other."""
    while not stopping.wait(0.1):
        asking = stand_in.asking("SELECT count(*) FROM watchdog_events e, watchdog_processes p")
        asking.wait(60)


def files(stand_in):
    return sorted(str(path.relative_to(stand_in.directory))
                  for top in (stand_in.state_dir, stand_in.runtime_dir) for path in top.rglob("*"))


def sockets(stand_in):
    return [path.name for path in stand_in.directory.iterdir() if path.is_socket()]


def test_crash_storm(stand_in):
    print("WATCHDOG_SEED =", SEED)
    choice = random.Random(SEED)
    stand_in.add_extension("one")
    stand_in.flags(*NO_BACK_OFF, "--extensions_interval=1")
    stand_in.start(tables=True)
    stand_in.registered("one")
    assert stand_in.stop() == 0
    usual = files(stand_in)

    observer = Observer(stand_in.state_dir / "history.db")
    observer.start()
    stopping = threading.Event()
    asker = threading.Thread(target=load, args=(stand_in, stopping), daemon=True)
    asker.start()
    stand_in.start(tables=True, ready=False)
    for _ in range(ROUNDS):
        victim = choice.choice(["watchdog", "worker", "worker", "one.ext", "osquery-watchdog.ext"])
        stopping.wait(choice.random() * choice.choice([0.02, 0.3]))
        if victim == "watchdog":
            stand_in.process.kill()
            stand_in.process.wait()
            stand_in.start(tables=True, ready=False)
            continue
        row = stand_in.status(victim)
        if row and row["pid"] and (proc := Proc.of(row["pid"])) and \
                proc.ppid == stand_in.process.pid:
            with contextlib.suppress(ProcessLookupError):  # it may end just now
                os.kill(row["pid"], signal.SIGKILL)
    # It has come through.
    stand_in.worker()
    stand_in.wait_tables()
    eventually(lambda: stand_in.try_query("SELECT pid FROM one"), "the other extension answers")
    shown = stand_in.query("SELECT eid FROM watchdog_events")
    stopping.set()
    asker.join()
    assert stand_in.stop() == 0
    observer.finish()

    assert not observer.changed
    events = stand_in.events()
    assert observer.reads > 10 and len(observer.seen) > ROUNDS // 2
    assert {tuple(event.values()) for event in events} >= set(observer.seen.values())
    assert {event["eid"] for event in events} >= {int(row["eid"]) for row in shown}
    check_history(events)
    assert not [event for event in events if event["event"] in ("events_lost", "history_recovered")]
    assert not stand_in.running()
    assert files(stand_in) == usual
    assert not sockets(stand_in)
    with sqlite3.connect(stand_in.state_dir / "history.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
