"""What can't be worked with is refused: one clear line, nothing changed, nothing left running."""

import os
import re
import signal
import subprocess

import pytest

from harness import MARK, PATIENCE, STAND_IN, eventually, listing

USAGE, FAILED = 2, 1


def refused(watchdog, *own, osqueryd=None, flags=(), **popen):
    """Starts a watchdog that must refuse. @own: its options, behind those that usually are right;
    @osqueryd: the words behind -- instead of the usual ones. Returns its exit code and line."""
    before = listing(watchdog.directory)
    command = watchdog.command(*own, flags=flags)
    if osqueryd is not None:
        command[command.index("--"):] = osqueryd
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, MARK: str(watchdog.directory)}, **popen)
    assert not watchdog.running()
    assert listing(watchdog.directory) == before
    assert done.stdout == ""
    assert re.fullmatch(r"osquery-watchdogd: [^\n]+\n", done.stderr), done.stderr
    return done.returncode, done.stderr


# --- the command line ---


@pytest.mark.parametrize("own, osqueryd, names", [
    (["--no_such_option"], None, ["no_such_option", "--help"]),
    (["--no_such_option=1"], None, ["no_such_option"]),
    (["--watchdog_memory_limit=10"], None, ["watchdog_memory_limit", "--"]),
    (["word"], None, ["word"]),
    (["--dry_run=perhaps"], None, ["dry_run", "perhaps"]),
    (["--history_max=many"], None, ["history_max", "many"]),
    (["--history_max=0"], None, ["history_max", "0"]),
    (["--history_max=-1"], None, ["history_max", "-1"]),
    (["--history_expiry=99999999999999999999"], None, ["history_expiry", "99999999999999999999"]),
    (["--memory_metric=big"], None, ["memory_metric", "big", "growth", "resident", "private"]),
    (["--grace_limit=50"], None, ["grace_limit", "50", "0", "100", "1000"]),
    (["--extension_give_up=never"], None, ["extension_give_up", "never", "shutdown", "abandon"]),
    (["--state_dir="], None, ["state_dir"]),
    (["--state_dir"], [], ["state_dir"]),
    (["--bad\nline"], None, ["bad"]),
    ([], [], ["OSQUERYD"]),
    ([], ["--"], ["OSQUERYD"]),
    ([], ["--", ""], ["OSQUERYD"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))
def test_own_options(watchdog, own, osqueryd, names):
    code, line = refused(watchdog, *own, osqueryd=osqueryd)
    assert code == USAGE
    for name in names:
        assert name in line


@pytest.mark.parametrize("flag", [
    "--watchdog_memory_limit=much", "--watchdog_memory_limit=", "--watchdog_memory_limit=-1",
    "--watchdog_memory_limit=10MB", "--watchdog_utilization_limit=1.5",
    "--watchdog_latency_limit=18446744073709551616", "--watchdog_level=high",
    "--watchdog_delay=soon", "--watchdog_max_delay=x", "--watchdog_forced_shutdown_delay=x",
    "--alarm_timeout=x", "--enable_extensions_watchdog=perhaps", "--disable_watchdog=2",
])
@pytest.mark.parametrize("where", ["argv", "flagfile"])
def test_osqueryd_flags(watchdog, flag, where):
    watchdog.flags("--verbose", *([flag] if where == "flagfile" else []))
    code, line = refused(watchdog, flags=[flag] if where == "argv" else [])
    name, _, value = flag[2:].partition("=")
    assert code == USAGE
    assert name in line and value in line
    assert ("argv" if where == "argv" else f"{watchdog.flagfile}:2") in line


@pytest.mark.parametrize("room", [101, 102, 108])
def test_a_socket_path_without_room_for_the_extensions(watchdog, room):
    """An extension's socket has up to six bytes more than the manager's. Where these don't fit,
    osqueryd runs without extensions, as stock."""
    watchdog.socket = watchdog.directory / ("s" * (room - len(str(watchdog.directory)) - 1))
    watchdog.add_extension("one")
    watchdog.start()
    warnings = [line for line in watchdog.log().splitlines() if "--extensions_socket" in line]
    if room == 101:
        watchdog.registered("one")
        assert not warnings
    else:
        assert len(warnings) == 1 and "107" in warnings[0]
        assert watchdog.status("one.ext") is None
    assert watchdog.stop() == 0


# --- flagfiles ---


def make_flagfile(path, kind):
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "NUL byte":
        path.write_bytes(b"--verbose\n\0\n--dry_run\n")
    elif kind == "UTF-16":
        path.write_bytes("--verbose\n".encode("utf-16"))
    elif kind == "byte order mark":
        path.write_bytes(b"\xef\xbb\xbf--verbose\n--verbose\n")
    elif kind == "itself":
        path.write_text(f"--flagfile={path}\n")
    elif kind == "each other":
        other = path.parent / "other"
        path.write_text(f"--flagfile={other}\n")
        other.write_text(f"--flagfile={path}\n")


NO_TEXT = [("directory", "not a regular file"), ("pipe", "not a regular file"),
           ("NUL byte", "NUL byte"), ("UTF-16", "UTF-16"), ("byte order mark", "byte order mark")]


@pytest.mark.parametrize("whose, kind, says", [
    *(("own", *case) for case in NO_TEXT),
    *((whose, *case) for whose in ("own", "osqueryd") for case in (
        ("missing", "No such file"), ("itself", "flagfile"), ("each other", "flagfile"))),
])
def test_flagfiles_that_cannot_be_read(watchdog, whose, kind, says):
    path = watchdog.directory / "flags"
    make_flagfile(path, kind)
    flag = f"--flagfile={path}"
    code, line = refused(watchdog, *([flag] if whose == "own" else []),
                         flags=[flag] if whose == "osqueryd" else [])
    assert code in (USAGE, FAILED)
    assert str(path) in line and says in line


@pytest.mark.parametrize("kind, says", NO_TEXT)
def test_what_osqueryd_ignores_of_its_flagfile_is_a_warning(watchdog, kind, says):
    path = watchdog.directory / "flags"
    make_flagfile(path, kind)
    done = subprocess.run(watchdog.command("--check", flags=[f"--flagfile={path}"]),
                          capture_output=True, text=True, timeout=PATIENCE)
    lines = [line for line in (done.stdout + done.stderr).splitlines()
             if line.startswith("warning: ") and str(path) in line]
    assert len(lines) == 1 and says in lines[0], (done.stdout, done.stderr)
    assert f"--verbose={'true' if kind == 'NUL byte' else 'false'}  " in done.stdout
    if watchdog.osqueryd.parent != STAND_IN or kind not in ("directory", "pipe"):
        watchdog.start(flags=[f"--flagfile={path}"])
        assert watchdog.log().count(lines[0]) == 1
        assert watchdog.stop() == 0


# --- osqueryd ---


@pytest.mark.parametrize("kind, says", [
    ("missing", "can't be opened"), ("dangling link", "can't be opened"),
    ("directory", "is a directory"), ("not executable", "not executable"),
    ("other-writable", "writable by others"), ("link to other-writable", "writable by others"),
    ("sticky directory", "sticky"),
])
def test_an_osqueryd_that_is_not_safe_to_run(watchdog, kind, says):
    folder = watchdog.directory / "bin"
    folder.mkdir(0o755)
    path = folder / "osqueryd"
    program = watchdog.program("program", STAND_IN / "osqueryd")
    if kind == "directory":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(folder / "nowhere")
    elif kind == "link to other-writable":
        program.chmod(0o757)
        path.symlink_to(program)
    elif kind != "missing":
        path.symlink_to(program) if kind == "sticky directory" else program.rename(path)
        if kind == "not executable":
            path.chmod(0o644)
        elif kind == "other-writable":
            path.chmod(0o757)
        else:
            folder.chmod(0o1755)
    watchdog.osqueryd = path
    code, line = refused(watchdog)
    assert code == FAILED
    assert str(path) in line and says in line


def test_unsafe_programs_are_run_when_that_is_allowed(watchdog):
    watchdog.osqueryd = watchdog.program("osqueryd", STAND_IN / "osqueryd")
    watchdog.osqueryd.chmod(0o757)
    watchdog.start(flags=["--allow_unsafe"])
    assert watchdog.stop() == 0


def test_a_relative_path_begins_at_the_working_directory(watchdog):
    watchdog.program("osqueryd", STAND_IN / "osqueryd")
    code, line = refused(watchdog, osqueryd=["--", "./osqueryd"], cwd="/")
    assert code == FAILED and "/osqueryd can't be opened" in line


# --- extensions ---


def test_each_refused_extension_is_named_with_the_reason(watchdog):
    folder = watchdog.directory
    (folder / "sticky").mkdir()
    (folder / "sticky").chmod(0o1755)
    reasons = {
        watchdog.program("no-suffix", STAND_IN / "stand-in.ext"): "does not end in .ext",
        folder / "missing.ext": "can't be opened",
        watchdog.program("not-executable.ext", STAND_IN / "stand-in.ext"): "not executable",
        watchdog.program("writable.ext", STAND_IN / "stand-in.ext"): "writable by others",
        watchdog.program("sticky/in.ext", STAND_IN / "stand-in.ext"): "sticky",
    }
    (folder / "not-executable.ext").chmod(0o644)
    (folder / "writable.ext").chmod(0o757)
    watchdog.add_extension("good")
    with watchdog.autoload.open("a") as autoload:
        autoload.writelines(f"{path}\n" for path in reasons)
    watchdog.start()
    watchdog.registered("good")
    lines = watchdog.log().splitlines()
    for path, reason in reasons.items():
        mine = [line for line in lines if str(path) in line]
        assert len(mine) == 1 and reason in mine[0], (path, mine)
    names = watchdog.read(watchdog.runtime_dir / "status.db", "SELECT name FROM processes")
    assert [row["name"] for row in names] == ["watchdog", "worker", "good.ext"]


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe", "UTF-16"])
def test_extensions_load_that_cannot_be_read(watchdog, kind):
    watchdog.autoload.unlink()
    if kind == "directory":
        watchdog.autoload.mkdir()
    elif kind == "pipe":
        os.mkfifo(watchdog.autoload)
    elif kind == "UTF-16":
        watchdog.autoload.write_bytes("/opt/one.ext\n/opt/two.ext\n".encode("utf-16"))
    watchdog.start()
    complaints = [line for line in watchdog.log().splitlines() if str(watchdog.autoload) in line]
    assert len(complaints) == 1  # even a missing one is: the command line names it
    assert watchdog.stop() == 0


def test_an_extension_that_turns_unsafe_is_not_started_again(watchdog):
    path = watchdog.add_extension("one")
    watchdog.flags("--watchdog_max_delay=3", "--extensions_interval=1")  # mended before given up
    watchdog.start()
    pid = watchdog.registered("one")
    path.chmod(0o757)
    os.kill(pid, 9)
    failed = watchdog.wait_event("event = 'spawn_failed'")
    assert failed["name"] == "one.ext" and "writable by others" in failed["message"]
    path.chmod(0o755)
    eventually(lambda: watchdog.try_query("SELECT * FROM one"), "it is back")


@pytest.mark.parametrize("kind, says", [("missing", "can't be opened"),
                                        ("other-writable", "writable by others")])
def test_a_tables_extension_that_is_not_safe_to_run(watchdog, kind, says):
    """Osquery runs without the tables. A reload finds them once they are right."""
    path = watchdog.directory / "tables.ext"
    if kind == "other-writable":
        watchdog.program("tables.ext", STAND_IN / "stand-in.ext").chmod(0o757)
    watchdog.tables = True
    watchdog.add_extension("one")
    watchdog.start(f"--tables_extension={path}", tables=True, ready=False)
    watchdog.registered("one")
    complaints = [line for line in watchdog.log().splitlines() if str(path) in line]
    assert len(complaints) == 1 and says in complaints[0]
    assert "no tables are served" in complaints[0]
    watchdog.program("tables.ext", STAND_IN / "stand-in.ext")
    watchdog.process.send_signal(signal.SIGHUP)
    watchdog.pid("tables.ext")
    assert watchdog.stop() == 0


def test_a_name_without_a_directory_is_no_extension(watchdog):
    """As for osquery, for which it is in none; with a slash it is one."""
    watchdog.program("alone.ext", STAND_IN / "stand-in.ext")
    watchdog.program("beside.ext", STAND_IN / "stand-in.ext")
    watchdog.autoload.write_text("alone.ext\n./beside.ext\n")
    watchdog.popen = {"cwd": watchdog.directory}
    watchdog.start()
    watchdog.registered("beside")
    complaints = [line for line in watchdog.log().splitlines() if "alone.ext" in line]
    assert len(complaints) == 1 and "names no directory" in complaints[0]
    assert watchdog.status("alone.ext") is None
    assert watchdog.status("beside.ext")["path"] == f"{watchdog.directory}/./beside.ext"


def test_a_directory_is_read_as_osquery_reads_it(watchdog):
    """Through links, and without what is hidden in it."""
    folder = watchdog.directory / "extensions"
    elsewhere = watchdog.directory / "elsewhere"
    for path in (folder / "below", folder / ".hidden", elsewhere):
        path.mkdir(parents=True)
    for name in ("extensions/a.ext", "extensions/.b.ext", "extensions/.hidden/c.ext",
                 "extensions/below/d.ext", "extensions/below/.e.ext", "elsewhere/f.ext"):
        watchdog.program(name, STAND_IN / "stand-in.ext")
    (folder / "link").symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(elsewhere)
    watchdog.autoload.write_text(f"{folder}\n")
    watchdog.start()
    names = watchdog.read(watchdog.runtime_dir / "status.db",
                          "SELECT name FROM processes WHERE role = 'extension' ORDER BY name")
    assert [row["name"] for row in names] == [".e.ext", "a.ext", "d.ext", "f.ext"]


@pytest.mark.parametrize("content, lines, loaded", [
    (b"%s\0junk\n", 1, True), (b"\0\n%s\n", 1, True), (b"\v%s\f\r\n", 0, True),
    (b"\xef\xbb\xbf%s\n", 1, False),
])
def test_what_osquery_ignores_of_extensions_load(watchdog, content, lines, loaded):
    path = watchdog.program("one.ext", STAND_IN / "stand-in.ext")
    watchdog.autoload.write_bytes(content.replace(b"%s", str(path).encode()))
    watchdog.start()
    assert (watchdog.status("one.ext") is not None) == loaded
    complaints = [line for line in watchdog.log().splitlines()
                  if str(watchdog.autoload) in line or "not loaded" in line]
    assert len(complaints) == lines, complaints


# --- what only prints ---


@pytest.mark.parametrize("option, says", [("--version", "osquery-watchdogd "),
                                          ("--help", "Usage: ")])
def test_prints_and_does_nothing_else(watchdog, option, says):
    before = listing(watchdog.directory)
    done = subprocess.run(watchdog.command(option)[:-1], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(says)
    assert listing(watchdog.directory) == before


def test_check_prints_where_each_setting_comes_from(watchdog):
    watchdog.flags("--watchdog_memory_limit=77", "--watchdog_no_such=1")
    before = listing(watchdog.directory)
    done = subprocess.run(watchdog.command("--check", flags=["--watchdog_level=1"]),
                          capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (3, "")
    lines = done.stdout.splitlines()
    assert f"--watchdog_memory_limit=77  ({watchdog.flagfile}:1)" in lines
    assert "--watchdog_level=1  (argv)" in lines
    assert "--watchdog_utilization_limit=5  (level restrictive)" in lines
    assert f"--state_dir={watchdog.state_dir}  (argv)" in lines
    assert any(line.startswith("warning: ") and "watchdog_no_such" in line for line in lines)
    assert listing(watchdog.directory) == before
