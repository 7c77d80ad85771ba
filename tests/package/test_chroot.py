"""The package where no systemd is: in a chroot, in a container, under another init."""

import contextlib
import re
import subprocess

from harness import eventually
from machine import ENVIRONMENT

LINK = "/etc/systemd/system/osqueryd.service.d/50-osquery-watchdog.conf"
STATE = "/var/lib/osquery-watchdog"


@contextlib.contextmanager
def watchdog(machine):
    """From the installed paths, over osqueryd."""
    process = subprocess.Popen(
        ["nsenter", "-t", str(machine.leader), "-a", "osquery-watchdogd", "--",
         "/opt/osquery/bin/osqueryd", "--flagfile", "/etc/osquery/osquery.flags",
         "--config_path", "/etc/osquery/osquery.conf"],
        env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        machine.worker()
        yield process
    finally:
        machine.kill(machine.ctl("SELECT pid FROM watchdog_processes WHERE name = 'watchdog'")[0])
        assert process.wait(30) == 0


def test_the_main_job_from_the_installed_paths(chroot, package):
    chroot.install(package)
    assert chroot.mode(STATE) == "700 root root"
    assert chroot.mode("/usr/libexec/osquery-watchdog/osquery-watchdog.ext") == "755 root root"
    chroot.write("/etc/osquery/osquery.flags", "--watchdog_delay=0\n--watchdog_memory_limit=40\n"
                 "--watchdog_forced_shutdown_delay=1\n")
    with watchdog(chroot):
        assert chroot.mode("/run/osquery-watchdog") == "700 root root"
        assert chroot.mode(f"{STATE}/history.db") == "600 root root"
        first = chroot.worker()
        eventually(lambda: chroot.query("SELECT 1 FROM watchdog_processes"), "the tables answer")
        chroot.query("SELECT misbehave('grow:200:120')")
        second = chroot.worker(other_than=first)
        chroot.kill(second, "KILL")
        chroot.worker(other_than=second)
        question = ("SELECT event, reason, exit_signal FROM watchdog_events WHERE name = 'worker' "
                    "AND event IN ('process_terminated', 'process_exited')")
        assert re.fullmatch(r"process_terminated,memory,\d*",
                            chroot.ctl(question + " AND pid = " + first)[0])
        assert chroot.ctl(question + " AND pid = " + second) == ["process_exited,signal,9"]
        rows = eventually(lambda: chroot.query(question), "the tables answer again")
        assert "process_terminated" in rows and "process_exited" in rows


def test_the_history_outlives_an_upgrade_and_a_removal_but_no_purge(chroot, package, newer_package):
    before = chroot.files()
    chroot.install(package)
    with watchdog(chroot):
        pass
    events = chroot.ctl("SELECT eid, event FROM watchdog_events")
    assert events
    chroot.install(newer_package)
    assert chroot.output("dpkg-query", "-W", "-f", "${Version}", "osquery-watchdog").endswith("-2")
    assert chroot.ctl("SELECT eid, event FROM watchdog_events") == events
    chroot.run("dpkg", "--remove", "osquery-watchdog")
    assert chroot.mode(f"{STATE}/history.db") == "600 root root"
    assert chroot.mode("/run/osquery-watchdog") is None
    chroot.install(newer_package)
    assert chroot.ctl("SELECT eid, event FROM watchdog_events") == events
    chroot.run("dpkg", "--purge", "osquery-watchdog")
    # The pidfile and the database are osqueryd's.
    left = {path for path in chroot.files() - before if "osqueryd" not in path}
    assert not left


def test_enabling_only_makes_the_link(chroot, package):
    chroot.install(package)
    assert chroot.run("osquery-watchdog", "status", check=False).stdout == "disabled\n"
    for _ in range(2):
        chroot.run("osquery-watchdog", "enable")
        assert chroot.output("osquery-watchdog", "status") == "enabled"
        assert "ExecStart=/usr/bin/osquery-watchdogd -- " in chroot.output("cat", LINK)
    for _ in range(2):
        chroot.run("osquery-watchdog", "disable")
        assert chroot.run("osquery-watchdog", "status", check=False).stdout == "disabled\n"
    assert chroot.mode("/etc/systemd/system/osqueryd.service.d") is None
    chroot.run("osquery-watchdog", "enable")
    chroot.run("dpkg", "--remove", "osquery-watchdog")
    assert chroot.mode("/etc/systemd/system/osqueryd.service.d") is None


def test_bad_usage_is_told(chroot, package):
    chroot.install(package)
    for arguments in ((), ("on",), ("enable", "now")):
        done = chroot.run("osquery-watchdog", *arguments, check=False)
        assert done.returncode == 2 and done.stdout == "", arguments
        assert len(done.stderr.splitlines()) == 1 and "enable" in done.stderr, arguments
