"""The truth about ends that a test has brought about, and what is recorded of them."""

import json
import re
from dataclasses import dataclass

from harness import Watchdog, eventually

# Ends of the extension that follow from the worker's or from its own last one; and how long, in
# seconds, an end of its own may be taken for one that follows: it notices, and exits.
CONSEQUENCES = ("worker_gone", "worker_silent", "registration")
FOLLOWS_S = 10


@dataclass
class Truth:
    """An end that was brought about."""
    number: int
    pid: int
    reason: str
    origin: str = None  # None: can't be known
    query_name: str = None
    query: str = None
    name: str = "worker"
    code: int = None
    signo: int = None
    words: str = None  # the last line; None: any of its own
    said: tuple = ()  # the names of what may have been executing, where more than one
    denylisted: str = None  # the scheduled query that was executing
    follows: bool = False  # it may be taken for one that follows


def terminations(watchdog, after=0):
    """In their order, those past that eid."""
    path = watchdog.state_dir / "history.db"
    return Watchdog.read(path, "SELECT * FROM terminations WHERE eid > ? ORDER BY eid", after)


def problems(row, truth, details):
    """What the row says wrongly, as text."""
    wanted = {"name": truth.name, "pid": truth.pid, "reason": truth.reason,
              "origin": truth.origin, "query_name": truth.query_name, "query": truth.query}
    if truth.signo or truth.code:
        wanted.update(exit_code=truth.code, exit_signal=truth.signo)
    if truth.signo:
        wanted.update(core_dumped=0)
    if truth.origin == "schedule" and row["query"] is None:
        del wanted["query"]  # it says the name alone; the SQL comes with the denylisting
    if truth.follows and row["reason"] in CONSEQUENCES:
        del wanted["reason"]
    for key, value in wanted.items():
        if row[key] != value:
            yield f"{key} is {row[key]!r}, not {value!r}"
    lines = (row["last_output"] or "").splitlines()
    if truth.words and (not lines or lines[-1] != truth.words):
        yield f"the last line is {lines[-1:]}, not {truth.words!r}"
    strangers = {int(number) for line in lines
                 for number in re.findall(r"(?:words of|begins) (\d+)", line)} - {truth.number}
    if strangers:
        yield f"there are words of {strangers}"
    if row["denylisted"] not in (None, truth.denylisted):
        yield f"denylisted is {row['denylisted']!r}, not {truth.denylisted!r}"
    said = {statement["name"] for statement in details.get("said", ())}
    if truth.said and said != set(truth.said):
        yield f"what may have been executing is {said}, not {truth.said}"
    evidence = details.get("evidence", {})
    if ("origin" in evidence) != (row["origin"] is not None) and row["denylisted"] is None:
        yield f"the evidence of {row['origin']} is {evidence}"
    if truth.reason not in ("memory", "cpu", "unresponsive") and evidence.get("origin") == "seen":
        yield "nobody looked at its threads"


def follows(row):
    """An end of the extension that nobody brought about: it says itself what it had to do with."""
    own_words = re.search(r"^one: .*\n\Z", row["last_output"] or "", re.MULTILINE)
    return row["role"] == "extension" and (row["reason"] in CONSEQUENCES or own_words)


class Record:
    """What is recorded, compared with the truth."""

    def __init__(self, watchdog):
        self.watchdog, self.eid, self.truths = watchdog, 0, {}

    def take(self, kind, truth):
        """Waits until the next end is recorded."""
        row = eventually(lambda: next((row for row in terminations(self.watchdog, self.eid)
                                       if (row["name"], row["pid"]) == (truth.name, truth.pid)),
                                      None), f"{kind} is recorded, {truth}")
        self.eid = row["eid"]
        self.truths[self.eid] = (kind, truth)

    def wrong(self):
        """What is recorded wrongly, or by nobody's doing, as text."""
        for row in terminations(self.watchdog):
            kind, truth = self.truths.pop(row["eid"], (None, None))
            if truth is None and follows(row):
                continue
            if truth is None:
                yield f"nobody brought about {row}"
                continue
            details = json.loads(self.watchdog.event(f"eid = {row['eid']}")["details"] or "{}")
            for problem in problems(row, truth, details):
                yield f"{kind} ({truth.number}, eid {row['eid']}): {problem}"
        assert not self.truths, "they were there before"
