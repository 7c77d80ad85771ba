"""An extension manager in Python, as a peer that shares no code with ours: Debian's python3-thrift,
its generated code, TBinaryProtocol over TBufferedTransport, a thread for each connection, and
osquery's habits: a new connection for each call, a ping before it, an extension dropped after one
ping that failed, a starting core that unlinks what the one before left.
"""

import atexit
import contextlib
import glob
import logging
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

logging.getLogger("thrift.transport.TSocket").disabled = True  # nobody there is no news here
IDL = pathlib.Path(__file__).resolve().parents[2] / "thrift" / "osquery.thrift"


def _generate():
    made = tempfile.mkdtemp(prefix="thrift-py-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    subprocess.run(["thrift", "--gen", "py", "-out", made, str(IDL)], check=True)
    sys.path.insert(0, made)


_generate()
# pylint: disable=wrong-import-position
from osquery import Extension, ExtensionManager  # noqa: E402
from osquery.ttypes import (  # noqa: E402
    ExtensionResponse,
    ExtensionStatus,
    InternalExtensionInfo,
    InternalOptionInfo,
)
from thrift.protocol import TBinaryProtocol  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402

# A ping as it goes over the wire.
PING = b"\x80\x01\x00\x01" + b"\x00\x00\x00\x04ping" + b"\x00\x00\x00\x00" + b"\x00"


@contextlib.contextmanager
def client(path, timeout=10, service=Extension):
    """A generated client on a connection of its own."""
    transport = TSocket.TSocket(unix_socket=str(path))
    transport.setTimeout(timeout * 1000)
    buffered = TTransport.TBufferedTransport(transport)
    buffered.open()
    try:
        yield service.Client(TBinaryProtocol.TBinaryProtocol(buffered))
    finally:
        buffered.close()


def pings(path):
    """Whether somebody answers there."""
    try:
        with client(path) as extension:
            return extension.ping().code == 0
    except (TTransport.TTransportException, OSError):
        return False


def call(path, item, request, registry="table", timeout=10):
    """As osquery: a ping, then the call, a connection each."""
    with client(path, timeout) as extension:
        assert extension.ping().code == 0
    with client(path, timeout) as extension:
        return extension.call(registry, item, request)


def context(constraints=(), columns=None):
    """osquery's context: constraints are (column, operator, value)."""
    by_column = {}
    for name, op, value in constraints:
        by_column.setdefault(name, []).append({"op": op, "expr": value})
    built = {
        "constraints": [
            {"name": name, "list": entries, "affinity": "TEXT"} for name, entries in by_column.items()
        ]
    }
    if columns is not None:
        built["colsUsed"] = list(columns)
    return json.dumps(built)


def generate(path, table, constraints=(), columns=None, timeout=10):
    """The rows of a table, as osquery would ask for them."""
    request = {"action": "generate", "context": context(constraints, columns)}
    response = call(path, table, request, timeout=timeout)
    assert response.status.code == 0, response.status.message
    return response.response


def call_bytes(table, constraints=()):
    """A call to generate as it goes over the wire."""
    memory = TTransport.TMemoryBuffer()
    Extension.Client(TBinaryProtocol.TBinaryProtocol(memory)).send_call(
        "table", table, {"action": "generate", "context": context(constraints)})
    return memory.getvalue()


class Manager:
    """Serves the manager's socket from start() to stop(), which is as sudden as kill -9."""

    def __init__(self, path):
        self.path = str(path)
        self.lock = threading.Lock()
        self.extensions_by_uuid = {}
        self.registrations = 0  # accepted ones
        self.attempts = 0
        self.refusals = []  # what to answer to the next registrations
        self.raw = None  # bytes to answer every call with
        self.delay = 0  # seconds before every answer
        self.slamming = False  # closes every connection as soon as it is there
        self.queries = []  # the SQL that was asked
        self.answer = None  # a function from SQL to rows; None: "no such table"
        self.hanging = threading.Event()  # set: answers nothing
        self.hung = set()  # the connections that wait for an answer for ever
        self.listener = None
        self.connections = set()
        self.thread = None

    # --- life ---

    def start(self):
        for stale in glob.glob(glob.escape(self.path) + "*"):
            pathlib.Path(stale).unlink(missing_ok=True)  # its extension may be faster
        self.extensions_by_uuid = {}
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        listener, self.listener = self.listener, None
        if listener is None:
            return
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.thread.join(10)
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        transport = TSocket.TSocket()
        transport.setHandle(connection)
        buffered = TTransport.TBufferedTransport(transport)
        protocol = TBinaryProtocol.TBinaryProtocol(buffered)
        processor = ExtensionManager.Processor(self)
        try:
            while True:
                if self.slamming:
                    return
                if self.delay:
                    connection.recv(1, socket.MSG_PEEK)
                    time.sleep(self.delay)
                if self.raw is not None:
                    connection.recv(65536)
                    connection.sendall(self.raw)
                    return
                if self.hanging.is_set():
                    self.hung.add(connection)
                    while connection.recv(65536):
                        pass
                    return
                processor.process(protocol, protocol)
        except (TTransport.TTransportException, OSError, EOFError):
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)
                self.hung.discard(connection)
            buffered.close()

    # --- what osquery's core does by itself ---

    def check(self):
        """The regular ping: one failure, and an extension is dropped without a word."""
        for uuid in list(self.extensions_by_uuid):
            if not pings(f"{self.path}.{uuid}"):
                self.drop(uuid)

    def drop(self, uuid):
        with self.lock:
            self.extensions_by_uuid.pop(uuid, None)

    def uuids(self, name="osquery_watchdog"):
        with self.lock:
            return [u for u, (info, _) in self.extensions_by_uuid.items() if info.name == name]

    def tables(self, uuid):
        """What was registered: table to its columns, in order."""
        _, registry = self.extensions_by_uuid[uuid]
        return {
            table: [row for row in route if row["id"] == "column"]
            for table, route in registry["table"].items()
        }

    # --- the handler of ExtensionManager ---

    def ping(self):
        return ExtensionStatus(0, "OK", 0)

    def call(self, registry, item, request):
        return ExtensionResponse(ExtensionStatus(1, "Unknown registry", 0), [])

    def shutdown(self):
        pass

    def extensions(self):
        with self.lock:
            return {uuid: info for uuid, (info, _) in self.extensions_by_uuid.items()}

    def options(self):
        return {"verbose": InternalOptionInfo("false", "false", "bool")}

    def registerExtension(self, info, registry):  # pylint: disable=invalid-name
        with self.lock:
            self.attempts += 1
            if self.refusals:
                return ExtensionStatus(1, self.refusals.pop(0), 0)
            if any(known.name == info.name for known, _ in self.extensions_by_uuid.values()):
                return ExtensionStatus(1, "Duplicate extension registered", 0)
            uuid = random.randrange(1, 65536)
            self.extensions_by_uuid[uuid] = (info, registry)
            self.registrations += 1
            return ExtensionStatus(0, "OK", uuid)

    def deregisterExtension(self, uuid):  # pylint: disable=invalid-name
        if uuid not in self.extensions_by_uuid:
            return ExtensionStatus(1, "No extension UUID registered", 0)
        self.drop(uuid)
        return ExtensionStatus(0, "OK", uuid)

    def query(self, sql):
        self.queries.append(sql)
        if self.answer is None:
            return ExtensionResponse(ExtensionStatus(1, "no such table", 0), [])
        return ExtensionResponse(ExtensionStatus(0, "OK", 0), self.answer(sql))

    def getQueryColumns(self, sql):  # pylint: disable=invalid-name
        return ExtensionResponse(ExtensionStatus(0, "OK", 0), [])
