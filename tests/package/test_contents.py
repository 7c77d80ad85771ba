"""What is in the package, and what "cmake --install" puts below a prefix."""

import pathlib
import re
import subprocess

import pytest

import harness
from harness import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_lintian_has_nothing_to_say(package):
    done = subprocess.run(["lintian", "--fail-on", "error,warning", package],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_shellcheck_has_nothing_to_say():
    scripts = [*(ROOT / "watchdog" / "package").glob("p*[!e]"),
               ROOT / "watchdog" / "systemd" / "osquery-watchdog.in", *(ROOT / "docs").glob("*.sh")]
    assert len(scripts) >= 6
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def contents(package):
    """path → (mode, owner) of each file and folder."""
    lines = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {words[5].removeprefix("."): (words[0], words[1]) for words in map(str.split, lines)}


def test_everything_is_roots_and_nobody_elses_to_write(package):
    found = contents(package)
    assert {owner for _, owner in found.values()} == {"root/root"}
    for path, (mode, _) in found.items():
        folder, program = path.endswith("/"), "bin/" in path or path.endswith(".ext")
        wanted = "drwxr-xr-x" if folder else "-rwxr-xr-x" if program else "-rw-r--r--"
        assert mode == wanted, path


def test_files_are_where_the_document_says(package):
    document = (ROOT / "docs" / "install.md").read_text()
    said = set(re.findall(r"^\| `(/usr/[^`]*)`", document, re.M))
    found = set(contents(package))
    assert len(said) > 5 and said <= found, said - found


def test_the_links_of_the_documents_hold(package, directory):
    subprocess.run(["dpkg-deb", "--extract", package, directory], check=True)
    place = directory / "usr" / "share" / "doc" / "osquery-watchdog"
    documents = list(place.rglob("*.md"))
    assert len(documents) > 10
    for document in documents:
        text = document.read_text()
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert "://" in link or (document.parent / link).is_file(), (document, link)
        for path in re.findall(r"`(docs/(?:packs|fleet)/[^`]*)`", text):
            assert (place / path).is_file(), (document, path)


def test_the_completion_offers_what_the_manual_names():
    completion = ROOT / "watchdog" / "package" / "completion" / "osquery-watchdog"
    offered = re.search(r"compgen -W '([^']*)'", completion.read_text())[1]
    manual = (ROOT / "docs" / "man" / "osquery-watchdog.8").read_text()
    synopsis = re.search(r"^.Sh SYNOPSIS\n(.*?)^.Sh", manual, re.M | re.S)[1]
    assert re.findall("[a-z]{3,}", synopsis) == re.findall("[a-z]{3,}", offered)


def test_the_control_file(package):
    fields = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True,
                            text=True).stdout
    assert re.search(r"^Version: \d+\.\d+\.\d+-1$", fields, re.M)
    assert not re.search(r"^(Depends|Recommends):.*\bosquery\b", fields, re.M)
    members = subprocess.run(["dpkg-deb", "--info", package], check=True, capture_output=True,
                             text=True).stdout
    assert "md5sums" in members


@pytest.fixture
def prefix(directory):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", directory / "prefix"], check=True,
                   stdout=subprocess.DEVNULL)
    return directory / "prefix"


def test_an_install_below_a_prefix_works(prefix, watchdog, monkeypatch):
    monkeypatch.setattr(harness, "WATCHDOGD", prefix / "bin" / "osquery-watchdogd")
    monkeypatch.setattr(harness, "CTL", prefix / "bin" / "osquery-watchdogctl")
    watchdog.start(tables=True)
    assert watchdog.event("event = 'process_started' AND role = 'extension'")["path"] == str(
        prefix / "libexec" / "osquery-watchdog" / "osquery-watchdog.ext")
    assert "worker" in watchdog.ctl("status").stdout


def test_a_prefix_is_where_the_drop_in_looks(prefix):
    drop_in = next(prefix.rglob("50-osquery-watchdog.conf"))
    assert f"ExecStart={prefix}/bin/osquery-watchdogd -- " in drop_in.read_text()
    assert f"drop_in={prefix}/share/" in (prefix / "sbin" / "osquery-watchdog").read_text()
