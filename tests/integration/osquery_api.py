"""osquery's extension API spoken by Debian's python3-thrift: a peer that shares no code with ours."""

import atexit
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from thrift.protocol import TBinaryProtocol
from thrift.transport import TSocket, TTransport

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _generate():
    folder = tempfile.mkdtemp(prefix="osquery-api-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["thrift", "--gen", "py", "-out", folder, ROOT / "thrift/osquery.thrift"],
                   check=True)
    sys.path.insert(0, folder)


_generate()
from osquery import Extension as ExtensionService  # noqa: E402
from osquery import ExtensionManager as ManagerService  # noqa: E402
from osquery.ttypes import (ExtensionResponse, ExtensionStatus,  # noqa: E402
                            InternalExtensionInfo)

INDEX, REQUIRED, ADDITIONAL, OPTIMIZED, HIDDEN = 1, 2, 4, 8, 16


class Client:
    """`with Client(path) as manager:` — every method of ExtensionManager, over one connection."""

    def __init__(self, path, timeout=20):
        sock = TSocket.TSocket(unix_socket=str(path))
        sock.setTimeout(timeout * 1000)
        self.transport = TTransport.TBufferedTransport(sock)
        protocol = TBinaryProtocol.TBinaryProtocol(self.transport)
        self.service = ManagerService.Client(protocol)

    def __enter__(self):
        self.transport.open()
        return self.service

    def __exit__(self, *exception):
        self.transport.close()


def query(path, sql, timeout=20):
    """The rows that a manager answers; a failure is a RuntimeError with its message."""
    with Client(path, timeout) as manager:
        answer = manager.query(sql)
    if answer.status.code != 0:
        raise RuntimeError(answer.status.message)
    return answer.response


class Table:
    """@columns: (name, type, options). @rows: a list of dicts, or a function of the request."""

    def __init__(self, columns, rows=()):
        self.columns, self.rows = columns, rows

    def route(self):
        return [{"id": "column", "name": name, "type": type_, "op": str(options)}
                for name, type_, options in self.columns] + [{"id": "attributes", "attributes": "0"}]


class Extension:
    """Registers @tables (name to Table) with the manager at @path and serves them from threads.

    `requests` holds every request of a call(); `pings` and `shutdowns` count the other calls."""

    def __init__(self, path, tables, name="python", sdk_version="1.8.0", serve=True):
        self.tables, self.requests, self.pings, self.shutdowns = tables, [], 0, 0
        info = InternalExtensionInfo(name=name, version="1", sdk_version=sdk_version,
                                     min_sdk_version="0.0.0")
        registry = {"table": {table: definition.route() for table, definition in tables.items()}}
        with Client(path) as manager:
            self.status = manager.registerExtension(info, registry)
        self.uuid, self.listener = self.status.uuid, None
        self.socket_path = f"{path}.{self.uuid}"
        if self.status.code == 0 and serve:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(self.socket_path)
            self.listener.listen(64)
            threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Goes without a word: the socket and its file are gone."""
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
            pathlib.Path(self.socket_path).unlink(missing_ok=True)

    def _accept(self):
        listener = self.listener
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        sock = TSocket.TSocket()
        sock.setHandle(connection)
        transport = TTransport.TBufferedTransport(sock)
        protocol = TBinaryProtocol.TBinaryProtocol(transport)
        processor = ExtensionService.Processor(self)
        try:
            while True:
                processor.process(protocol, protocol)
        except (TTransport.TTransportException, OSError):
            transport.close()

    # --- the service ---

    def ping(self):
        self.pings += 1
        return ExtensionStatus(code=0, message="pong", uuid=self.uuid)

    def shutdown(self):
        self.shutdowns += 1

    def call(self, registry, item, request):
        self.requests.append(request)
        table = self.tables[item]
        try:
            if request["action"] == "columns":
                rows = table.route()
            else:
                rows = table.rows(request) if callable(table.rows) else list(table.rows)
        except ValueError as problem:
            return ExtensionResponse(ExtensionStatus(code=1, message=str(problem), uuid=0), [])
        return ExtensionResponse(ExtensionStatus(code=0, message="OK", uuid=self.uuid), rows)
