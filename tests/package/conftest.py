"""The packages, and the machines that they are installed on."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
pytest.register_assert_rewrite("harness")

import machine  # noqa: E402
from harness import BUILD, directory, eventually, watchdog  # noqa: E402,F401

# osquery's own unit, by what it sets.
OSQUERYD_SERVICE = """\
[Unit]
Description=The osquery Daemon
After=network.service syslog.service

[Service]
TimeoutStartSec=0
EnvironmentFile=/etc/default/osqueryd
ExecStart=/opt/osquery/bin/osqueryd \\
  --flagfile $FLAG_FILE \\
  --config_path $CONFIG_FILE
Restart=on-failure
KillMode=control-group
KillSignal=SIGTERM
TimeoutStopSec=15
CPUQuota=20%

[Install]
WantedBy=multi-user.target
"""
ENVIRONMENT_FILE = """\
FLAG_FILE="/etc/osquery/osquery.flags"
CONFIG_FILE="/etc/osquery/osquery.conf"
"""


def make_package(release):
    """As the target "package" does it."""
    place = machine.PLACE / f"release-{release}"
    subprocess.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", place,
                    "-D", f"CPACK_DEBIAN_PACKAGE_RELEASE={release}"], check=True,
                   stdout=subprocess.DEVNULL)
    return max(place.glob("*.deb"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def package():
    return make_package(1)


@pytest.fixture(scope="session")
def newer_package():
    return make_package(2)


@pytest.fixture(scope="session")
def debian(package):
    """Minimal, with what the package depends on."""
    depends = subprocess.run(["dpkg-deb", "--field", package, "Depends"], check=True,
                             capture_output=True, text=True).stdout
    return machine.debootstrap({"systemd-sysv", *(word.split()[0] for word in depends.split(","))})


@pytest.fixture
def chroot(debian):
    """A machine without systemd."""
    with machine.started(debian, "--as-pid2", "sleep", "infinity") as started:
        started.run("dpkg", "--purge", "--force-all", "systemd-sysv", "systemd", "libpam-systemd")
        started.add_osquery()
        yield started


@pytest.fixture
def booted(debian):
    """A machine that runs osqueryd.service."""
    with machine.started(debian, "--boot") as started:
        eventually(lambda: started.run("systemctl", "is-system-running", check=False).stdout
                   in ("running\n", "degraded\n"), "the machine is up")
        started.add_osquery()
        started.write("/etc/default/osqueryd", ENVIRONMENT_FILE)
        started.write("/usr/lib/systemd/system/osqueryd.service", OSQUERYD_SERVICE)
        started.run("systemctl", "enable", "--now", "osqueryd.service")
        eventually(lambda: started.query("SELECT 1"), "osqueryd answers")
        yield started
