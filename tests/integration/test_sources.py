"""Faults in the sources that GCC neither warns of nor shows on x86-64."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("watchdog", "tables", "thrift", "extension", "tests")
STEAL = re.compile(r"g_steal_pointer\(&([\w.>\[\]-]+)\)")


def call_around(text, at):
    """The innermost call that has the character @at among its arguments, as (start, end)."""
    depth, start = 1, at
    while depth > 0 and text[start - 1] not in ";{}":
        start -= 1
        depth += (text[start] == ")") - (text[start] == "(")
    depth, end = 1, at
    while depth > 0 and text[end] not in ";{}":
        depth += (text[end] == "(") - (text[end] == ")")
        end += 1
    return start, end


def stolen_and_used(text):
    """Variables that one argument of a call steals, which leaves NULL, and another one reads:
    in which order is the compiler's choice."""
    for match in STEAL.finditer(text):
        start, end = call_around(text, match.start())
        name = re.sub(r"[^\w].*", "", match[1])
        others = text[start:match.start()] + text[match.end():end]
        if text[start] == "(" and re.search(rf"(?<![\w.>]){name}\b", others):
            yield f"line {text.count(chr(10), 0, match.start()) + 1}: {name}"


@pytest.mark.parametrize("text, found", [
    ("f(g_steal_pointer(&a), a == NULL);", 1),
    ("f(\n  is(a, 1) ? 2 : 3, g_steal_pointer(&a));", 1),
    ("f(g_steal_pointer(&a->b), a->b);", 1),
    ("f(b, g_steal_pointer(&a), x->a);", 0),
    ("return is(a) ? g_steal_pointer(&a) : NULL;", 0),
    ("if (a != NULL) f(g_steal_pointer(&a));", 0),
])
def test_the_search_finds(text, found):
    assert len(list(stolen_and_used(text))) == found


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_argument_reads_what_another_one_steals(folder):
    found = {str(path): list(stolen_and_used(path.read_text()))
             for path in (ROOT / folder).rglob("*.[ch]*") if path.suffix in (".c", ".h", ".cc")}
    assert len(found) > 10
    assert {path: lines for path, lines in found.items() if lines} == {}
