"""A CPU quota under which the CPU limit can never be exceeded. Control groups need root."""

import contextlib
import os
import pathlib
import subprocess

import pytest

MOUNT = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 100000
CPUS = os.sysconf("SC_NPROCESSORS_ONLN")
LIMIT = 50  # % of all CPUs


@pytest.fixture
def cpu_group(directory):
    """A control group with another in it, of whichever version there is: their directories."""
    with contextlib.ExitStack() as undo:
        if not is_v1():
            allow_cpu(MOUNT, undo)
        outer = (MOUNT / "cpu" if is_v1() else MOUNT) / directory.name
        outer.mkdir()
        undo.callback(outer.rmdir)
        if not is_v1():
            allow_cpu(outer, undo)
        inner = outer / "inner"
        inner.mkdir()
        undo.callback(inner.rmdir)
        yield outer, inner


def is_v1():
    return (MOUNT / "cpu").is_dir()


def allow_cpu(group, undo):
    """Groups in @group may have quotas; as before afterwards."""
    control = group / "cgroup.subtree_control"
    if "cpu" not in control.read_text().split():
        control.write_text("+cpu")
        undo.callback(control.write_text, "-cpu")


def set_quota(group, percent):
    """@percent: of one CPU."""
    quota_us = percent * PERIOD_US // 100
    if is_v1():
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))
    else:
        (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")


def warnings(stand_in, group):
    """What --check says about a quota when it runs in @group."""
    done = subprocess.run(
        stand_in.command("--check", flags=[f"--watchdog_utilization_limit={LIMIT}"]),
        preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
        capture_output=True, text=True, timeout=60)
    found = [line for line in done.stdout.splitlines() if "quota" in line]
    assert (done.returncode, done.stderr) == (3 if found else 0, "")
    return found


@pytest.mark.parametrize("percent, warned", [
    (None, False),
    (LIMIT * CPUS + 10, False),
    (LIMIT * CPUS, True),
    (LIMIT * CPUS - 10, True),
])
def test_check_warns_of_a_quota_that_is_not_above_the_limit(cpu_group, stand_in, percent, warned):
    _, inner = cpu_group
    if percent is not None:
        set_quota(inner, percent)
    file = inner / ("cpu.cfs_quota_us" if is_v1() else "cpu.max")
    expected = [f"warning: the CPU quota of our control group, {percent}% of one CPU ({file}), isn't "
                f"above the CPU limit of {LIMIT}% of {CPUS} CPUs ({LIMIT * CPUS}% of one): the limit "
                "can't be exceeded"]
    assert warnings(stand_in, inner) == (expected if warned else [])


def test_the_quota_of_a_group_around_ours_binds_too(cpu_group, stand_in):
    outer, inner = cpu_group
    set_quota(outer, 30)
    said = warnings(stand_in, inner)
    assert len(said) == 1 and "30% of one CPU" in said[0]
    # The least of them does.
    set_quota(inner, 20)
    said = warnings(stand_in, inner)
    assert len(said) == 1 and "20% of one CPU" in said[0]
