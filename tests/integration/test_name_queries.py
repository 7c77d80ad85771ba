"""--name_queries: the flags that make osqueryd name its queries, if its --help lists them."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

from harness import NO_BACK_OFF, OSQUERYD, PATIENCE, STAND_IN, eventually

HELP = """osquery 5.23.0, your OS as a high-performance relational database
Usage: osqueryd [OPTION]...

osquery command line flags:

    --flagfile PATH                 Line-delimited file of additional flags
osquery configuration options (set by config or CLI flags):

"""
SCHEDULE = "    --schedule_lognames             Log the running scheduled query name at INFO level\n"
DISTRIBUTED = "    --distributed_loginfo           Log the running distributed queries name\n"
FLAGS = ["--schedule_lognames=true", "--distributed_loginfo=true"]


@pytest.fixture
def wrapped(watchdog):
    """A watchdog over an osqueryd that notes its command line, and answers --help by a script."""
    def wrap(on_help):
        watchdog.osqueryd = watchdog.program("osqueryd", f"""#!/bin/sh
if [ "$*" = --help ]; then
    {on_help}
fi
printf '%s\\n' "$@" >"$0.words" && mv "$0.words" "$0.argv"
for word do
    shift
    case $word in
    --schedule_lognames*|--distributed_loginfo*|--no*_log*) ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec {STAND_IN}/osqueryd "$@"
""")
        return watchdog
    return wrap


def says(text):
    return f"cat <<'END'\n{text}END\nexit 0"


def naming(watchdog):
    """What was added to the words of the worker that has started since the last time."""
    argv = pathlib.Path(f"{watchdog.osqueryd}.argv")
    eventually(argv.exists, "the worker's script runs")
    words = argv.read_text(encoding="utf-8").splitlines()
    argv.unlink()
    return [word for word in words if word in FLAGS]


@pytest.mark.parametrize("lines, added", [
    (SCHEDULE + DISTRIBUTED, FLAGS),
    (SCHEDULE, FLAGS[:1]),
    ("", []),
])
def test_what_help_lists_is_added(wrapped, lines, added):
    watchdog = wrapped(says(HELP + lines)).start("--name_queries")
    assert naming(watchdog) == added
    missing = [flag.removesuffix("=true") for flag in FLAGS if flag not in added]
    assert re.findall("--name_queries: this osqueryd has no (.*)", watchdog.log()) == missing


def test_it_is_off_by_default(wrapped):
    watchdog = wrapped(says(HELP + SCHEDULE + DISTRIBUTED)).start()
    assert naming(watchdog) == [] and "name_queries" not in watchdog.log()


def test_osqueryd_is_not_asked_if_both_are_set(wrapped):
    watchdog = wrapped("echo asked >>\"$0.asked\"; " + says(HELP + SCHEDULE + DISTRIBUTED))
    watchdog.flags("--schedule_lognames=false")
    watchdog.start("--name_queries", flags=["--nodistributed_loginfo"])
    assert not os.path.exists(f"{watchdog.osqueryd}.asked") and naming(watchdog) == []
    watchdog.stop()
    watchdog.start("--name_queries")
    assert os.path.exists(f"{watchdog.osqueryd}.asked") and naming(watchdog) == FLAGS[1:]


def test_they_stay_with_the_worker(wrapped):
    watchdog = wrapped(says(HELP + SCHEDULE + DISTRIBUTED))
    watchdog.start("--name_queries", flags=NO_BACK_OFF)
    worker = watchdog.worker()
    assert naming(watchdog) == FLAGS
    watchdog.process.send_signal(signal.SIGHUP)
    os.kill(worker, signal.SIGKILL)
    watchdog.worker(other_than=worker)
    assert naming(watchdog) == FLAGS


def test_how_osqueryd_is_asked(wrapped):
    """As a process of its own, without what is for its watchdog or for a worker."""
    watchdog = wrapped('env >"$0.environment"; readlink /proc/$$/fd/0 /proc/$$/fd/2 >"$0.files"; '
                       'cut -d" " -f1,5 /proc/$$/stat >"$0.group"; ' + says(HELP))
    watchdog.popen = {"env": {**os.environ, "WATCHDOG_TEST_DIRECTORY": str(watchdog.directory),
                              "OSQUERY_WORKER": "1", "WATCHDOG_PID": "1"}}
    watchdog.start("--name_queries")
    asked = {name: open(f"{watchdog.osqueryd}.{name}", encoding="utf-8").read()
             for name in ("environment", "files", "group")}
    assert not re.search("^(OSQUERY_WORKER|WATCHDOG_PID)=", asked["environment"], re.MULTILINE)
    assert asked["files"].split() == ["/dev/null"] * 2
    pid, group = asked["group"].split()
    assert pid == group and int(group) != os.getpgid(watchdog.process.pid)


@pytest.mark.parametrize("on_help, problem", [
    ("sleep 1000 & sleep 1000", "no end after 5 s"),
    ("exec yes", "more than 1 MiB"),
])
def test_an_osqueryd_that_answers_too_long_is_not_waited_for(wrapped, on_help, problem):
    watchdog = wrapped(on_help).start("--name_queries")
    lines = [line for line in watchdog.log().splitlines() if "name_queries" in line]
    assert len(lines) == 1 and lines[0].endswith(
        f"--name_queries adds no flag: {watchdog.osqueryd} --help: {problem}")
    assert naming(watchdog) == []
    # Nothing of it is left; the worker is the only child.
    assert watchdog.children() == {watchdog.worker()}


@pytest.mark.parametrize("on_help", ["exit 1", "kill -9 $$", r"printf '\377\000--schedule\n'; exit 0"])
def test_an_osqueryd_that_answers_nothing_useful(wrapped, on_help):
    watchdog = wrapped(on_help).start("--name_queries")
    assert watchdog.log().count("--name_queries: this osqueryd has no") == 2
    assert naming(watchdog) == []


def test_a_signal_ends_the_wait(wrapped):
    watchdog = wrapped('touch "$0.asked"; exec sleep 1000')
    watchdog.start("--name_queries", ready=False)
    eventually(lambda: os.path.exists(f"{watchdog.osqueryd}.asked"), "osqueryd is asked")
    assert watchdog.stop() == -signal.SIGTERM
    watchdog.wait_nothing_runs()


def test_whatever_osqueryd_lists(watchdog):
    """The real --help of $OSQUERYD, or the stand-in's. A worker wipes its command line, so it is asked."""
    listed = subprocess.run([OSQUERYD, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    watchdog.start("--name_queries", flags=["--disable_logging"])
    flags = {row["name"]: row["value"] for row in watchdog.query(
        "SELECT name, value FROM osquery_flags WHERE name IN ('schedule_lognames', "
        "'distributed_loginfo')")}
    assert flags == {name: "true" for name in ("schedule_lognames", "distributed_loginfo")
                     if re.search(rf"^ *--{name}\b", listed.stdout, re.MULTILINE)}
    assert len(flags) == 2


# --- --check ---


def queries(watchdog, *own, flags=()):
    done = subprocess.run(watchdog.command("--check", *own, flags=flags), capture_output=True,
                          text=True, timeout=PATIENCE)
    lines = [line for line in done.stdout.splitlines() if line.startswith("queries: ")]
    assert done.returncode == 0 and len(lines) == 1, done.stdout
    return lines[0].removeprefix("queries: ")


def test_check_says_what_will_be_named(wrapped):
    watchdog = wrapped('touch "$0.asked"; ' + says(HELP))
    assert queries(watchdog) == ("scheduled not named, distributed not named"
                                 "  (--name_queries would name them)")
    assert queries(watchdog, flags=["--verbose"]) == "scheduled named, distributed named"
    assert "asks osqueryd at the start" in queries(watchdog, "--name_queries")
    watchdog.flags("--schedule_lognames=true")
    assert queries(watchdog) == ("scheduled named, distributed not named"
                                 "  (--name_queries would name them)")
    assert "?" in queries(watchdog, flags=["--logger_plugin=stdout,\x1b\n"])
    assert not os.path.exists(f"{watchdog.osqueryd}.asked")
