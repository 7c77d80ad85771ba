"""How an osqueryd is made to execute queries that end it: the stand-in; by hand, a real one."""

import json
import os
import pathlib
import socket
import threading

from harness import eventually


def escaped(text):
    """As a request to misbehave holds it."""
    return "".join(c if c.isalnum() or c in "_-./ " else f"%{ord(c):02X}" for c in text)


def say_and(rest):
    return lambda words: f"say:{escaped(words)},{rest}"


class StandIn:
    """tests/stand-in: each query is a request to misbehave."""

    pack = "pack/storm:query:"  # what begins the name of a scheduled query

    def __init__(self, watchdog):
        self.watchdog = watchdog
        self.schedule_path = watchdog.directory / "schedule"
        self.asked = watchdog.directory / "asked"
        self.asked.mkdir()
        self.scheduled = {}
        self.write_schedule()

    def can(self, _):
        return True

    def flags(self):
        return ("--watchdog_memory_limit=30", "--watchdog_utilization_limit=10",
                f"--schedule={self.schedule_path}", f"--distributed={self.asked}")

    def ready(self, storm):
        self.watchdog.query("SELECT 1")

    # --- how a query comes to it ---

    def replace(self, path, text):
        new = self.watchdog.directory / "new"
        new.write_text(text)
        new.rename(path)

    def schedule(self, name, sql):
        self.scheduled[name] = sql
        self.write_schedule()

    def write_schedule(self):
        self.replace(self.schedule_path, "".join(f"{name} 0.05 {sql}\n"
                                                 for name, sql in self.scheduled.items()))

    def distribute(self, name, sql):
        self.replace(self.asked / name, sql)

    def withdraw(self, name):
        """A query that ended by itself; of others, osqueryd won't execute them again."""
        if self.scheduled.pop(name, None):
            self.write_schedule()

    # --- the queries ---

    @staticmethod
    def misbehave(*requests):
        return f"SELECT misbehave('{','.join(requests)}')"

    def grow(self, words):
        return self.misbehave(f"say:{escaped(words)}", "grow-here:60:120", "sleep:1000")

    def burn(self, words):
        return self.misbehave(f"say:{escaped(words)}", "burn:1000")

    def crash(self, words):
        return self.misbehave("sleep:0.05", f"say:{escaped(words)}", "crash")

    def abort(self, words):
        return self.misbehave(f"say:{escaped(words)}", "abort")

    def leave(self, words, code):
        return self.misbehave(f"say:{escaped(words)}", f"exit:{code}")

    def flood(self, words, code):
        return self.misbehave("flood:20:0.2", f"say:{escaped(words)}", f"exit:{code}")

    def hang(self, words):
        return self.misbehave(f"say:{escaped(words)}", "hang")

    def last(self, begun):
        return self.misbehave(f"say:{escaped(begun)}", "sleep:1000")

    def pass_by(self, begun):
        return self.misbehave(f"say:{escaped(begun)}")

    def has_begun(self, storm, begun, _):
        return begun in storm.log()

    def says(self, words):
        return words

    def wait_until_seen_idle(self):
        """What executed has ended, and two checks have been since."""
        for _ in range(2):
            before = self.last_check()
            eventually(lambda: self.last_check() != before, "a check")

    def last_check(self):
        return self.watchdog.status("worker")["last_check_time"]


class Real:
    """A real osqueryd, on a machine with CPU to spare. Its distributed queries come from the TLS
    server in $STORM_SERVER: a folder with `flags`, a flagfile for osqueryd, and `queries.d`, whose
    files {ID: SQL} the server hands out once.

    What it can't be asked for is left out: exits, floods and the like."""

    pack = "pack/storm/the query "  # a colon would break osqueryd's own denylist

    def __init__(self, watchdog):
        self.watchdog, self.server = watchdog, pathlib.Path(os.environ["STORM_SERVER"])
        self.config = watchdog.directory / "osquery.conf"
        self.scheduled, self.asked, self.waiting = {}, "", []
        self.write_schedule()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Who asks gets no answer: so a query goes on without using CPU."""
        while True:
            connection, _ = self.listener.accept()
            self.waiting.append(connection)
            self.asked += connection.recv(4096).decode()

    def can(self, name):
        return not name.startswith(("crash", "abort", "leave", "flood", "hang"))

    def says(self, words):
        return None

    def flags(self):
        return ("--watchdog_memory_limit=80", "--watchdog_utilization_limit=20",
                f"--config_path={self.config}", "--config_refresh=1",
                "--schedule_splay_percent=0", "--disable_events", f"--flagfile={self.server}/flags",
                "--distributed_interval=1", f"--logger_path={self.watchdog.directory}")

    def ready(self, storm):
        self.watchdog.query("SELECT 1")

    def schedule(self, name, sql):
        self.scheduled[name] = {"query": sql, "interval": 1}
        self.write_schedule()

    def write_schedule(self):
        new = self.config.with_suffix(".new")
        new.write_text(json.dumps({"schedule": self.scheduled}))
        new.rename(self.config)

    def distribute(self, name, sql):
        new = self.server / f"{name}.new"
        new.write_text(json.dumps({name: sql}))
        new.rename(self.server / "queries.d" / f"{name}.json")

    def withdraw(self, name):
        if self.scheduled.pop(name, None):
            self.write_schedule()

    def grow(self, words):
        return (f"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                f"SELECT '{words}', length(group_concat(hex(zeroblob(1000)))) FROM c")

    def burn(self, words):
        return ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                f"SELECT '{words}',\n  count(*) FROM c")

    def last(self, begun):
        path = begun.replace(" ", "/")
        port = self.listener.getsockname()[1]
        return f"SELECT * FROM curl\nWHERE url = 'http://127.0.0.1:{port}/{path}/'"

    def pass_by(self, begun):
        return f"SELECT '{begun}'"

    def has_begun(self, storm, begun, goes_on):
        if goes_on:
            return f"/{begun.replace(' ', '/')}/" in self.asked
        log = storm.log()
        return f"query {storm.name('schedule')}\n" in log or f"SELECT '{begun}'" in log

    wait_until_seen_idle = StandIn.wait_until_seen_idle
    last_check = StandIn.last_check
