"""osquery-watchdogctl query without SQL: statements from standard input, and the prompt."""

import json
import subprocess

import pytest

from harness import BUILD, CTL, PATIENCE
from terminal import Terminal

PROMPT = "watchdog> "
MORE = "     ...> "
CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("files")
    subprocess.run([BUILD / "tests" / "make-history", directory], check=True, timeout=60)
    return directory


# --- standard input that is no terminal ---


def feed(directory, text, *options):
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([CTL, f"--state_dir={directory}", f"--runtime_dir={directory}", *options,
                           "query"], input=data, capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("text, values", [
    ("SELECT 1 AS a;", [1]),
    ("SELECT 1 AS a", [1]),  # the last one needs no end
    ("SELECT 1 AS a; SELECT 2 AS a;\nSELECT\n3 AS a\n;", [1, 2, 3]),
    ("-- nothing\n;;\n/* SELECT 9; */ SELECT 1 AS a -- here; there\n;\n\n", [1]),
    ("SELECT ';' AS a;\nSELECT '\n;\n' AS a;", [";", "\n;\n"]),
    ("SELECT count(*) AS a FROM watchdog_events;", [6]),
    ("", []),
    ("\n \n", []),
])
def test_statements_from_standard_input(files, text, values):
    code, out, err = feed(files, text, "--json")
    assert (code, err) == (0, "")
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(out):
        rows, end = decoder.raw_decode(out, at)
        found += [row["a"] for row in rows]
        at = end + 1
    assert found == values


@pytest.mark.parametrize("text, message", [
    ("SELECT 1;\n\n  SELECT nope;\nSELECT 2;", "line 3: no such column: nope: SELECT nope;"),
    ("SELECT 1; SELECT\nnope;", r"line 1: no such column: nope: SELECT\nnope;"),
    ("SELECT 1;\nSELECT 'never ends;\n", "line 2: unrecognized token:"),
    ("SELECT 1;\nDELETE FROM watchdog_events;", "line 2: table watchdog_events may not be modified"),
    ("SELECT 1;\nCREATE TABLE t(a);", "line 2: only reading the tables is allowed: CREATE TABLE"),
    ("SELECT 1;\nATTACH 'x' AS y;", "line 2: only reading the tables is allowed: ATTACH"),
    ("SELECT 1;\nSELECT \x1b[31m;", r"line 2: unrecognized token:"),
    (b"SELECT 1;\nSELECT \xff\xff;", "line 2: "),
    (b"SELECT 1;\nSELECT '\0';", "standard input: has a NUL byte"),
    pytest.param("SELECT 1;\nSELECT '" + "x" * 2**20 + "';", "has a statement of more than 1 MiB",
                 id="huge"),
    pytest.param("SELECT 1;\nSELECT " + "1," * 200 + "nope;", "1,1,1…", id="long"),
])
def test_the_first_statement_that_fails_is_named(files, text, message):
    code, out, err = feed(files, text, "--csv")
    assert (code, out) == (1, "1\r\n1\r\n")  # what was before it, and nothing behind it
    assert message in err
    assert err.startswith("osquery-watchdogctl: ") and err.count("\n") == 1 and "\x1b" not in err
    assert len(err) < 300


def test_standard_input_that_cannot_be_read(files):
    with open("/proc/self/mem", "rb") as unreadable:  # nothing lies at address 0
        done = subprocess.run([CTL, f"--state_dir={files}", "query"], stdin=unreadable,
                              capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stderr == "osquery-watchdogctl: standard input: Input/output error\n"


def test_with_its_output_in_a_file_a_terminal_is_only_read(files):
    with Terminal(["sh", "-c", f'"{CTL}" --csv query >"{files}/out"']) as terminal:
        terminal.type(f"SELECT 7;\n{CTRL_D}")
        text, code = terminal.rest()
    assert code == 0
    assert PROMPT not in text
    assert (files / "out").read_text() == "7\n7\n"


# --- the prompt ---


@pytest.fixture
def prompt(files):
    with Terminal([CTL, f"--state_dir={files}", f"--runtime_dir={files}", "query"]) as terminal:
        terminal.wait_to_edit(PROMPT)
        yield terminal


def ends(terminal):
    text, code = terminal.rest()
    assert code == 0
    assert "Sanitizer" not in text


def leave(terminal):
    terminal.wait_to_edit(PROMPT)
    terminal.type(CTRL_D)
    ends(terminal)


def test_a_statement_may_have_several_lines(prompt):
    prompt.type("SELECT 6 *\n")
    prompt.wait_to_edit(MORE)
    prompt.type("7 AS product;\n")
    prompt.wait_for("| product |")
    prompt.wait_for("| 42      |")
    leave(prompt)


@pytest.mark.parametrize("word", [".quit\n", ".exit\n", CTRL_D])
def test_ways_to_leave(prompt, word):
    prompt.type(word)
    ends(prompt)


def test_blank_lines_begin_nothing(prompt):
    prompt.type("  \n")
    prompt.wait_to_edit(PROMPT)
    prompt.type("\n")
    leave(prompt)


def test_errors_are_shown_and_it_goes_on(prompt):
    prompt.type("SELECT nope;\n")
    prompt.wait_for("no such column: nope")
    prompt.wait_to_edit(PROMPT)
    prompt.type("CREATE TABLE t(a);\n")
    prompt.wait_for("only reading the tables is allowed")
    prompt.wait_to_edit(PROMPT)
    prompt.type(".nope\n")
    prompt.wait_for("expected .quit")
    prompt.wait_to_edit(PROMPT)
    prompt.type("SELECT 41 + 1;\n")
    prompt.wait_for("| 42     |")
    leave(prompt)


def test_words_are_completed(prompt):
    prompt.type("sel" + TAB + "max(ei" + TAB)  # two kinds of word with one candidate each
    prompt.wait_for("ect ")
    prompt.wait_for("d ")
    prompt.type(") as newest fr" + TAB + "wat" + TAB)
    prompt.wait_for("chdog_")  # which both tables begin with
    prompt.type(TAB)
    prompt.wait_for("watchdog_events")  # shown to choose from
    prompt.wait_for("watchdog_processes")
    prompt.type("e" + TAB + ";\n")
    prompt.wait_for("| newest |")
    prompt.wait_for("| 6      |")
    leave(prompt)


def test_columns_are_those_of_the_tables_named_in_earlier_lines(prompt):
    prompt.type("SELECT * FROM watchdog_events WHERE\n")
    prompt.wait_to_edit(MORE)
    prompt.type("cau" + TAB)
    prompt.wait_for("se_eid ")
    prompt.type("= 3 AND 'x' = '" + TAB + "';\n")  # nothing is known of a text
    leave(prompt)


def test_lines_are_recalled(prompt):
    prompt.type("SELECT 'first', 11 * 3;\n")
    prompt.wait_for("| first   |")
    prompt.wait_to_edit(PROMPT)
    prompt.type("SELECT 'second';\n")
    prompt.wait_for("| second   |")
    prompt.wait_to_edit(PROMPT)
    prompt.type(UP + UP + "\n")
    prompt.wait_for("| first   | 33     |")
    leave(prompt)


def test_ctrl_c_forgets_the_statement(prompt):
    prompt.type("SELECT nope" + CTRL_C)
    prompt.wait_for("^C")
    prompt.wait_to_edit(PROMPT)
    prompt.type("SELECT\n")
    prompt.wait_to_edit(MORE)
    prompt.type(CTRL_C)  # on an empty line
    prompt.wait_to_edit(PROMPT)
    prompt.type(CTRL_C)
    prompt.wait_to_edit(PROMPT)
    prompt.type("SELECT 41 + 1;\n")
    prompt.wait_for("| 42     |")
    leave(prompt)


def test_ctrl_c_interrupts_a_query(prompt):
    for _ in range(20):  # as early as can be: none may get lost
        prompt.type("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                    " SELECT 'begun', max(i) FROM n;\n")
        prompt.wait_for("FROM n;\r\n")
        prompt.wait_for_signals()  # the line isn't edited any more
        prompt.type(CTRL_C)
        prompt.wait_for("interrupted")
        prompt.wait_to_edit(PROMPT)
    prompt.type("SELECT 41 + 1;\n")
    prompt.wait_for("| 42     |")
    leave(prompt)


def test_tables_and_schema(prompt):
    prompt.type(".tables\n")
    prompt.wait_for("watchdog_processes\r\n")
    prompt.wait_for("watchdog_events\r\n")
    prompt.type(".schema\n")
    prompt.wait_for("CREATE TABLE watchdog_events(eid BIGINT")
    leave(prompt)


def test_formats_are_kept_at_the_prompt(files):
    with Terminal([CTL, f"--state_dir={files}", "--json", "query"]) as terminal:
        terminal.wait_to_edit(PROMPT)
        terminal.type("SELECT 1 AS a;\n")
        terminal.wait_for('{"a":1}')
        leave(terminal)


def test_a_terminal_that_goes_ends_the_prompt(files):
    with Terminal([CTL, f"--state_dir={files}", "query"]) as terminal:
        terminal.wait_to_edit(PROMPT)
        terminal.hang_up()
        assert terminal.process.wait(PATIENCE) in (0, 1, -1)  # SIGHUP, or it sees the end first
