"""`osquery-watchdogctl report`: the page as a file, and as a browser shows it."""

import os
import pathlib
import re
import shutil
import sqlite3
import stat
import subprocess
from html import unescape

import pytest

from browser import browser
from harness import BUILD, CTL, PATIENCE, eventually

MAKE_DAY = BUILD / "tests" / "make-day"
MAKE_HISTORY = BUILD / "tests" / "make-history"
# What a hostile extension may be called.
HOSTILE = ("\"'><script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=1>"
           "</style><style>*{display:none}</style>&lt; \x1b[31m\u202e")
DESK, PHONE = 1100, 360
ENDINGS = "section[aria-labelledby=endings] tbody tr"
OTHERS = "section[aria-labelledby=others] tbody tr"


def report(directory, *options, runtime=None, html="-"):
    return subprocess.run(
        [CTL, f"--state_dir={directory}", f"--runtime_dir={runtime or directory}", "report", "--html",
         html, *options], capture_output=True, text=True, timeout=PATIENCE)


def page(directory, *options, **others):
    done = report(directory, *options, **others)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def execute(path, sql, *parameters):
    database = sqlite3.connect(path)
    with database:
        database.execute(sql, parameters)
    database.close()
    pathlib.Path(f"{path}-wal").touch()  # closing has removed it


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A day of several processes, three of which were ended or crashed."""
    directory = tmp_path_factory.mktemp("day")
    subprocess.run([MAKE_DAY, directory], check=True, timeout=PATIENCE)
    assert report(directory, html=str(directory / "page.html")).returncode == 0
    return directory


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


def shown(opened, directory, *options, **view):
    """Shows the page, of which everything the browser objects to or asks for is an error."""
    path = directory / "shown.html"
    assert report(directory, *options, html=str(path)).returncode == 0
    opened.show(path.as_uri(), **view)
    troubles = [event for event in opened.events if event.get("method") in (
        "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
    assert troubles == []
    requests = [event["params"]["request"]["url"] for event in opened.events
                if event.get("method") == "Network.requestWillBeSent"]
    assert requests == [path.as_uri()]
    return opened


# --- the file ---


def test_the_file_is_private_and_replaces_what_was_there(day, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    done = report(day, html=str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert path.read_text().endswith("</html>\n")
    assert os.listdir(tmp_path) == ["page.html"]


@pytest.mark.parametrize("name, problem", [
    ("none/page.html", "No such file or directory"), (".", "Is a directory|Device or resource busy")])
def test_a_file_that_cannot_be_written(day, tmp_path, name, problem):
    done = report(day, html=f"{tmp_path}/{name}")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"osquery-watchdogctl: {re.escape(str(tmp_path))}/{re.escape(name)}: cannot be written:"
        rf" ({problem})\n", done.stderr)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told(day):
    with open("/dev/full", "w") as full:
        done = subprocess.run([CTL, f"--state_dir={day}", f"--runtime_dir={day}", "report",
                               "--html", "-"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "osquery-watchdogctl: cannot write the output: No space left on device\n"


def test_without_any_store(tmp_path):
    done = report(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"osquery-watchdogctl: {tmp_path}/history.db:"
                           " No such file or directory\n")


def test_a_store_that_cannot_be_used(tmp_path):
    (tmp_path / "history.db").write_text("text, no database\n" * 100)
    done = report(tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"{tmp_path}/history.db: file is not a database" in done.stderr


def test_a_history_alone(day, tmp_path):
    """As copied from another host, whose runtime directory stays there."""
    for name in ("history.db", "history.db-wal"):
        shutil.copy(day / name, tmp_path)
    text = page(tmp_path)
    assert "There are no samples to draw" in text
    assert "<svg" not in text
    assert text.count('data-label="Why"') == 6
    assert "--watchdog_memory_limit=" in text


def test_samples_that_cannot_be_used(day, tmp_path):
    """The history is told all the same, and what is missing of the pictures."""
    (tmp_path / "status.db").write_text("text, no database\n" * 100)
    assert report(tmp_path).returncode == 1  # nothing else is there
    for name in ("history.db", "history.db-wal"):
        shutil.copy(day / name, tmp_path)
    text = page(tmp_path)
    assert f"can't be drawn: {tmp_path}/status.db: file is not a database." in unescape(text)
    assert "<svg" not in text
    assert text.count('data-label="Why"') == 6
    assert "--watchdog_memory_limit=" in text


def test_samples_alone(day, tmp_path):
    for name in ("status.db", "status.db-wal"):
        shutil.copy(day / name, tmp_path)
    text = page(tmp_path)
    assert text.count('class="plot"') == 6
    assert "No process was killed for a limit." in text
    # Another host's watchdog doesn't run here.
    execute(tmp_path / "status.db",
            "UPDATE processes SET start_ticks = 1, last_check_us = 1 WHERE role = 'watchdog'")
    assert '<p class="state">watchdog, unresponsive where this page was made, pid ' in page(tmp_path)


def test_one_value_for_a_flag_that_all_share(day, tmp_path):
    for name in ("history.db", "history.db-wal"):
        shutil.copy(day / name, tmp_path)
    for name, megabytes in (("worker", 100), ("b.ext", 300), ("c.ext", 90)):
        execute(tmp_path / "history.db", "INSERT INTO events(eid, time, run_id, event, role, name,"
                " reason, measured, limit_value) SELECT max(eid) + 1, unixepoch(), 'run',"
                " 'process_terminated', 'extension', ?, 'memory', ?, 62914560 FROM events",
                name, megabytes << 20)
    flag = re.compile(r"--watchdog_memory_limit=\d+")
    assert set(flag.findall(page(tmp_path))) == {"--watchdog_memory_limit=450"}
    assert len(flag.findall(page(tmp_path))) >= 3
    # What a reload has raised isn't to be lowered.
    execute(tmp_path / "history.db", "INSERT INTO events(eid, time, run_id, event, role, name,"
            " details) SELECT max(eid) + 1, unixepoch(), 'run', 'settings_changed', 'watchdog',"
            " 'watchdog', ? FROM events", '{"settings":[{"name":"watchdog_memory_limit","old":"60",'
            '"new":"450"}]}')
    text = page(tmp_path)
    assert not flag.findall(text)
    assert text.count("The limit has been raised to 450 MiB since") >= 3


def test_what_to_type_is_set_apart(day):
    advice = page(day).split('id="advice"')[1].split("</section>")[0]
    assert "<code>coredumpctl info</code>" in advice and "`" not in advice
    assert re.search(r"<code>--watchdog_\w+=\d+</code>", advice)


def test_since(day):
    """Six hours ago were the last of the worker's terminations and the extension's crashes."""
    text = page(day, "--since", "6h")
    assert text.count('data-label="Why"') == 1
    assert "of what happened since" in text
    assert text.count('class="plot"') == 6
    nothing = page(day, "--since", "1s")
    assert "No process was killed for a limit." in nothing


def test_it_is_bounded_and_says_so(tmp_path):
    subprocess.run([MAKE_HISTORY, tmp_path, "10000"], check=True, timeout=PATIENCE)
    text = page(tmp_path)
    assert text.count('data-label="Message"') == 200
    assert "The newest 200 of 99" in text
    execute(tmp_path / "history.db", "UPDATE events SET event = 'process_terminated',"
            " reason = 'memory', name = eid, cause_eid = NULL")
    execute(tmp_path / "history.db", "UPDATE events SET query_name = ?1, query = ?1, outcome = ?1"
            " WHERE eid > 9900", "long " * 20000)
    execute(tmp_path / "status.db",
            "INSERT INTO samples(id, time, name, pid, utilization, footprint)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
            " SELECT i, 1700000000 + i * 7 % 86000, 'name ' || (i % 40), i, i % 100, i FROM n")
    text = page(tmp_path)
    assert text.count('data-label="Why"') == 100
    assert "The newest 100 of 10000" in text
    assert text.count('class="plot"') == 32
    assert "There are more processes; the first 32 are shown." in text
    assert len(text) < 4 << 20


def test_a_clock_that_was_set_spoils_no_picture(day, tmp_path):
    """The picture ends with the newest sample, whatever those before it are labelled with."""
    for name in ("history.db", "history.db-wal", "status.db", "status.db-wal"):
        shutil.copy(day / name, tmp_path)
    for number, odd in enumerate((0, -5, 253402300799, 9223372036854775807, -9223372036854775808)):
        execute(tmp_path / "status.db", "UPDATE samples SET time = ? WHERE id = (SELECT id FROM"
                " samples ORDER BY id LIMIT 1 OFFSET ?)", odd, number)
    same = re.search(r"<p>(\S+ \S+ to \S+ \S+)\. The line", page(day))[1]
    assert re.search(r"<p>(\S+ \S+ to \S+ \S+)\. The line", page(tmp_path))[1][17:] == same[17:]


def test_what_is_measured_right_now(watchdog):
    watchdog.start()
    eventually(lambda: f'<p class="state">worker, running, pid {watchdog.worker()}</p>' in
               page(watchdog.state_dir, runtime=watchdog.runtime_dir), "the worker is drawn")


# --- in the browser ---


@pytest.mark.parametrize("width", [320, PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_is_legible(day, chromium, width, scheme):
    """No scrolling sideways, no text that is smaller than 12 px or hard to tell from what is behind
    it (WCAG 2.2: 4.5 to 1 for text, 3 to 1 for lines)."""
    opened = shown(chromium, day, width=width, scheme=scheme)
    for details in ("false", "true"):
        opened.evaluate(f"document.querySelectorAll('details').forEach(d => d.open = {details})")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate("""Math.min(...[...document.querySelectorAll('body *')]
        .map(e => parseFloat(getComputedStyle(e).fontSize)))""") >= 12
    colours = opened.evaluate("""[['body', 'color'], ['.note', 'color'], ['a', 'color'],
         ['.title', 'fill'], ['.scale text', 'fill'], ['text.limit', 'fill'],
         ['path.limit', 'stroke'], ['path.value', 'stroke'], ['path.measured', 'stroke'],
         ['.plot a rect', 'stroke'], ['line.event', 'stroke']].map(([selector, property]) =>
         [selector, getComputedStyle(document.querySelector(selector))[property]])""")
    back = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(back) > 0.5) == (scheme == "light")
    for selector, colour in colours:
        line = selector.startswith(("path", "line", ".plot a rect"))
        assert contrast(colour, back) >= (3 if line else 4.5), (selector, colour, back)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lesser, greater = sorted((luminance(one), luminance(other)))
    return (greater + 0.05) / (lesser + 0.05)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_text_lies_over_another(day, chromium, width):
    opened = shown(chromium, day, width=width)
    overlapping = opened.evaluate("""[...document.querySelectorAll('.picture')].flatMap(picture => {
        const boxes = [...picture.querySelectorAll('text')].map(
            text => [text.textContent, text.getBoundingClientRect()]);
        return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([other, b]) =>
            a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 &&
            b.top < a.bottom - 3).map(([other]) => one + ' / ' + other)); })""")
    assert overlapping == []
    # The names of the cells on a phone stay within their column, and in one line.
    if width == PHONE:
        tall = opened.evaluate("""[...document.querySelectorAll('.events td')].filter(cell =>
            parseFloat(getComputedStyle(cell, '::before').height) > 25 ||
            parseFloat(getComputedStyle(cell, '::before').width) > 92)
            .map(cell => cell.dataset.label)""")
        assert tall == []


def test_what_it_tells(day, chromium):
    opened = shown(chromium, day)
    counts = opened.evaluate("[...document.querySelectorAll('.counts li')].map(e => e.textContent)")
    assert counts == ["6 killed for a limit", "5 exits or crashes", "1 given up",
                      "4 queries denylisted"]
    assert opened.evaluate("[...document.querySelectorAll('h3')].map(e => e.textContent)") == [
        "watchdog", "worker", "osquery-watchdog.ext", "software.ext", "chrome_history.ext",
        "fleet_tables.ext"]
    newest = opened.evaluate(f"""[...document.querySelector('{ENDINGS}').cells]
        .map(cell => cell.textContent)""")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", newest[0])
    assert newest[1].startswith("worker pid ")
    assert newest[2] == "M memory over its limit"
    assert re.fullmatch(r"2\d\d\.\d/200 MiB, then up to 2\d\d\.\d MiB", newest[3])
    assert newest[4].startswith("graceful in 1.2 s (USR1,TERM), had lived ")
    assert newest[5].startswith("pack_incident_hash_of_everything SELECT p.name,")
    captions = opened.evaluate("[...document.querySelectorAll('figcaption')].map(e => e.textContent)")
    assert captions[1].startswith("CPU at most 55 %, limit 10 %. Memory at most 2")
    assert captions[3].endswith("limit 200 MiB. 2 events.")
    assert opened.evaluate("document.querySelector('dt').textContent") == (
        "worker: killed: over its memory limit, 3 times, the last time in the scheduled query"
        " pack_incident_hash_of_everything")
    advice = opened.evaluate("document.querySelector('dd').textContent")
    assert advice.startswith("A leak: it grew steadily, by 18.") and "It leaks: a higher" in advice
    figures = opened.evaluate("[...document.querySelectorAll('details')].map(e => e.querySelectorAll"
                              "('tbody tr').length)")
    assert figures[1] == 24


def test_the_picture_is_of_what_was_measured(day, chromium):
    """The sawtooth of the leaking extension: up to its limit, down when it was ended, twice."""
    opened = shown(chromium, day)
    boxes = opened.evaluate("""(() => { const figure = document.querySelectorAll('figure')[3];
        const box = e => { const b = e.getBoundingClientRect();
                           return [b.left, b.top, b.right, b.bottom]; };
        return {lines: [...figure.querySelectorAll('path.value')].map(box),
                limits: [...figure.querySelectorAll('path.limit')].map(box),
                measured: [...figure.querySelectorAll('path.measured')].map(box),
                signs: [...figure.querySelectorAll('a')].map(box)} })()""")
    memory, limit = boxes["lines"][1], boxes["limits"][1]
    assert abs(memory[1] - limit[1]) < 4  # its top is at the limit
    assert memory[3] - memory[1] > 40 and memory[2] - memory[0] > 800
    assert len(boxes["measured"]) == len(boxes["signs"]) == 2
    for mark, sign in zip(boxes["measured"], boxes["signs"]):
        assert mark[3] < limit[1]  # over the limit
        assert abs((mark[0] + mark[2]) / 2 - (sign[0] + sign[2]) / 2) < 2
    path = opened.evaluate("document.querySelectorAll('figure')[3]"
                           ".querySelectorAll('path.value')[1].getAttribute('d')")
    assert path.count("M") <= 3  # no gaps but where one process ends


def test_by_keyboard(day, chromium):
    """Everything that can be followed is reached in the order of the page, and shows its focus."""
    opened = shown(chromium, day, scheme="dark")
    reached = []
    for _ in range(60):
        opened.press("Tab")
        focused = opened.evaluate("""(e => [e.tagName.toLowerCase(), e.getAttribute('href'),
            e.getAttribute('aria-label') || e.textContent, getComputedStyle(e).outlineStyle,
            getComputedStyle(e).outlineWidth])(document.activeElement)""")
        if focused[0] == "body" or focused[:3] in reached:
            break
        assert focused[3] != "none" and int(focused[4][:-2]) >= 2, focused
        reached.append(focused[:3])
    expected = opened.evaluate("""[...document.querySelectorAll('a, summary')].map(e =>
        [e.tagName.toLowerCase(), e.getAttribute('href'),
         e.getAttribute('aria-label') || e.textContent])""")
    assert reached == expected
    links = [name for tag, href, name in reached if tag == "a" and re.match(r"#e\d", href)]
    assert links[0] == "worker: killed: over its memory limit"
    signs = [name for name in links if re.match(r"\d\d:\d\d", name)]
    assert (len(links), len(signs)) == (11, 7)
    assert re.fullmatch(r"\d\d:\d\d to \d\d:\d\d, given up, killed by a signal, not ours \(5\)",
                        signs[5])

    # A sign leads to its event, which is set off.
    opened.show((day / "shown.html").as_uri())
    while not opened.evaluate("document.activeElement.closest('.plot') !== null"):
        opened.press("Tab")
    opened.press("Enter")
    eventually(lambda: opened.evaluate("document.querySelector(':target') !== null"), "it is there")
    target = opened.evaluate("document.querySelector(':target').textContent")
    assert "M memory over its limit" in target and "worker" in target
    assert opened.evaluate("""getComputedStyle(document.querySelector(':target')).backgroundColor
        !== getComputedStyle(document.body).backgroundColor""")


def test_every_sign_leads_somewhere(day, chromium):
    opened = shown(chromium, day)
    lost = opened.evaluate("""[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))
        .filter(href => document.querySelectorAll(href).length !== 1)""")
    assert lost == []


def test_what_assistive_technology_hears(day, chromium):
    """A table stays one where it is laid out as blocks."""
    opened = shown(chromium, day, width=PHONE)
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes
             if not node["ignored"]]
    for expected in (("table", "Terminations"), ("table", "Other events"), ("columnheader", "Outcome"),
                     ("heading", "Terminations"), ("navigation", "On this page"),
                     ("group", "CPU and memory of worker over time")):
        assert expected in roles, expected
    rows = len([role for role, _ in roles if role == "row"])
    assert rows >= 2 + opened.evaluate(
        f"document.querySelectorAll('{ENDINGS}, {OTHERS}').length")
    assert not [name for role, name in roles if role == "link" and not name]


def test_printed(day, chromium):
    """On white, whatever the screen's colours."""
    opened = shown(chromium, day, scheme="dark", media="print")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    opened.call("Emulation.setEmulatedMedia", media="", features=[])
    assert opened.print_pages().startswith(b"%PDF")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_hostile_names_are_text(chromium, tmp_path, width):
    subprocess.run([MAKE_DAY, tmp_path, HOSTILE], check=True, timeout=PATIENCE)
    opened = shown(chromium, tmp_path, width=width)  # asks for nothing, complains of nothing
    assert opened.evaluate("document.querySelectorAll('script, img, style:not(head style)').length"
                           ) == 0
    assert opened.evaluate("document.title").startswith("osquery-watchdog, ")
    name = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u{202e}")
    assert opened.evaluate("[...document.querySelectorAll('h3')].pop().textContent") == name
    message = opened.evaluate(f"""[...document.querySelectorAll('{OTHERS}')].map(
        row => row.cells[3].textContent).filter(text => text.includes('no longer'))""")
    assert message == [f"osquery no longer lists {name}"]
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate("getComputedStyle(document.querySelector('h1')).display") == "block"


def test_the_policy_lets_nothing_in(day, chromium, tmp_path):
    """Were anything to slip through, it would do nothing."""
    shutil.copy(day / "page.html", tmp_path)
    path = tmp_path / "page.html"
    path.write_text(path.read_text().replace(
        "</main>", "<script>document.title='owned'</script><img src=x.png>"
        "<p id=styled style='color:red'>x</p></main>"))
    chromium.show(path.as_uri())
    assert chromium.evaluate("document.title") != "owned"
    assert chromium.evaluate("getComputedStyle(styled).color") != "rgb(255, 0, 0)"
    refused = [event["params"]["entry"]["text"] for event in chromium.events
               if event.get("method") == "Log.entryAdded"]
    assert len(refused) == 3 and all("Content Security Policy" in text for text in refused)
