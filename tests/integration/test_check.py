"""--check: what is in effect, what is wrong with it, and a verdict. It writes nothing."""

import re
import subprocess

import pytest

from harness import OSQUERYD, PATIENCE, eventually, listing

FINE, CANNOT_START, WARNINGS = 0, 1, 3


def check(watchdog, *own, flags=(), **popen):
    """Returns the exit status, the settings, the warnings, what prevents a start, the verdict."""
    before = listing(watchdog.directory)
    done = subprocess.run(watchdog.command("--check", *own, flags=flags), capture_output=True,
                          text=True, timeout=PATIENCE, **popen)
    assert listing(watchdog.directory) == before
    *lines, verdict = done.stdout.splitlines()
    settings = [line for line in lines if not line.startswith("warning: ")]
    warnings = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    assert settings + ["warning: " + warning for warning in warnings] == lines
    faults = [line.removeprefix("osquery-watchdogd: ") for line in done.stderr.splitlines()]
    return done.returncode, settings, warnings, faults, verdict


def test_fine(watchdog):
    code, settings, *rest = check(watchdog)
    assert (code, *rest) == (FINE, [], [], "verdict: fine")
    assert f"--extensions_autoload={watchdog.autoload}  (argv)" in settings


def test_values_are_shown_as_given(watchdog):
    watchdog.flags("--watchdog_utilization_limit=130", "--watchdog_memory_limit=0x12c")
    code, settings, warnings, faults, verdict = check(watchdog)
    assert f"--watchdog_utilization_limit=130  ({watchdog.flagfile}:1)" in settings
    assert f"--watchdog_memory_limit=0x12c  ({watchdog.flagfile}:2)" in settings
    assert (code, faults, verdict) == (WARNINGS, [], "verdict: can start, 1 warning")
    assert len(warnings) == 1 and "more than 100 for 100" in warnings[0]


@pytest.mark.parametrize("lines, says", [
    (["--enable_extension_watchdog=true"], ["did you mean --enable_extensions_watchdog?"]),
    (["--Watchdog_memory_limit=300", "--watchdog_memory_limt=100"],
     ["did you mean --watchdog_memory_limit?"] * 2),
    (["--disable_watchdog=true", "--watchdog_memory_limit=300"], ["no limit is enforced"]),
    (["--watchdog_memory_limit 350"], ["needs a '='"]),
    (["--watchdog_forced_shutdown_delay=30"], ["longer than --alarm_timeout"]),
])
def test_warns_of_what_hardly_is_meant(watchdog, lines, says):
    watchdog.flags(*lines)
    code, _, warnings, faults, verdict = check(watchdog)
    assert (code, faults) == (WARNINGS, [])
    assert len(warnings) == len(says) and all(
        said in warning for said, warning in zip(says, warnings)), warnings
    assert verdict == f"verdict: can start, {len(says)} warning" + "s" * (len(says) > 1)


@pytest.mark.parametrize("flag, says", [
    ("--watchdog_memory_limits=300", "did you mean --watchdog_memory_limit?"),
    ("--alarm_timeout=9", "refuses to start with less than 10"),
    ("--watchdog_memory_limit=much", "expected a whole number"),
    ("--flagfile=/nonexistent/flags", "No such file or directory"),
])
def test_finds_what_osqueryd_refuses(watchdog, flag, says):
    """And osqueryd does refuse it."""
    code, _, warnings, faults, verdict = check(watchdog, flags=[flag])
    assert (code, warnings) == (CANNOT_START, [])
    assert verdict == "verdict: can't start, 1 error"
    assert len(faults) == 1 and says in faults[0]
    words = watchdog.command(flags=[flag])
    stock = subprocess.run([*words[words.index("--") + 1:], "--ephemeral"], capture_output=True,
                           text=True, timeout=PATIENCE)
    assert stock.returncode == 1, stock.stderr


def test_a_wrong_option_of_our_own_is_bad_usage(watchdog):
    done = subprocess.run(watchdog.command("--check", "--history_max=0"), capture_output=True,
                          text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_no_flag_that_osqueryd_has_is_taken_for_a_misspelt_one(watchdog):
    """The stand-in lists none; a real osqueryd in $OSQUERYD lists about 140."""
    listed = subprocess.run([OSQUERYD, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    names = set(re.findall(r"^ +--(\w+)", listed.stdout, re.MULTILINE))
    names |= {"profile", "disable_caching", "disable_audit", "tls_allow_unsafe", "database_path",
              "config_path", "logger_path", "disable_events", "extensions_default_index", "pack",
              "disable_logging", "enable_file_events", "line", "D", "S", "events_max", "v"}
    ours = {setting.split("=")[0].removeprefix("--") for setting in check(watchdog)[1]}
    others = sorted(names - ours - {"flagfile", "help", "version", "S", "config_check",
                                    "config_dump", "database_dump"})
    watchdog.flags(*(f"--{name}=1" for name in others))
    assert check(watchdog, flags=[f"--{name}=1" for name in others])[2:4] == ([], [])


# --- files ---


def test_an_autoload_file_that_is_missing(watchdog):
    watchdog.autoload.unlink()
    code, _, warnings, faults, _ = check(watchdog)
    assert (code, faults) == (WARNINGS, [])
    assert warnings == [f"argv: --extensions_autoload={watchdog.autoload}: there is no such file: "
                        "no extensions are loaded"]
    assert check(watchdog, flags=["--disable_extensions"])[0] == FINE


def test_extensions_that_are_not_loaded(watchdog):
    extension = watchdog.add_extension("a")
    extension.chmod(0o777)
    code, _, warnings, faults, _ = check(watchdog)
    assert (code, faults) == (WARNINGS, [])
    assert warnings == [f"extension not loaded: {extension} is writable by others"]


def test_a_directory_that_the_socket_lacks(watchdog):
    missing = watchdog.directory / "missing" / "em"
    code, _, warnings, faults, _ = check(watchdog, flags=[f"--extensions_socket={missing}"])
    assert (code, faults) == (WARNINGS, [])
    assert warnings == [f"argv: --extensions_socket={missing}: there is no such directory: no "
                        "extension can register"]


def test_programs_that_can_not_be_started(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", "#!/bin/sh\n")
    watchdog.osqueryd.chmod(0o777)
    watchdog.flags("--watchdog_utilization_limit=130")
    code, _, warnings, faults, verdict = check(watchdog)
    assert (code, len(warnings)) == (CANNOT_START, 1)
    assert faults == [f"{watchdog.osqueryd} is writable by others"]
    assert verdict == "verdict: can't start, 1 error, 1 warning"


@pytest.mark.parametrize("name, meanwhile", [("state", "there is no history"),
                                             ("run", "there is no current state")])
@pytest.mark.parametrize("kind, says", [
    ("fine", None),
    ("missing", None),
    ("file", "is not a directory"),
    ("below a file", "Not a directory"),
    ("dangling", "No such file or directory"),
    ("other-writable", "is writable by others"),
])
def test_directories(watchdog, name, meanwhile, kind, says):
    path = watchdog.directory / name
    option = {"state": "--state_dir", "run": "--runtime_dir"}[name]
    own = []
    if kind in ("fine", "other-writable"):
        path.mkdir(0o700)
        path.chmod(0o700 if kind == "fine" else 0o777)
    elif kind in ("file", "below a file"):
        path.write_text("")
        own = [f"{option}={path}/below"] if kind == "below a file" else []
    elif kind == "dangling":
        path.symlink_to("nowhere")
    code, _, warnings, faults, _ = check(watchdog, *own)
    assert (code, faults) == (WARNINGS if says else FINE, [])
    assert len(warnings) == bool(says)
    for warning in warnings:
        assert warning.startswith(f"{option}: {path}") and says in warning, warning
        assert warning.endswith(f": {meanwhile} until that changes")


@pytest.mark.parametrize("kind, says", [
    ("fine", None),
    ("link", None),
    ("missing directory", "No such file or directory"),
    ("directory", "is not a regular file"),
    ("device", "is not a regular file"),
    ("circle", "Too many levels of symbolic links"),
])
def test_pidfiles(watchdog, kind, says):
    path = watchdog.directory / "osqueryd.pidfile"
    if kind == "fine":
        path.write_text("")
    elif kind == "link":
        path.symlink_to("made-at-the-start")
    elif kind == "missing directory":
        path.symlink_to("missing/pidfile")
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/null")
    elif kind == "circle":
        path.symlink_to(path)
    code, _, warnings, faults, _ = check(watchdog)
    assert (code, warnings) == (CANNOT_START if says else FINE, [])
    assert len(faults) == bool(says)
    for fault in faults:
        assert fault.startswith("pidfile ") and says in fault, fault
    assert check(watchdog, flags=["--ephemeral"])[0] == FINE


def test_what_is_locked_is_no_fault_of_the_settings(watchdog):
    """Whoever checks before a restart has the old one running."""
    watchdog.start()
    done = subprocess.run(watchdog.command("--check"), capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (FINE, "")


def test_what_is_only_executed_is_fine(watchdog):
    code, settings, *rest = check(watchdog, flags=["-S", "--watchdog_utilization_limit=130"])
    assert (code, *rest) == (FINE, [], [], "verdict: fine")
    assert f"{watchdog.osqueryd} would be executed as it is" in settings[-1]


def test_a_program_that_path_lacks(watchdog):
    watchdog.osqueryd = "osqueryd-nowhere"
    code, _, warnings, faults, _ = check(watchdog)
    assert (code, warnings, len(faults)) == (CANNOT_START, [], 1)
    assert faults[0].startswith("osqueryd-nowhere: no such program in PATH")


def test_text_from_a_file_stays_on_its_line(watchdog):
    done = subprocess.run(watchdog.command("--check", flags=["--extensions_require=a\n\033[1mb"]),
                          capture_output=True, text=True, timeout=PATIENCE)
    assert "--extensions_require=a??[1mb  (argv)" in done.stdout.splitlines()


# --- the running watchdog ---


def test_a_start_logs_the_same_warnings_once_each(watchdog):
    watchdog.flags("--watchdog_utilization_limit=130", "--watchdog_memory_limt=3")
    extension = watchdog.add_extension("a")
    extension.chmod(0o777)
    warnings = check(watchdog)[2]
    assert len(warnings) == 3
    watchdog.start()
    watchdog.flags("--watchdog_utilization_limit=130", "--watchdog_memory_limt=3",
                   "--watchdog_level=5")
    watchdog.process.send_signal(1)
    eventually(lambda: "--watchdog_level=5: osquery takes" in watchdog.log(), "the new warning")
    for warning in warnings:
        assert watchdog.log().splitlines().count(f"warning: {warning}") == 1, watchdog.log()
