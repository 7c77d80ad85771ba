"""watchdog_settings: what is in effect, as --check shows it, whatever is reloaded, removed or dead."""

import json
import re
import shutil
import subprocess

from harness import NO_BACK_OFF, eventually
from test_observe import stock  # noqa: F401, a fixture
from test_reload import reload


def settings(watchdog):
    """By name: value and source; read without osquery."""
    done = watchdog.ctl("--json", "query", "SELECT * FROM watchdog_settings")
    rows = json.loads(done.stdout) if done.returncode == 0 else []
    assert len({row["name"] for row in rows}) == len(rows)
    return {row["name"]: (row["value"], row["source"]) for row in rows}


def wait_settings(watchdog):
    return eventually(lambda: settings(watchdog), "settings")


def checked(watchdog):
    """What --check prints, in the same form."""
    command = watchdog.command()
    done = subprocess.run([command[0], "--check", *command[1:]], capture_output=True, text=True)
    found = re.findall(r"^(?:--(\w+)|(OSQUERYD))=(.*)  \((.*)\)$", done.stdout, re.MULTILINE)
    return {name or program.lower(): (value, source) for name, program, value, source in found}


def test_they_are_those_of_a_check(watchdog):
    watchdog.flags(*NO_BACK_OFF, "--watchdog_memory_limit=123", "--pidfile=/tmp/\x1b[31m")
    watchdog.start(flags=[f"--pidfile={watchdog.directory}/osqueryd.pidfile"], tables=True)
    watchdog.tables = True
    found = wait_settings(watchdog)
    expected = checked(watchdog)
    assert found.pop("pidfile")[0] == f"{watchdog.directory}/osqueryd.pidfile"
    del expected["pidfile"]  # of the flagfile
    assert found == expected
    assert found["watchdog_memory_limit"] == ("123", f"{watchdog.flagfile}:{len(NO_BACK_OFF) + 1}")
    assert found["osqueryd"] == (str(watchdog.osqueryd), "argv")
    (row,) = watchdog.query("SELECT value, source FROM watchdog_settings WHERE name = 'dry_run'")
    assert row == {"value": "false", "source": "default"}


def test_a_reload_changes_what_takes_effect(watchdog):
    watchdog.flags("--watchdog_memory_limit=100", "--alarm_timeout=20")
    watchdog.start()
    assert wait_settings(watchdog)["watchdog_memory_limit"][0] == "100"
    watchdog.flags("--watchdog_memory_limit=200", "--alarm_timeout=30")
    reload(watchdog)
    after = eventually(lambda: (now := settings(watchdog))["watchdog_memory_limit"][0] == "200" and
                       now, "the new limit")
    assert after["alarm_timeout"] == ("20", f"{watchdog.flagfile}:2")  # needs a restart


def test_the_last_ones_stay(watchdog):
    watchdog.flags("--watchdog_memory_limit=100")
    watchdog.start()
    before = wait_settings(watchdog)
    watchdog.stop()
    assert settings(watchdog) == before
    watchdog.flags("--watchdog_memory_limit=200")
    watchdog.start()
    eventually(lambda: settings(watchdog)["watchdog_memory_limit"][0] == "200", "the next run's")


def test_they_come_back_with_the_status(watchdog):
    watchdog.start()
    before = wait_settings(watchdog)
    shutil.rmtree(watchdog.runtime_dir)
    eventually(lambda: watchdog.runtime_dir.exists() and settings(watchdog) == before, "they are back")


def test_an_observer_has_none(stock):  # noqa: F811
    stock.start().observed()
    assert stock.query("SELECT * FROM watchdog_settings") == []
