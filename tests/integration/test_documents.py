"""The documents say what the programs say: columns, events, flags, options, message ids."""

import pathlib
import re
import subprocess

import pytest

from harness import CTL, WATCHDOGD

ROOT = pathlib.Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("table", ["watchdog_processes", "watchdog_events", "watchdog_samples"])
def test_columns_are_those_of_the_table(directory, table):
    said = [tuple(row[:2]) for row in
            rows(section(document("tables.md"), table), "column", "type")]
    asked = subprocess.run(
        [CTL, f"--state_dir={directory}", f"--runtime_dir={directory}", "--csv", "query",
         f"SELECT name, type FROM pragma_table_info('{table}')"],
        capture_output=True, text=True, check=True)
    assert said == [tuple(line.split(",")) for line in asked.stdout.splitlines()[1:]]


def event_names():
    return re.findall(r'return "(\w+)";', re.search(
        r"^wd_event_kind_name\(.*?^}", source("watchdog/core/event.c"), re.M | re.S)[0])


def test_events_are_those_of_the_code():
    said = [row[0] for row in rows(document("tables.md"), "event", "when")]
    assert said == event_names()


def test_reasons_are_those_of_the_code():
    names = re.findall(r'return "(\w+)";', re.search(
        r"^wd_reason_name\(.*?^}", source("watchdog/core/event.c"), re.M | re.S)[0])
    said = section(document("tables.md"), "Events and what they carry")
    paragraph = re.search(r"^Reasons: .*?\n\n", said, re.M | re.S)[0]
    assert re.findall(r"`(\w+)`", paragraph) == names


def test_keys_of_details_are_those_of_the_code():
    said = [row[0] for row in rows(document("tables.md"), "key", "meaning")]
    code = source("watchdog/core/details.c")
    for key in said:
        assert f'"{key}"' in code or f'\\"{key}\\"' in code, key


def test_message_ids_are_those_of_the_code():
    said = {(row[0].strip("`"), row[1], row[2])
            for row in rows(document("operations.md"), "MESSAGE_ID", "event")}
    code = re.findall(r'\[WD_EVENT_(\w+)\] = \{LOG_(\w+), "(\w+)"\}',
                      source("watchdog/core/log-fields.c"))
    assert said == {(number, kind.lower(), priority.lower()) for kind, priority, number in code}
    assert [kind.lower() for kind, _, _ in code] == event_names()


def flags_of(path):
    return dict(re.findall(r'\{"(\w+)", WD_FLAG_\w+, "(.*?)"\}', source(path)))


def test_flags_and_their_defaults_are_those_of_the_code():
    said = {row[0].strip("`"): row[1].split(":")[0].strip("`")
            for row in rows(document("compatibility.md"), "flag", "default")}
    code = flags_of("watchdog/core/osqueryd-flags.c")
    for gflags_own in ("flagfile", "fromenv", "tryfromenv", "undefok"):
        assert f"`{gflags_own}`" in document("compatibility.md")
        del code[gflags_own]
    assert said == {name: value or '""' for name, value in code.items()}


def test_options_and_their_defaults_are_those_of_the_code():
    said = {}
    for names, default, _ in rows(document("compatibility.md"), "option", "default"):
        for name in names.split(","):
            said[name.strip().strip("`")] = default.strip("`")
    code = flags_of("watchdog/core/own-options.c")
    no_settings = ("check", "version", "help", "flagfile")
    assert said == {name: "" if name in no_settings else value or '""'
                    for name, value in code.items()}
    help_text = subprocess.run([WATCHDOGD, "--help"], capture_output=True, text=True, check=True)
    for name in code:
        assert f"--{name}" in help_text.stdout or f"--no{name}" in help_text.stdout, name


def test_reloadable_settings_are_those_of_the_code():
    code = re.search(r"RELOADABLE\[\] = \{(.*?)\}", source("watchdog/core/settings-changes.c"),
                     re.S)[1]
    said = re.search(r"^HUP takes effect at once for: .*?\.", document("operations.md"),
                     re.M | re.S)[0]
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(re.findall(r'"(\w+)"', code))


@pytest.mark.parametrize("name", ["README.md", "docs/compatibility.md", "docs/tables.md",
                                  "docs/development.md", "docs/protocol.md",
                                  "docs/operations.md"])
def test_links_and_paths_lead_somewhere(name):
    text = source(name)
    base = (ROOT / name).parent
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert (base / link).exists(), link
    tree = ("watchdog", "tables", "thrift", "extension", "tests", "docs")
    for path in re.findall(r"`([\w./-]+/[\w.-]+)`", text):
        if path.split("/")[0] in tree:
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("sql", re.findall(r"```sql\n(.*?)```", document("tables.md"), re.S))
def test_queries_run(directory, sql):
    asked = subprocess.run(
        [CTL, f"--state_dir={directory}", f"--runtime_dir={directory}", "query", sql],
        capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (0, "")
