"""SIGHUP: limits and the list of extensions change while everything runs."""

import json
import signal

from harness import NO_BACK_OFF, eventually


def reload(watchdog):
    """Returns what the log says of it."""
    before = len(watchdog.log())
    watchdog.process.send_signal(signal.SIGHUP)
    return eventually(lambda: [line for line in watchdog.log()[before:].splitlines()
                               if "reload" in line or "settings changed" in line], "a reload")[0]


def test_other_limits_hold_without_a_restart(stand_in):
    stand_in.flags(*NO_BACK_OFF, "--watchdog_memory_limit=300", "--watchdog_delay=0")
    stand_in.start()
    worker = stand_in.worker()
    eventually(lambda: stand_in.status("worker")["baseline_size"], "the worker's baseline")
    stand_in.query("SELECT misbehave('grow:400:120')")
    stand_in.flags(*NO_BACK_OFF, "--watchdog_memory_limit=60", "--watchdog_delay=0")
    assert "--watchdog_memory_limit=60 (was 300)" in reload(stand_in)
    changed = stand_in.wait_event("event = 'settings_changed'")
    assert json.loads(changed["details"]) == {
        "settings": [{"name": "watchdog_memory_limit", "old": "300", "new": "60"}],
        "extensions_added": [], "extensions_removed": []}
    exceeded = stand_in.wait_event("event = 'limit_exceeded'")
    assert (exceeded["pid"], exceeded["limit_value"]) == (worker, 60 << 20)


def test_an_option_of_ours_can_change(stand_in):
    own = stand_in.directory / "own.flags"
    own.write_text("--grace_limit=0\n")
    stand_in.flags(*NO_BACK_OFF, "--watchdog_memory_limit=30", "--watchdog_delay=0",
                   "--watchdog_forced_shutdown_delay=60")
    stand_in.start(f"--flagfile={own}")
    eventually(lambda: stand_in.status("worker")["baseline_size"], "the worker's baseline")
    stand_in.query("SELECT misbehave('ignore-term,grow:50:800')")
    stand_in.wait_event("event = 'limit_exceeded'")
    own.write_text("--grace_limit=300\n")
    assert "--grace_limit=300 (was 0)" in reload(stand_in)
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert json.loads(ended["details"])["grace_cut_at_bytes"] > 90 << 20


def test_extensions_come_and_go_beside_those_that_stay(stand_in):
    stand_in.flags(*NO_BACK_OFF)
    staying = stand_in.add_extension("staying")
    stand_in.add_extension("going")
    stand_in.start()
    kept = {name: stand_in.pid(name) for name in ("worker", "staying.ext")}
    gone = stand_in.pid("going.ext")
    stand_in.autoload.write_text(f"{staying}\n")
    stand_in.add_extension("coming")
    assert "extension added" in reload(stand_in)
    ended = stand_in.wait_event("event = 'process_terminated'")
    assert (ended["pid"], ended["reason"]) == (gone, "settings")
    stand_in.pid("coming.ext")
    eventually(lambda: stand_in.status("going.ext") is None, "it is not shown any more")
    for name, pid in kept.items():
        assert stand_in.pid(name) == pid


def test_an_extension_can_come_back(stand_in):
    stand_in.flags(*NO_BACK_OFF)
    stand_in.add_extension("one")
    stand_in.start()
    first = stand_in.pid("one.ext")
    listed = stand_in.autoload.read_text()
    stand_in.autoload.write_text("")
    reload(stand_in)
    stand_in.wait_event("event = 'process_terminated' AND reason = 'settings'")
    stand_in.autoload.write_text(listed)
    reload(stand_in)
    stand_in.pid("one.ext", other_than=first)


def test_a_broken_file_changes_nothing(stand_in):
    stand_in.flags("--watchdog_memory_limit=300")
    extension = stand_in.add_extension("one")
    stand_in.start()
    kept = {name: stand_in.pid(name) for name in ("worker", "one.ext")}
    stand_in.flags("--watchdog_memory_limit=many")
    said = reload(stand_in)
    assert "nothing is changed" in said and "watchdog_memory_limit" in said and "many" in said
    stand_in.flags("--watchdog_memory_limit=300")
    stand_in.autoload.unlink()
    stand_in.autoload.mkdir()
    assert "nothing is changed" in reload(stand_in)
    stand_in.autoload.rmdir()
    stand_in.autoload.write_text(f"{extension}\n")
    assert "nothing has changed" in reload(stand_in)
    assert stand_in.events("event = 'settings_changed'") == []
    for name, pid in kept.items():
        assert stand_in.pid(name) == pid


def test_a_flood_of_hangups_is_survived(stand_in):
    stand_in.start()
    worker = stand_in.worker()
    for _ in range(200):
        stand_in.process.send_signal(signal.SIGHUP)
    reload(stand_in)
    assert stand_in.worker() == worker
    assert stand_in.stop() == 0
