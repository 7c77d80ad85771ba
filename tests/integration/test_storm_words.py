"""Ends of every kind, one after the other, in an order from a printed seed: each stands in the
history once, with what it came from, who asked for which query, and the last words; what can't be
known isn't guessed. The truth is what the test itself did.

$WATCHDOG_LONG makes it 1,000 ends. By hand over a real osqueryd, whose queries differ:

    STORM_OSQUERYD=/opt/osquery/bin/osqueryd STORM_SERVER=FOLDER … pytest …/test_storm_words.py

(storm_queries.py says what is in FOLDER.)
"""

import json
import os
import pathlib
import random
import signal
import time

import pytest

import storm_queries
from harness import NO_BACK_OFF, STAND_IN, alive, eventually, supervised
from rules import check_history
from storm_record import FOLLOWS_S, Record, Truth, terminations

REAL = os.environ.get("STORM_OSQUERYD")
LONG = bool(os.environ.get("WATCHDOG_LONG"))
ENDS = int(os.environ.get("STORM_ENDS", 1000 if LONG else 45))
SEED = int(os.environ.get("WATCHDOG_SEED", random.SystemRandom().randrange(1 << 32)))
ORIGINS = ("schedule", "distributed", "extension")


class Storm:
    """What a kind of end needs to bring itself about."""

    def __init__(self, watchdog, queries):
        self.watchdog, self.queries = watchdog, queries
        self.number, self.at, self.text, self.asking = 0, 0, "", []
        self.pid = self.ended = None  # the worker's; of one that has ended
        self.ended_at = 0

    # --- watching ---

    def log(self):
        """What was logged since the present end's beginning."""
        with self.watchdog.log_path.open("rb") as log:
            log.seek(self.at)
            new = log.read()
        self.at += len(new)
        self.text = (self.text + new.decode(errors="replace"))[-1_000_000:]
        return self.text

    def begin(self, number):
        self.number = number
        self.log()
        self.text = ""
        self.pid = self.watchdog.worker(self.ended)
        self.queries.ready(self)

    def words(self, which="words"):
        return f"{which} of {self.number}"

    # --- asking ---

    def name(self, origin):
        return {"schedule": f"{self.queries.pack}{self.number}", "extension": None,
                "distributed": f"fleet_distributed_query_{self.number}"}[origin]

    def ask(self, origin, sql):
        """Has the worker execute @sql, and returns once it does."""
        if origin == "schedule":
            self.queries.schedule(self.name(origin), sql)
        elif origin == "distributed":
            self.queries.distribute(self.name(origin), sql)
        else:
            self.asking.append(self.watchdog.asking(sql))

    def ask_and_wait(self, origin, what, *arguments):
        """Returns once it executes."""
        begun = f"{origin} begins {self.number}"
        sql = getattr(self.queries, what)(*arguments, begun=begun)
        self.ask(origin, sql)
        eventually(lambda: self.queries.has_begun(self, begun, what == "last"), begun)
        return sql

    def end(self, origin, reason, sql=None, **more):
        """The truth about a worker's end of which that origin's query is the cause."""
        name = origin and self.name(origin)
        more["words"] = self.queries.says(more.get("words"))
        more.setdefault("denylisted", name if origin == "schedule" else None)
        return Truth(self.number, self.pid, reason, origin, name,
                     sql if origin in ("schedule", "distributed") else None, **more)

    def extension_end(self, pid, reason, **more):
        return Truth(self.number, pid, reason, name="one.ext",
                     follows=time.monotonic() - self.ended_at < FOLLOWS_S, **more)

    def settle(self, truth):
        """It is gone, and nobody is asked any more."""
        eventually(lambda: not alive(truth.pid), "it is gone")
        if truth.pid == self.pid:
            self.ended, self.ended_at = self.pid, time.monotonic()
        for asking in self.asking:
            asking.wait(60)
        self.asking.clear()


# --- kinds of ends: each a function that returns its truth ---


def breach(reason, what):
    """Its limit is exceeded by a query of that origin."""
    def of(origin):
        def bring_about(storm):
            sql = getattr(storm.queries, what)(storm.words())
            storm.ask(origin, sql)
            return storm.end(origin, reason, sql, words=storm.words())
        return bring_about
    of.__name__ = reason
    return of


memory, cpu = breach("memory", "grow"), breach("cpu", "burn")


def unlooked(origin):
    """Who asks through the socket is seen by a look at the threads alone."""
    return origin if origin != "extension" else None


def crash(origin):
    def bring_about(storm):
        sql = storm.queries.crash(storm.words())
        storm.ask(origin, sql)
        return storm.end(unlooked(origin), "signal", sql, signo=signal.SIGSEGV,
                         words=storm.words())
    return bring_about


def abort(origin):
    def bring_about(storm):
        sql = storm.queries.abort(storm.words())
        storm.ask(origin, sql)
        return storm.end(unlooked(origin), "signal", sql, signo=signal.SIGABRT,
                         words="  what():  std::bad_alloc")
    return bring_about


def leave(origin):
    def bring_about(storm):
        sql = storm.queries.leave(storm.words(), 3)
        storm.ask(origin, sql)
        return storm.end(unlooked(origin), "exit", sql, code=3, words=storm.words())
    return bring_about


def flood(storm):
    sql = storm.queries.flood(storm.words(), 4)
    storm.ask("distributed", sql)
    return storm.end("distributed", "exit", sql, code=4, words=storm.words())


def signal_in_query(origin, signo):
    def bring_about(storm):
        sql = storm.ask_and_wait(origin, "last")
        os.kill(storm.pid, signo)
        return storm.end(unlooked(origin), "signal", sql, signo=signo)
    return bring_about


def segv_in_query(origin):
    return signal_in_query(origin, signal.SIGSEGV)


def kill_in_query(origin):
    return signal_in_query(origin, signal.SIGKILL)


def kill_idle(storm):
    os.kill(storm.pid, signal.SIGKILL)
    return storm.end(None, "signal", signo=signal.SIGKILL)


def kill_after_query(origin):
    """It executed something, and has been seen to be through with that."""
    def bring_about(storm):
        storm.ask_and_wait(origin, "pass_by")
        storm.queries.withdraw(storm.name(origin))
        storm.queries.wait_until_seen_idle()
        os.kill(storm.pid, signal.SIGKILL)
        return storm.end(None, "signal", signo=signal.SIGKILL)
    return bring_about


def kill_in_two(storm):
    storm.ask_and_wait("schedule", "last")
    storm.ask_and_wait("distributed", "last")
    os.kill(storm.pid, signal.SIGKILL)
    return storm.end(None, "signal", signo=signal.SIGKILL,
                     said=(storm.name("schedule"), storm.name("distributed")),
                     denylisted=storm.name("schedule"))


def memory_beside(origin, other):
    """Two at once, of which one is seen to be busy."""
    def bring_about(storm):
        storm.ask_and_wait(other, "last")
        sql = storm.queries.grow(storm.words())
        storm.ask(origin, sql)
        return storm.end(origin, "memory", sql, words=storm.words(),
                         denylisted=storm.name(other) if other == "schedule" else None)
    return bring_about


def hang(storm):
    wait_until_answers(storm, "worker")
    storm.ask("extension", storm.queries.hang(storm.words()))
    return storm.end(None, "unresponsive", words=storm.words())


def wait_until_answers(storm, *names):
    """As the watchdog sees it."""
    storm.watchdog.wait_tables()
    eventually(lambda: all((row := storm.watchdog.status(name)) and row["responsive"] == 1
                           for name in names), f"{names} answer")


def settled_extension(storm):
    """Its exits are its own only while the worker is known to answer. Returns its pid."""
    pid = storm.watchdog.registered("one")
    wait_until_answers(storm, "worker", "one.ext")
    return pid


def of_extension(reason, request, **more):
    def bring_about(storm):
        pid = settled_extension(storm)
        storm.ask("extension", f"SELECT * FROM one WHERE misbehave = '{request(storm.words())}'")
        return storm.extension_end(pid, reason, words=storm.words(), **more)
    return bring_about


def kill_extension(storm):
    pid = settled_extension(storm)
    os.kill(pid, signal.SIGKILL)
    return storm.extension_end(pid, "signal", signo=signal.SIGKILL)


KINDS = {
    **{f"{make.__name__} {origin}": make(origin) for origin in ORIGINS
       for make in (memory, cpu, crash, abort, leave, kill_in_query, segv_in_query)},
    "kill idle": kill_idle,
    **{f"kill after {origin}": kill_after_query(origin) for origin in ("schedule", "distributed")},
    "kill in two": kill_in_two,
    "memory beside schedule": memory_beside("distributed", "schedule"),
    "memory beside distributed": memory_beside("extension", "distributed"),
    "flood": flood,
    "hang": hang,
    "extension leaves": of_extension("exit", storm_queries.say_and("exit:5"), code=5),
    "extension crashes": of_extension("signal", storm_queries.say_and("crash"),
                                      signo=signal.SIGSEGV),
    "extension memory": of_extension("memory", storm_queries.say_and("grow:60:120")),
    "extension killed": kill_extension,
}
# They take seconds: a check interval, a time without an answer.
SLOW = {name for name in KINDS if name.startswith(("cpu", "hang", "kill after"))}


def program(choice, kinds, ends):
    """Each kind at least once, the slow ones seldom more often."""
    names = list(kinds)
    quick = [name for name in names if name not in SLOW]
    while len(names) < ends:
        names.append(choice.choice(quick if choice.random() < 0.95 or ends < 100 else names))
    choice.shuffle(names)
    return names


@pytest.fixture
def stormy(directory):
    yield from supervised(directory, pathlib.Path(REAL) if REAL else STAND_IN / "osqueryd")


def test_storm_of_ends(stormy, monkeypatch):
    # Sanitizers leave signals to the kernel, and don't make the watchdog itself grow past its limit.
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") +
                       ":handle_segv=0:handle_abort=0:quarantine_size_mb=1")
    print("WATCHDOG_SEED =", SEED)
    choice = random.Random(SEED)
    queries = (storm_queries.Real if REAL else storm_queries.StandIn)(stormy)
    # Beside other tests there may be too little CPU for a query to exceed the limit.
    cpu = bool(REAL or LONG)
    kinds = {name: kind for name, kind in KINDS.items()
             if queries.can(name) and (cpu or not name.startswith("cpu"))}
    stormy.add_extension("one")
    stormy.flags(*NO_BACK_OFF, "--watchdog_delay=0", "--watchdog_latency_limit=1",
                 "--watchdog_forced_shutdown_delay=1", "--enable_extensions_watchdog",
                 "--extensions_interval=1", "--schedule_lognames", "--distributed_loginfo",
                 *queries.flags(), *([] if cpu else ["--watchdog_utilization_limit=100"]))
    stormy.start("--unresponsive_timeout=3", "--history_max=100000", tables=True)
    storm = Storm(stormy, queries)
    record = Record(stormy)
    names = program(choice, kinds, ENDS)
    for number, name in enumerate(names):
        storm.begin(number)
        truth = kinds[name](storm)
        record.take(name, truth)
        storm.settle(truth)
    stormy.worker(storm.ended)
    assert stormy.stop() == 0
    wrong = list(record.wrong())
    assert not wrong, "\n".join(wrong)
    check_history(stormy.events())
    counted = stormy.ctl("--json", "query", "SELECT count(*) AS n FROM watchdog_terminations")
    assert [int(row["n"]) for row in json.loads(counted.stdout)] == [len(terminations(stormy))]
