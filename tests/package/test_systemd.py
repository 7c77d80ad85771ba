"""The drop-in for osqueryd.service, on a machine that systemd runs. Each command of
docs/install.md is run by one of these tests; another looks that none is left out."""

import contextlib
import json
import pathlib
import re

import pytest

from harness import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "install.md").read_text()
UNIT = "osqueryd.service"
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
LINK = f"{DROP_INS}/50-osquery-watchdog.conf"
INSTALL = "apt-get install ./osquery-watchdog_0.2.0-1_amd64.deb"
UPGRADE = "apt-get install ./osquery-watchdog_0.2.0-2_amd64.deb"
ENABLE = "osquery-watchdog enable"
DISABLE = "osquery-watchdog disable"
REMOVE = "apt-get remove osquery-watchdog"
PURGE = "apt-get purge osquery-watchdog"
LOOK = ("systemctl status osqueryd.service", "osquery-watchdogctl status",
        "osquery-watchdogctl events")
MAKE = ("sh docs/packages.sh package", "cmake -S . -B build",
        "cmake --build build --target package")  # by conftest.py, or by whoever runs the tests


@pytest.fixture
def machine(booted, package, newer_package):
    """With the packages in /root."""
    for deb in (package, newer_package):
        booted.copy(deb, f"/root/{deb.name}")
    return booted


def do(machine, command):
    """As it stands in the document; apt-get doesn't ask."""
    command = command.replace("apt-get ", "apt-get --assume-yes -q ")
    return machine.run("sh", "-c", f"cd /root && {command}").stdout


def shown(machine, name):
    """A property of the unit."""
    return machine.output("systemctl", "show", f"--property={name}", "--value", UNIT)


def program(machine):
    """What the unit's main process is, while it is active."""
    assert shown(machine, "ActiveState") == "active"
    return machine.output("readlink", f"/proc/{shown(machine, 'MainPID')}/exe")


def runs_stock(machine):
    """osqueryd runs under its own watcher."""
    eventually(lambda: machine.query("SELECT 1"), "osqueryd answers")
    watcher = json.loads(machine.query("SELECT watcher FROM osquery_info"))[0]["watcher"]
    return (program(machine) == "/opt/osquery/bin/osqueryd" and
            str(watcher) == shown(machine, "MainPID"))


def events(machine, where="1"):
    return machine.ctl(f"SELECT event, name FROM watchdog_events WHERE {where}")


def test_every_command_of_the_document_is_run():
    known = {INSTALL, UPGRADE, ENABLE, DISABLE, REMOVE, PURGE, *LOOK, *MAKE}
    assert set(re.findall(r"^    (.*)$", DOCUMENT, re.M)) == known


def test_enabling_and_disabling(machine):
    stock = shown(machine, "MainPID")
    do(machine, INSTALL)
    do(machine, DISABLE)
    assert runs_stock(machine) and shown(machine, "MainPID") == stock, "was touched"

    do(machine, ENABLE)
    # Type=notify: the worker runs once the command is done.
    assert program(machine) == "/usr/bin/osquery-watchdogd"
    first = machine.worker()
    assert "started" in shown(machine, "StatusText")
    assert machine.mode("/run/osquery-watchdog") == "700 root root"
    assert machine.mode("/var/lib/osquery-watchdog") == "700 root root"
    for command in LOOK:
        assert "worker" in do(machine, command)
    eventually(lambda: machine.query("SELECT 1 FROM watchdog_processes"), "the tables answer")

    ours = shown(machine, "MainPID")
    do(machine, ENABLE)
    assert shown(machine, "MainPID") == ours, "restarted"
    machine.kill(first, "KILL")
    machine.worker(other_than=first)
    assert shown(machine, "MainPID") == ours

    do(machine, DISABLE)
    assert runs_stock(machine)
    stock = shown(machine, "MainPID")
    do(machine, DISABLE)
    assert shown(machine, "MainPID") == stock, "restarted"
    assert machine.mode("/etc/systemd/system/osqueryd.service.d") is None
    assert events(machine)[-1] == "watchdog_stopped,watchdog"
    # The worker that we killed was an accident; the rest ended in order, each time.
    assert events(machine, "event = 'process_exited'") == ["process_exited,worker"]
    journal = machine.output("journalctl", "--no-pager", f"--unit={UNIT}")
    assert "Started" in journal and "Killing" not in journal and "Got notif" not in journal


def test_the_unit_under_the_watchdog(machine):
    do(machine, INSTALL)
    do(machine, ENABLE)
    machine.worker()
    machine.write("/etc/osquery/osquery.flags", "--watchdog_memory_limit=99\n")
    machine.run("systemctl", "reload", UNIT)
    eventually(lambda: events(machine, "event = 'settings_changed'"), "the reload")
    ours = shown(machine, "MainPID")
    machine.run("systemctl", "restart", UNIT)
    assert shown(machine, "MainPID") != ours
    machine.worker()
    machine.run("systemctl", "stop", UNIT)
    assert shown(machine, "Result") == "success"
    assert events(machine)[-1] == "watchdog_stopped,watchdog"

    # A watchdog that hangs is ended by systemd, and another one follows.
    machine.write(f"/run/systemd/system/{UNIT}.d/60-soon.conf", "[Service]\nWatchdogSec=10\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", UNIT)
    ours, worker = shown(machine, "MainPID"), machine.worker()
    machine.kill(ours, "STOP")
    eventually(lambda: shown(machine, "NRestarts") == "1", "systemd's restart")
    machine.worker(other_than=worker)
    assert program(machine) == "/usr/bin/osquery-watchdogd"
    assert events(machine, "event = 'watchdog_crashed'") == ["watchdog_crashed,watchdog"]


def test_an_upgrade_restarts_once_and_keeps_the_history(machine):
    do(machine, INSTALL)
    do(machine, UPGRADE)
    assert runs_stock(machine), "restarted although it isn't enabled"
    do(machine, INSTALL.replace("install", "install --allow-downgrades"))
    do(machine, ENABLE)
    worker = machine.worker()
    before = events(machine)
    do(machine, UPGRADE)
    machine.worker(other_than=worker)
    after = events(machine)
    assert after[:len(before)] == before
    of_the_upgrade = after[len(before):]
    assert [event for event in of_the_upgrade if event.startswith("watchdog_")] == [
        "watchdog_stopped,watchdog", "watchdog_started,watchdog"]
    assert of_the_upgrade.count("process_started,worker") == 1
    assert "process_exited" not in " ".join(of_the_upgrade)


@pytest.mark.parametrize("command", [REMOVE, PURGE])
def test_osqueryd_outlives_a_removal(machine, command):
    before = machine.files()
    do(machine, INSTALL)
    do(machine, ENABLE)
    machine.worker()
    do(machine, command)
    assert runs_stock(machine)
    assert machine.mode("/etc/systemd/system/osqueryd.service.d") is None
    assert machine.mode("/run/osquery-watchdog") is None
    kept = machine.mode("/var/lib/osquery-watchdog/history.db")
    assert kept == ("600 root root" if command == REMOVE else None)
    if kept:
        do(machine, PURGE)
    assert not {path for path in machine.files() - before if "osquery-watchdog" in path}


OTHER = "/opt/osquery/bin/osqueryd --flagfile=/etc/osquery/osquery.flags"
OTHER_BELOW_US = f"/usr/bin/osquery-watchdogd -- {OTHER}"


def set_command_line(machine, path, command):
    machine.write(path, f"[Service]\nExecStart=\nExecStart={command}\n")
    machine.run("systemctl", "daemon-reload")


def is_refused(machine, action, word):
    """In one line with that word; osqueryd.service isn't touched."""
    before = shown(machine, "MainPID")
    done = machine.run("osquery-watchdog", action, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert word in done.stderr
    assert shown(machine, "MainPID") == before
    assert machine.run("osquery-watchdog", "status", check=False).stdout == "disabled\n"


def test_another_command_line_is_not_lost(machine):
    do(machine, INSTALL)
    before_ours, override = f"{DROP_INS}/10-site.conf", f"{DROP_INS}/override.conf"
    unit = f"/etc/systemd/system/{UNIT}"  # of "systemctl edit --full"
    for path, command in ((override, OTHER), (before_ours, OTHER), (before_ours, OTHER_BELOW_US),
                          (unit, OTHER_BELOW_US)):
        set_command_line(machine, path, command)
        is_refused(machine, "enable", command)
        assert machine.mode(LINK) is None
        machine.path(path).unlink()
    # As the document says.
    set_command_line(machine, override, OTHER_BELOW_US)
    do(machine, ENABLE)
    assert program(machine) == "/usr/bin/osquery-watchdogd"
    assert OTHER_BELOW_US in shown(machine, "ExecStart")
    assert shown(machine, "Type") == "notify"


def test_what_another_put_there_stays(machine):
    do(machine, INSTALL)
    machine.path(DROP_INS).mkdir(parents=True)
    machine.path(LINK).symlink_to("/usr/local/share/elsewhere.conf")
    for action in ("enable", "disable"):
        is_refused(machine, action, LINK)
    machine.path(LINK).unlink()
    machine.write(LINK, "[Service]\n")
    for action in ("enable", "disable"):
        is_refused(machine, action, LINK)
    do(machine, PURGE)
    assert runs_stock(machine) and machine.path(LINK).read_text() == "[Service]\n"


def fails(machine, action, word=""):
    done = machine.run("osquery-watchdog", action, check=False)
    assert done.returncode == 1 and word in done.stderr, done.stderr


@contextlib.contextmanager
def only_read(machine, path):
    machine.run("mount", "--bind", "-o", "ro", path, path)
    yield
    machine.run("umount", path)


@contextlib.contextmanager
def instead_of_reloading(machine, command):
    """By a systemctl of ours."""
    stub = machine.path("/usr/local/bin/systemctl")
    stub.write_text(f'#!/bin/sh\n[ "$1" != daemon-reload ] || {{ {command}; }}\n'
                    'exec /usr/bin/systemctl "$@"\n')
    stub.chmod(0o755)
    yield
    stub.unlink()


def test_a_failure_leaves_osqueryd_running(machine):
    do(machine, INSTALL)
    with only_read(machine, "/etc/systemd/system"):
        fails(machine, "enable", "Read-only")
        assert runs_stock(machine)
    with instead_of_reloading(machine, "kill -HUP $PPID; exit"):
        fails(machine, "enable")
        assert runs_stock(machine)
    do(machine, DISABLE)
    with instead_of_reloading(machine, "exit 3"):
        fails(machine, "enable", "daemon-reload")
        assert runs_stock(machine) and machine.mode(LINK) is None
    do(machine, ENABLE)
    with instead_of_reloading(machine, "exit 3"):
        fails(machine, "disable", "daemon-reload")
        assert program(machine) == "/usr/bin/osquery-watchdogd" and machine.mode(LINK)
    with only_read(machine, DROP_INS):
        fails(machine, "disable", "Read-only")
        assert program(machine) == "/usr/bin/osquery-watchdogd"
        # Not even then is the host without osqueryd; what is left goes when it can.
        do(machine, REMOVE)
        assert runs_stock(machine)
    do(machine, PURGE)
    assert machine.mode(DROP_INS) is None


def test_what_is_ours_and_what_stays_osquerys(machine):
    do(machine, INSTALL)
    do(machine, ENABLE)
    ours = {"Type": "notify", "NotifyAccess": "main", "WatchdogUSec": "30s", "KillMode": "mixed",
            "TimeoutStopUSec": "30s", "OOMScoreAdjust": "-900", "OOMPolicy": "continue"}
    osquerys = {"Restart": "on-failure", "CPUQuotaPerSecUSec": "200ms",
                "EnvironmentFiles": "/etc/default/osqueryd (ignore_errors=no)"}
    assert {name: shown(machine, name) for name in ours | osquerys} == ours | osquerys


def test_the_unit_is_sound_and_as_safe_as_the_document_says(machine):
    def exposure():
        return re.search(r"exposure level for \S+: ([\d.]+)", machine.output(
            "systemd-analyze", "security", "--offline=true", "--no-pager", UNIT))[1]

    do(machine, INSTALL)
    stock = exposure()
    do(machine, ENABLE)
    done = machine.run("systemd-analyze", "verify", "--man=no", UNIT)  # minimal: man isn't there
    assert done.stdout + done.stderr == ""
    said = re.search(r"says ([\d.]+) of osquery's own unit, and ([\d.]+) with the drop-in", DOCUMENT)
    assert said.groups() == (stock, exposure())
