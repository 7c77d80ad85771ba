"""What answering osquery costs: osquery-watchdog.ext beside the same two tables served by a Python
extension (Debian's python3-thrift, a thread for each connection, rows by Python's sqlite3), in one run.

    WATCHDOG_BUILD_DIR=build /usr/bin/python3 tests/bench/extension.py [--pings N] [--events N]

Both answer the same bytes of the same clients, which do no more than to read as many bytes as there
were the first time. Figures are medians, but for the worst ping.
"""

import argparse
import os
import pathlib
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import thrift_manager as tm  # noqa: E402
from thrift.protocol import TBinaryProtocol  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402

BUILD = pathlib.Path(os.environ.get("WATCHDOG_BUILD_DIR", "build")).resolve()
PING = tm.PING


# --- the Python extension: `extension.py serve SOCKET STATE RUNTIME` ---


class Tables:
    """The handler of Extension."""

    FILES = {"watchdog_events": "history.db", "watchdog_processes": "status.db"}

    def __init__(self, state, runtime):
        self.paths = {"watchdog_events": f"{state}/history.db",
                      "watchdog_processes": f"{runtime}/status.db"}
        self.local = threading.local()

    def database(self, table):
        databases = self.local.__dict__.setdefault("databases", {})
        if table not in databases:
            databases[table] = sqlite3.connect(f"file:{self.paths[table]}?mode=ro", uri=True)
        return databases[table]

    def ping(self):
        return tm.ExtensionStatus(0, "OK", 0)

    def shutdown(self):
        pass

    def call(self, registry, item, request):
        import json
        where, values = ["1"], []
        context = json.loads(request["context"])
        for constraint in context["constraints"]:
            for entry in constraint["list"]:
                operator = {2: "=", 4: ">", 8: "<=", 16: "<", 32: ">="}[entry["op"]]
                where.append(f"{constraint['name']} {operator} ?")
                values.append(int(entry["expr"]))
        source = {"watchdog_events": "events", "watchdog_processes": "processes"}[item]
        cursor = self.database(item).execute(
            f"SELECT * FROM {source} WHERE {' AND '.join(where)}", values)
        names = [column[0] for column in cursor.description]
        rows = [{name: str(value) for name, value in zip(names, row) if value is not None}
                for row in cursor]
        return tm.ExtensionResponse(tm.ExtensionStatus(0, "OK", 0), rows)


def serve(path, state, runtime):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(64)
    processor = tm.Extension.Processor(Tables(state, runtime))

    def one(connection):
        handle = TSocket.TSocket()
        handle.setHandle(connection)
        buffered = TTransport.TBufferedTransport(handle)
        protocol = TBinaryProtocol.TBinaryProtocol(buffered)
        try:
            while True:
                processor.process(protocol, protocol)
        except (TTransport.TTransportException, OSError):
            buffered.close()

    while True:
        threading.Thread(target=one, args=[listener.accept()[0]], daemon=True).start()


# --- the client ---


def fill_in(path, events):
    """Gives those rows that are read a value in every column."""
    database = sqlite3.connect(path)
    with database:
        columns = database.execute("SELECT name, type FROM pragma_table_info('events')").fetchall()
        database.execute("UPDATE events SET " + ", ".join(
            f"{name} = coalesce({name}, {dict(TEXT=repr('a text of some length'), REAL=12.5).get(type_, 123456)})"
            for name, type_ in columns) + " WHERE eid <= 10000 OR eid > ?", [events - 100])
    database.close()
    path.with_name(path.name + "-wal").touch(0o600)  # SQLite has taken it along


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(60)
    client.connect(path)
    return client


def receive(client, size, buffer=bytearray(1 << 20)):
    left = size
    while left:
        got = client.recv_into(buffer, min(left, len(buffer)))
        assert got, "closed too early"
        left -= got


def reply_size(path, call):
    """The reply's length: what comes before that of a ping behind it."""
    with connect(path) as client:
        client.sendall(PING)
        pong = client.recv(4096)
        client.sendall(call + PING)
        data = b""
        while not data.endswith(pong):
            data += client.recv(1 << 20)
        return len(data) - len(pong), len(pong)


def exchange(path, call, size):
    """As osquery: a connection for each call."""
    with connect(path) as client:
        client.sendall(call)
        receive(client, size)


def timed(times, what, *arguments):
    values = []
    for _ in range(times):
        begin = time.perf_counter()
        what(*arguments)
        values.append(time.perf_counter() - begin)
    return statistics.median(values)


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as smaps:
        return sum(int(line.split()[1]) for line in smaps if line.startswith("Private_Dirty"))


def worst_ping(path, call, size, pong, times):
    """Of another client, while one generates."""
    stop, worst = threading.Event(), 0

    def generate():
        while not stop.is_set():
            exchange(path, call, size)

    thread = threading.Thread(target=generate)
    thread.start()
    for _ in range(times):
        begin = time.perf_counter()
        exchange(path, PING, pong)
        worst = max(worst, time.perf_counter() - begin)
        time.sleep(0.002)
    stop.set()
    thread.join()
    return worst


def measure(path, pid, events, pings):
    rows = [("ping", None), ("1 row", [("eid", 32, str(events))]),
            ("100 rows", [("eid", 4, str(events - 100))]), ("10,000 rows", [("eid", 8, "10000")])]
    figures, pong = {}, reply_size(path, PING)[1]
    for name, constraints in rows:
        call = PING if constraints is None else tm.call_bytes("watchdog_events", constraints)
        size = pong if constraints is None else reply_size(path, call)[0]
        figures[name] = timed(20 if name == "10,000 rows" else 500, exchange, path, call, size)
    call = tm.call_bytes("watchdog_events", [("eid", 8, "10000")])
    size = reply_size(path, call)[0]
    figures["worst ping"] = worst_ping(path, call, size, pong, 300)
    if pid is not None:
        scan = tm.call_bytes("watchdog_events", [("eid", 32, "1"), ("time", 16, "1")])  # finds nothing
        figures["worst ping, long step"] = worst_ping(path, scan, reply_size(path, scan)[0], pong, 300)
    before = private_kb(pid) if pid else 0
    begin = time.perf_counter()
    for _ in range(pings):
        exchange(path, PING, pong)
    figures["pings/s"] = pings / (time.perf_counter() - begin)
    figures["growth"] = private_kb(pid) - before if pid else None
    figures["private"] = before
    return figures


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--pings", type=int, default=1000000)
    options.add_argument("--events", type=int, default=1000000)
    options = options.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
    processes, manager = [], tm.Manager(directory / "em")
    try:
        for name in ("state", "run"):
            (directory / name).mkdir(mode=0o700)
        subprocess.run([BUILD / "tests/sample-store", directory / "state", directory / "run",
                        str(options.events)], check=True)
        fill_in(directory / "state/history.db", options.events)
        manager.start()
        processes.append(subprocess.Popen(
            [BUILD / "bin/osquery-watchdog.ext", "--socket", directory / "em",
             "--state_dir", directory / "state", "--runtime_dir", directory / "run"],
            stderr=subprocess.DEVNULL))
        path = f"{directory}/python"
        processes.append(subprocess.Popen([sys.executable, __file__, "serve", path,
                                           directory / "state", directory / "run"]))
        while not (manager.uuids() and tm.pings(f"{directory}/em.{manager.uuids()[0]}")
                   and tm.pings(path)):
            time.sleep(0.05)
        ours = measure(f"{directory}/em.{manager.uuids()[0]}", processes[0].pid, options.events,
                       options.pings)
        python = measure(path, None, options.events, min(options.pings, 20000))
    finally:
        for process in processes:
            process.kill()
            process.wait()
        manager.stop()
        shutil.rmtree(directory)

    print(f"of {options.events:,} events          ours      Python's")
    for name in ("ping", "1 row", "100 rows", "10,000 rows", "worst ping"):
        print(f"{name:20} {ours[name] * 1000:9.2f} {python[name] * 1000:9.2f} ms"
              f"   {python[name] / ours[name]:6.1f} times")
    print(f"{'ping during a scan':20} {ours['worst ping, long step'] * 1000:9.2f}           ms at worst")
    for name, rows in (("1 row", 1), ("100 rows", 100), ("10,000 rows", 10000)):
        print(f"{name + ', rows/s':20} {rows / ours[name]:9.0f} {rows / python[name]:9.0f}"
              f"   calls/s {1 / ours[name]:.0f} {1 / python[name]:.0f}")
    print(f"{'pings/s':20} {ours['pings/s']:9.0f} {python['pings/s']:9.0f}")
    print(f"private dirty memory: {ours['private']} kB, after {options.pings:,} pings"
          f" {ours['growth']:+d} kB")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        sys.exit(main())
