"""The documents say what the programs say: columns, events, flags, options, message ids. (Their
links and commands: test_commands.py.)"""

import os
import pathlib
import re
import subprocess

import pytest

from harness import BUILD, CTL, WATCHDOGD

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAN = sorted((ROOT / "docs" / "man").iterdir())


def document(name):
    return (ROOT / "docs" / name).read_text()


def section(text, title):
    """What stands below the heading @title, up to the next of its level or above."""
    level = re.search(rf"^(#+) {re.escape(title)}$", text, re.M)
    assert level, title
    rest = text[level.end():]
    end = re.search(rf"^#{{1,{len(level[1])}}} ", rest, re.M)
    return rest[:end.start()] if end else rest


def rows(text, *heading):
    """The table with this heading: a list of rows, each a list of cells."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines)
              if [cell.strip() for cell in line.strip("|").split("|")][:len(heading)]
              == list(heading) and line.startswith("|")]
    assert len(starts) == 1, (heading, starts)
    found = []
    for line in lines[starts[0] + 2:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def source(path):
    return (ROOT / path).read_text()


def test_tables_md_is_written_from_the_code():
    written = subprocess.run([BUILD / "tests" / "tables-document", ROOT / "docs" / "tables.md.in"],
                             capture_output=True, text=True, check=True)
    assert written.stdout == document("tables.md"), "cmake --build build --target documents"


def event_names():
    return [row[0] for row in rows(document("tables.md"), "event", "when")]


def test_keys_of_details_are_those_of_the_code():
    for heading, path in (("key", "kernel/details.c"), ("key about the query", "output/culprit.c")):
        code = source(f"watchdog/core/{path}")
        for key, _ in rows(document("tables.md"), heading, "meaning"):
            for part in key.split("."):
                assert f'"{part}"' in code or f'\\"{part}\\"' in code, key


def test_message_ids_are_those_of_the_code():
    said = {(row[0].strip("`"), row[1], row[2])
            for row in rows(document("troubleshoot.md"), "MESSAGE_ID", "event")}
    code = re.findall(r'\[WD_EVENT_(\w+)\] = \{LOG_(\w+), "(\w+)"\}',
                      source("watchdog/core/event/log-fields.c"))
    assert said == {(number, kind.lower(), priority.lower()) for kind, priority, number in code}
    assert [kind.lower() for kind, _, _ in code] == event_names()


def flags_of(path):
    """Each flag of a table with its default, which may be one of defaults.h."""
    shared = dict(re.findall(r'^#define (WD_DEFAULT_\w+) "?([^"\s]+)',
                             source("watchdog/core/settings/defaults.h"), re.M))
    found = re.findall(r'\{"(\w+)", WD_FLAG_\w+, (?:"(.*?)"|(?:G_STRINGIFY\()?(WD_\w+)\)?)\}',
                       source(path))
    return {name: shared[constant] if constant else value for name, value, constant in found}


def test_flags_and_their_defaults_are_those_of_the_code():
    said = {row[0].strip("`"): row[1].split(":")[0].strip("`")
            for row in rows(document("compatibility.md"), "flag", "default")}
    code = flags_of("watchdog/core/settings/osqueryd-flags.c")
    for gflags_own in ("flagfile", "fromenv", "tryfromenv", "undefok"):
        assert f"`{gflags_own}`" in document("compatibility.md")
        del code[gflags_own]
    once = re.search(r"ONCE\[\] = \{(.*?)\}", source("watchdog/core/settings/runs-once.c"), re.S)[1]
    for runs_once in re.findall(r'"(\w+)"', once):
        assert f"`--{runs_once}`" in document("compatibility.md")
        del code[runs_once]
    assert said == {name: value or '""' for name, value in code.items()}


def test_options_and_their_defaults_are_those_of_the_code():
    said = {}
    for names, default, _ in rows(document("configure.md"), "option", "default"):
        for name in names.split(","):
            said[name.strip().strip("`")] = default.strip("`")
    code = flags_of("watchdog/core/settings/own-options.c")
    no_settings = ("check", "version", "help", "flagfile")
    assert said == {name: "" if name in no_settings else value or '""'
                    for name, value in code.items()}
    help_text = subprocess.run([WATCHDOGD, "--help"], capture_output=True, text=True, check=True)
    for name in code:
        assert f"--{name}" in help_text.stdout or f"--no{name}" in help_text.stdout, name


def test_reloadable_settings_are_those_of_the_code():
    code = re.search(r"RELOADABLE\[\] = \{(.*?)\}", source("watchdog/core/settings/settings-changes.c"),
                     re.S)[1]
    said = re.search(r"^HUP takes effect at once for: .*?\.", document("configure.md"),
                     re.M | re.S)[0]
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(re.findall(r'"(\w+)"', code))


@pytest.mark.parametrize("page", MAN, ids=lambda page: page.name)
def test_manual_pages_have_nothing_to_complain_of(page):
    """A reference to a page of ours counts when it is here; the machine's own index may be old."""
    done = subprocess.run(["mandoc", "-T", "lint", page.name], cwd=page.parent,
                          env={"PATH": os.environ["PATH"], "MANPATH": "/var/empty"},
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def page_of(program):
    return next(page for page in MAN if page.stem == program.name).read_text()


@pytest.mark.parametrize("program", [WATCHDOGD, CTL, WATCHDOGD.with_name("osquery-watchdog.ext")],
                         ids=lambda program: program.name)
def test_manual_pages_have_every_option(program):
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    words = [word for line in said.splitlines() if re.match(r" +--", line)
             for word in re.findall(r"--\w+", line.strip().split("  ")[0])]
    page = page_of(program)
    # An option or a command of its own, or in the synopsis of a command.
    items = "\n".join(re.findall(r"^\.It .*", page, re.M))
    found = ["-" + word for word in re.findall(r"\bFl (-\w+)", items)]
    assert sorted(set(words)) == sorted(set(found))


def test_the_manual_page_has_every_command():
    said = subprocess.run([CTL, "--help"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r"^  (\w+)", said[said.index("Commands:"):said.index("Options:")], re.M)
    assert re.findall(r"^\.It Cm (\w+)", page_of(CTL), re.M) == words
