"""A core dump, where systemd-coredump would get it: over the kernel's word for that, which belongs to
the whole host, a file of ours is mounted. Mounting needs root."""

import json
import os
import pathlib
import signal

import pytest

BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
SYSTEMD = "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h\n"


@pytest.mark.parametrize("pattern, found", [(SYSTEMD, True), ("core\n", False)])
def test_where_a_core_dump_is(stand_in, monkeypatch, pattern, found):
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") +
                       ":handle_segv=0:disable_coredump=0")
    file = stand_in.directory / "core_pattern"
    file.write_text(pattern)
    wrapped = stand_in.command
    stand_in.command = lambda *options, flags=(): [
        "unshare", "--mount", "sh", "-c",
        f"mount --bind {file} /proc/sys/kernel/core_pattern && ulimit -c 2048 &&"
        f" cd {stand_in.directory} && exec \"$@\"", "sh", *wrapped(*options, flags=flags)]
    stand_in.start()
    pid = stand_in.worker()
    os.kill(pid, signal.SIGSEGV)
    exited = stand_in.wait_event("event = 'process_exited'")
    assert (exited["pid"], exited["exit_signal"], exited["core_dumped"]) == (pid, 11, 1)
    matches = f"COREDUMP_PID={pid} _BOOT_ID={BOOT_ID}"
    assert json.loads(exited["details"] or "{}").get("coredump") == (matches if found else None)
    told = f"A core dump was written: coredumpctl info {matches}" if found else "A core dump was written."
    assert f"Core dump   {told}\n" in stand_in.ctl("explain").stdout
