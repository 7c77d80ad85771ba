"""PID 1 of a pid namespace: whoever loses its parent there becomes our child."""

import os
import signal
import subprocess

from harness import MARK, NO_BACK_OFF, Proc, alive, all_processes, eventually


def test_what_others_leave_behind_is_reaped_and_not_ended(watchdog):
    wrapped = watchdog.command
    watchdog.command = lambda *options, flags=(): [
        "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
        *wrapped(*options, flags=flags)]
    watchdog.flags(*NO_BACK_OFF)
    watchdog.start(ready=False)
    watchdog.wait_event("event = 'process_started'")
    first = next(proc.pid for proc in all_processes() if proc.ppid == watchdog.process.pid)

    def workers():
        return {proc.pid for proc in all_processes() if proc.ppid == first and
                proc.comm == "osqueryd"}

    inside = ["nsenter", f"--target={first}", "--pid", "--mount", "sh", "-c"]
    marked = {**os.environ, MARK: str(watchdog.directory)}
    subprocess.run([*inside, "sleep 1001 & sleep 1002 &"], env=marked, check=True, timeout=30)

    def orphans():
        return {proc.pid for proc in all_processes() if proc.ppid == first and
                proc.comm == "sleep"}

    one, other = eventually(lambda: len(found := orphans()) == 2 and found, "they are orphans")
    old = workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    watchdog.wait_event("event = 'process_started'", count=2)
    os.kill(one, signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{one}"), "it is reaped")
    assert alive(other) and Proc(other).ppid == first
    os.kill(first, signal.SIGTERM)
    assert watchdog.wait() == 0
    watchdog.wait_nothing_runs()
