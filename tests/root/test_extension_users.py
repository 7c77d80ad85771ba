"""osquery-watchdog.ext serves root and its own user alone."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import thrift_manager as tm  # noqa: E402
from extension_runner import running  # noqa: E402, F401 (a fixture)


def test_other_users_are_refused(running):
    running.manager.start()
    path = running.spawn().registered()
    os.chmod(running.directory, 0o755)
    os.chmod(path, 0o666)  # so that only the credentials are in the way
    script = (
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n"
        f"try:\n    s.sendall({tm.PING!r}); got = s.recv(100)\n"
        "except (BrokenPipeError, ConnectionResetError):\n    got = b''\n"
        "sys.exit(0 if got == b'' else 1)\n"
    )
    subprocess.run(["/usr/bin/python3", "-c", script, path], check=True, timeout=20)
    assert running.answers()
