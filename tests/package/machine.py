"""A clean Debian 12 in a container, from a debootstrap that is made once and never written to.

Everything that a machine writes goes to a tmpfs over it and is gone with the machine; so are its
mounts and processes, which are its own, however the test ends.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import uuid

from harness import BUILD, PATIENCE, STAND_IN, eventually

MIRROR = "http://deb.debian.org/debian"
PLACE = BUILD / "package-test"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def debootstrap(packages):
    """The directory of a minimal Debian 12 with these packages."""
    base = PLACE / "debian-12"
    wanted = ",".join(sorted(packages))
    made = base / "etc" / "made-with"
    if made.exists() and made.read_text() == wanted:
        return base
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    # What it mounts is unmounted with it, even when it is interrupted.
    subprocess.run(["unshare", "--mount", "setpriv", "--pdeathsig", "KILL",
                    "debootstrap", "--variant=minbase", f"--include={wanted}", "bookworm", base,
                    MIRROR], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(base / "var" / "cache" / "apt" / "archives")
    made.write_text(wanted)
    return base


@contextlib.contextmanager
def control_groups(name):
    """One of its own in each hierarchy that systemd uses; a list of folders."""
    folders = []
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "name=systemd"):
            continue
        mounted = "systemd" if controllers else "unified"
        mount = CGROUPS / mounted if (CGROUPS / mounted).is_dir() else CGROUPS
        folders.append(mount / path.lstrip("/") / name)
    for folder in folders:
        folder.mkdir()
    try:
        yield folders
    finally:
        for folder in folders:
            eventually(lambda: remove_group(folder), f"{folder} is empty")


def remove_group(folder):
    try:
        for path, _, _ in os.walk(folder, topdown=False):
            os.rmdir(path)
    except OSError:
        return False
    return True


class Machine:
    """A running one. Paths are the machine's."""

    def __init__(self, leader):
        self.leader = leader
        self.root = pathlib.Path(f"/proc/{leader}/root")

    def path(self, path):
        return self.root / str(path).lstrip("/")

    def run(self, *command, check=True, timeout=PATIENCE * 2):
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", *command],
                              env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def output(self, *command):
        return self.run(*command).stdout.strip()

    def kill(self, pid, signo="TERM"):
        self.run("sh", "-c", f"kill -{signo} {pid}")

    def copy(self, source, path, mode=0o644):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, self.path(path))
        self.path(path).chmod(mode)

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def install(self, deb):
        self.copy(deb, "/root/osquery-watchdog.deb")
        return self.run("dpkg", "--install", "/root/osquery-watchdog.deb")

    def mode(self, path):
        """Such as "700 root root"; None if there is no such file."""
        done = self.run("stat", "-c", "%a %U %G", path, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def files(self):
        """All there are, except where things come and go by themselves."""
        return set(self.output("find", "/", "-xdev", "-path", "/root", "-prune", "-o",
                               "-path", "/var/log", "-prune", "-o", "-path", "/var/cache", "-prune",
                               "-o", "-path", "/var/lib/dpkg", "-prune", "-o", "-print",
                               ).splitlines()) | set(self.output("find", "/run").splitlines())

    # --- osquery, as its own package installs it ---

    def add_osquery(self):
        """The stand-in, where osqueryd and its files are."""
        self.copy(STAND_IN / "osqueryd", "/opt/osquery/bin/osqueryd", 0o755)
        self.copy(STAND_IN / "stand-in-query", "/opt/osquery/bin/stand-in-query", 0o755)
        self.write("/etc/osquery/osquery.conf", "{}\n")
        self.write("/etc/osquery/osquery.flags", "")
        self.path("/var/osquery").mkdir(parents=True)

    def query(self, sql):
        """Asks osqueryd; the printed answer, or None while it can't answer."""
        done = self.run("/opt/osquery/bin/stand-in-query", "--socket", "/var/osquery/osquery.em",
                        "--json", sql, check=False)
        return done.stdout if done.returncode == 0 else None

    def ctl(self, sql):
        """Asks osquery-watchdogctl; a list of lines, of values joined by commas."""
        done = self.run("osquery-watchdogctl", "--csv", "query", sql, check=False)
        return done.stdout.splitlines()[1:] if done.returncode == 0 else []

    def worker(self, other_than=""):
        """Waits until osquery-watchdogd's worker runs, with another pid than that."""
        return eventually(
            lambda: next((pid for pid in self.ctl("SELECT pid FROM watchdog_processes "
                                                  "WHERE name = 'worker' AND state = 'running'")
                          if pid != other_than), None), "the worker runs")


def init_of(groups):
    """The machine's first process, once there is one: its pid, and that in each namespace."""
    for pid in (pid for group in groups for path in group.rglob("cgroup.procs")
                for pid in path.read_text().split()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if re.search(r"^NSpid:\t\d+\t\d+\t1$", status, re.M):
                return int(pid)
    return None


@contextlib.contextmanager
def started(base, *arguments):
    """A machine from @base, that runs what the @arguments of systemd-nspawn say."""
    name = f"wd-{uuid.uuid4().hex[:8]}"
    log = PLACE / "machine.log"

    def move():
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    with control_groups(name) as groups, log.open("wb") as output:
        # Killed with us, and all of the machine with it: systemd-nspawn alone would leave it.
        container = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL",
             "unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child",
             "systemd-nspawn", "--quiet", f"--directory={base}",
             f"--machine={name}", "--volatile=overlay", "--register=no", "--keep-unit",
             "--console=pipe", *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=move)
        try:
            leader = eventually(lambda: container.poll() is not None or init_of(groups),
                                "the machine starts")
            assert container.poll() is None, log.read_text()
            yield Machine(leader)
        finally:
            container.kill()
            container.wait()
