"""Every document can be followed: its links lead somewhere, its SQL and its commands run.

In a document, a block that is indented or tagged `sh` is commands; `sql` is one statement for
osquery-watchdogctl or osquery; other tags are no commands. Commands run as they stand, but for paths
that belong to an installation, which are replaced by the test's own (`SUBSTITUTES`), and a watchdog
that would run on, which gets --check. What only an installed system can run is in `ELSEWHERE`."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import textwrap
import time

import pytest
import yaml
from harness import BUILD, CTL, MARK, PATIENCE, STAND_IN
from test_documents import MAN, ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")),
             ROOT / "tests" / "stand-in" / "README.md"]
TAGS = {"sh", "sql", "ini", "json", "yaml", "text"}


def name_of(path):
    return str(path.relative_to(ROOT))


# --- reading ---


def blocks_of(text):
    """(tag, text) of each block; the tag of an indented one is "sh"."""
    blocks = []
    fenced = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)
    for tag, body in fenced.findall(text):
        blocks.append((tag, textwrap.dedent(body)))
    rest = fenced.sub("", text)
    for body in re.findall(r"(?:^|\n)\n((?:    .*(?:\n|$))+)", rest):
        blocks.append(("sh", textwrap.dedent(body)))
    return blocks


def blocks(*tags):
    """pytest parameters: the document, and the block's text."""
    found = []
    for path in DOCUMENTS:
        for number, (tag, body) in enumerate(blocks_of(path.read_text())):
            if tag in tags:
                found.append(pytest.param(path, body, id=f"{name_of(path)}:{number}"))
    return found


def examples():
    """The same of the manual pages: literal displays."""
    found = []
    for page in MAN:
        text = page.read_text().replace("\\e", "\\").replace("\\-", "-")
        displays = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M)
        displays += re.findall(r"^\.Dl # (.*)$", text, re.M)
        for number, body in enumerate(displays):
            body = body.removeprefix("ExecStart=/usr/bin/")
            found.append(pytest.param(page, body, id=f"{page.name}:{number}"))
    return found


def anchors(text):
    """GitHub's: words of the heading, joined by dashes."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- links ---


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        target = (path.parent / target).resolve() if target else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_paths_are_there(path):
    tree = ("watchdog", "tables", "thrift", "extension", "tests", "docs")
    for named in re.findall(r"`([\w./-]+/[\w.-]+)`", path.read_text()):
        if named.split("/")[0] in tree:
            assert (ROOT / named).exists(), named


def test_every_document_is_found_from_the_readme():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        todo += [(path.parent / link).resolve()
                 for link in re.findall(r"\]\(([^)#\s:]+)", path.read_text())]
    assert set(DOCUMENTS) <= seen


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_blocks_are_tagged(path):
    assert {tag for tag, _ in blocks_of(path.read_text())} <= TAGS


# --- options ---


def known_options():
    """Those of all programs and scripts that the documents speak of."""
    texts = [subprocess.run([BUILD / "bin" / program, "--help"], capture_output=True, text=True,
                            check=True).stdout
             for program in ("osquery-watchdogd", "osquery-watchdogctl", "osquery-watchdog.ext")]
    texts += [(ROOT / script).read_text() for script in ("docs/quickstart.sh", "tests/run.sh")]
    known = set(re.findall(r"--(\w+)", "".join(texts)))
    for flags in ("watchdog/core/settings/osqueryd-flags.c", "watchdog/core/settings/own-options.c",
                  "tests/stand-in/flags.c", "tests/stand-in/extension.c"):
        known |= set(re.findall(r'\{?"(\w+)"', (ROOT / flags).read_text()))
    return known | {"no" + name for name in known} | {
        "name", "boolname", "noboolname",  # of gflags' syntax
        "seed", "steps",  # tests/simulation
        "connect",  # osqueryi's
        "socket", "line", "json",  # stand-in-query
        "build", "target", "install", "prefix",  # CMake's
        "cap",  # docker's --cap-add
        "full", "offline"}  # systemctl's and systemd-analyze's


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_options_exist(path):
    known = known_options()
    for code in re.findall(r"`([^`\n]+)`", path.read_text()):
        for option in re.findall(r"(?:^|\s)--(\w+)", code):
            assert option in known, code


# --- SQL, configuration ---


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A directory with both databases."""
    directory = tmp_path_factory.mktemp("history")
    subprocess.run([BUILD / "tests" / "make-history", directory, "6"], check=True)
    return directory


@pytest.mark.parametrize("path, sql", blocks("sql"))
def test_sql_runs(history, path, sql):
    asked = subprocess.run([CTL, f"--state_dir={history}", f"--runtime_dir={history}", "query", sql],
                           capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (0, "")


@pytest.mark.parametrize("path, body", blocks("ini"))
def test_units_are_what_systemd_takes(directory, path, body):
    drop_ins = directory / "osqueryd.service.d"
    drop_ins.mkdir()
    body = body.replace("/usr/bin/osquery-watchdogd", str(BUILD / "bin" / "osquery-watchdogd"))
    (drop_ins / "watchdog.conf").write_text(body)
    unit = directory / "osqueryd.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(directory) in line]
            ) == (0, [])


@pytest.mark.parametrize("path, body", blocks("json"))
def test_configuration_is_what_osquery_takes(path, body):
    for pack in json.loads(body)["packs"].values():
        assert (ROOT / "docs" / "packs" / pathlib.Path(pack).name).exists()


@pytest.mark.parametrize("path, body", blocks("yaml"))
def test_yaml_is_yaml(path, body):
    assert isinstance(yaml.safe_load(body), dict)


# --- commands ---


# Runs elsewhere, with what must be true of it here.
def in_the_package_tests(command):
    texts = [path.read_text() for path in (ROOT / "tests" / "package").rglob("*")
             if path.is_file() and path.suffix in (".py", ".sh", "")]
    return any(" ".join(command.split()[:2]) in text for text in texts)


def terminations_by_message_id(command):
    number = re.search(r"MESSAGE_ID=(\w+)", command)[1]
    kind = re.search(rf'\[(\w+)\] = \{{\w+, "{number}"',
                     (ROOT / "watchdog/core/event/log-fields.c").read_text())[1]
    return kind == "WD_EVENT_PROCESS_TERMINATED"


ELSEWHERE = {
    r"sh tests/run\.sh$": lambda command: "PYTEST_CURRENT_TEST" in os.environ,  # this is it
    r"sh tests/fuzz/run\.sh": lambda command: "tests/fuzz/run.sh" in
    (ROOT / "tests/run.sh").read_text(),
    r"sh docs/quickstart\.sh$": lambda command: callable(test_the_quick_start),
    r"journalctl .*MESSAGE_ID=": terminations_by_message_id,
    r"journalctl OSQUERY_WATCHDOG_NAME=worker$": lambda command:
    '"OSQUERY_WATCHDOG_NAME": "worker"' in (ROOT / "tests/root/test_journal.py").read_text(),
    r"(apt-get|dpkg|osquery-watchdog|systemctl|cmake|sh docs/packages\.sh) ": in_the_package_tests,
}


class Sandbox:
    """A directory that stands for /, with osquery's flags and a history."""

    def __init__(self, directory):
        self.directory = directory
        self.programs = directory / "programs"
        for name in ("etc", "programs", "state", "run"):
            (directory / name).mkdir(mode=0o700)
        (directory / "etc" / "osquery.flags").write_text(
            f"--extensions_socket={directory}/em\n--extensions_autoload=/dev/null\n")
        # Another host's history, and our own.
        other = directory / "from-that-host"
        other.mkdir(mode=0o700)
        subprocess.run([BUILD / "tests" / "make-history", other, "6"], check=True)
        shutil.copytree(other, directory / "state", dirs_exist_ok=True)
        shutil.copytree(other, directory / "run", dirs_exist_ok=True)
        options = f"--state_dir={directory}/state --runtime_dir={directory}/run"
        for name in ("osquery-watchdogd", "osquery-watchdogctl"):
            self.program(name, f'exec {BUILD}/bin/{name} {options} "$@"')
        self.program("osquery-watchdog.ext", f'exec {BUILD}/bin/osquery-watchdog.ext "$@" {options}')

    def program(self, name, body):
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def substitute(self, text):
        installed = {"osquery-watchdogd -- ": "osquery-watchdogd --check -- ",
                     "/opt/osquery/bin/osqueryd": f"{STAND_IN}/osqueryd",
                     "/etc/osquery/": f"{self.directory}/etc/",
                     "/var/osquery/osquery.em": f"{self.directory}/em",
                     "/usr/libexec/osquery-watchdog/": f"{self.programs}/",
                     "/srv/": f"{self.directory}/",
                     "/tmp/": f"{self.directory}/",
                     "$PWD/build": str(BUILD),
                     "build/tests/": f"{BUILD}/tests/",
                     "=DIR": f"={self.directory}/from-that-host",
                     "--html ": f"--html {self.directory}/"}
        return re.sub("|".join(map(re.escape, installed)), lambda found: installed[found[0]], text)

    def environment(self):
        path = f"{self.programs}:{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("PYTEST")}
        return {**inherited, "PATH": path, MARK: str(self.directory)}

    def shell(self, text):
        return subprocess.Popen(["sh", "-ec", text], cwd=ROOT, env=self.environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, text):
        """Of lines that end in `&` each runs on; the others are tried until they succeed, for they
        need those."""
        if not re.search(r" &$", text, re.M):
            self.expect(text)
            return
        running = []
        try:
            for line in text.splitlines():
                if line.endswith(" &"):
                    running.append(self.shell("exec env " + line.removesuffix(" &")))
                else:
                    self.expect(line, patience=PATIENCE)
        finally:
            for process in running:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def expect(self, text, patience=0):
        deadline = time.monotonic() + patience
        while True:
            process = self.shell(text)
            said = process.communicate(timeout=4 * PATIENCE)[0]
            # 3: --check warns, perhaps of the machine.
            if process.returncode == 0 or (process.returncode == 3 and " --check " in text):
                return
            assert time.monotonic() < deadline, f"{text}\n{process.returncode}: {said}"
            time.sleep(0.1)


@pytest.fixture
def sandbox(directory):
    return Sandbox(directory)


@pytest.mark.parametrize("path, body", blocks("sh") + examples())
def test_commands_run(sandbox, directory, path, body):
    if body.startswith("#!"):  # an extension of one's own, as osquery would start it
        program = sandbox.programs / "own.ext"
        program.write_text(sandbox.substitute(body))
        program.chmod(0o755)
        body = "own.ext --version"
    # One command after the other, as they are typed; SQL may have several lines.
    commands = re.split(r"\n(?=\S)", body.strip().replace("\\\n", ""))
    here = []
    for command in commands:
        if checks := [check for pattern, check in ELSEWHERE.items() if re.match(pattern, command)]:
            assert all(check(command) for check in checks), command
        else:
            here.append(sandbox.substitute(command))
    if here and here[0].startswith("osquery-watchdog.ext --socket"):  # it runs on, and serves
        here = [f"OSQUERY_WORKER=1 {STAND_IN}/osqueryd --extensions_socket={directory}/em &",
                here[0] + " &",
                f"{STAND_IN}/stand-in-query --socket {directory}/em 'SELECT * FROM watchdog_events'"]
    if here:
        sandbox.run("\n".join(here))


def test_the_quick_start(directory):
    """In this build, as WATCHDOG_BUILD_DIR has it."""
    done = subprocess.run(["sh", "docs/quickstart.sh"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "WATCHDOG_BUILD_DIR": str(BUILD),
                               "TMPDIR": str(directory)}, timeout=10 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("process_terminated", "memory", "watchdog_started"):
        assert shown in done.stdout
    assert list(directory.iterdir()) == []  # nothing is left
