"""What bash completes: the files that the package installs, with bash-completion itself."""

import os
import pathlib
import re
import subprocess

import pytest

from harness import CTL, WATCHDOGD

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "watchdog" / "package" / "completion"
SCRIPT = """
. /usr/share/bash-completion/bash_completion
. "$1"
function=$2
COMP_LINE=$3
shift 3
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_POINT=${#COMP_LINE}
$function "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(program, *words, directory=ROOT):
    """What the last of @words may become; bash splits them at "=", too."""
    split = [part for word in words for part in (re.split("(=)", word) if "=" in word else [word])]
    name = pathlib.Path(program).name
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "bash", FILES / name, "_" + name.replace("-", "_"),
         " ".join([str(program), *words]), program, *split],
        capture_output=True, text=True, timeout=30, cwd=directory,
        env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"})
    assert done.returncode == 0 and done.stderr == "", done
    return set(done.stdout.split())


def event_names():
    source = (ROOT / "watchdog" / "core" / "event" / "event.c").read_text()
    return set(re.findall(r'return "(\w+)";', re.search(
        r"^wd_event_kind_name\(.*?^}", source, re.M | re.S)[0]))


def long_options(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
    return set(re.findall(r"^ +(--\w+)", text, re.M))


def test_commands_and_options_of_ctl():
    commands = complete(CTL, "")
    assert {"status", "events", "query"} <= commands
    text = subprocess.run([CTL, "--help"], capture_output=True, text=True).stdout
    for command in commands:
        assert re.search(rf"^  {command}\b", text, re.M), command
    assert complete(CTL, "sta") == {"status"}
    assert complete(CTL, "events", "sta") == set(), "a second command"
    options = complete(CTL, "--")
    assert long_options(CTL) <= options and all(word.startswith("--") for word in options)
    assert complete(CTL, "events", "--fo") == {"--follow"}


def test_events_of_ctl():
    assert complete(CTL, "events", "--event", "") == event_names()
    assert complete(CTL, "events", "--event=process_t") == {"process_terminated"}


def test_options_of_watchdogd():
    options = complete(WATCHDOGD, "")
    assert long_options(WATCHDOGD) <= {option.rstrip("=") for option in options}
    assert "--" in options
    assert complete(WATCHDOGD, "--memory_m") == {"--memory_metric="}
    assert complete(WATCHDOGD, "--memory_metric=r") == {"resident"}
    assert complete(WATCHDOGD, "--extension_give_up=") == {"shutdown", "abandon"}


@pytest.fixture
def files(directory):
    (directory / "folder").mkdir()
    (directory / "osquery.flags").write_text("")
    (directory / "osqueryd").write_text("#!/bin/sh\n")
    (directory / "osqueryd").chmod(0o755)
    return directory


def test_osqueryd_and_its_files_of_watchdogd(files):
    def after(*words):
        return complete(WATCHDOGD, "--notables", *words, directory=files)
    assert after("--", "osqu") >= {"osqueryd", "osquery.flags"}
    assert after("--", "./osqueryd", "--flagfile=osquery.f") == {"osquery.flags"}
    assert after("--", "./osqueryd", "--memory_m") == set(), "an option of ours"
    assert after("--state_dir=") == {"folder"}
    assert after("--flagfile", "osquery.f") == {"osquery.flags"}


def test_the_switch():
    assert complete("osquery-watchdog", "") == {"enable", "disable", "status", "--help"}
    assert complete("osquery-watchdog", "en") == {"enable"}
    assert complete("osquery-watchdog", "enable", "") == set()
