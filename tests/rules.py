"""What every history obeys, whatever has happened to it."""

GONE, RUNNING, ENDING = "gone", "running", "ending"


def check_eids(events):
    eids = [event["eid"] for event in events]
    assert eids == sorted(set(eids)), "eids are unique and grow"


def check_history(events, complete=True):
    """@events: rows of the history by eid. @complete: none was lost or damaged; else only the last
    run is looked at as a whole."""
    check_eids(events)
    if not complete:
        check_run([event for event in events if event["run_id"] == events[-1]["run_id"]])
        return
    runs = []
    for event in events:
        if not runs or runs[-1][0]["run_id"] != event["run_id"]:
            runs.append([])
        runs[-1].append(event)
    ids = [run[0]["run_id"] for run in runs]
    assert len(ids) == len(set(ids)), "runs don't mix"
    by_eid = {event["eid"]: event for event in events}
    for event in events:
        cause = event["cause_eid"]
        assert cause is None or cause < event["eid"], event
        if cause is not None:
            assert by_eid[cause]["run_id"] == event["run_id"], event
    for run in runs:
        check_run(run)
    for run in runs[:-1]:
        assert any(event["event"] in ("watchdog_stopped", "watchdog_crashed") for event in run)


def check_run(run):
    """A run's events are in an order in which they can have happened."""
    states = {}
    crashed = False
    names = [event["event"] for event in run]
    assert names[0] in ("watchdog_started", "watchdog_crashed"), names[:3]
    assert names.count("watchdog_started") <= 1 and names.count("watchdog_crashed") <= 1
    for at, event in enumerate(run):
        what = event["event"]
        who = (event["role"], event["name"])
        state, pid, breach = states.get(who, (GONE, None, None))
        where = f"{what} of {who} (eid {event['eid']}) while {state}"
        if crashed:
            assert what == "process_terminated" and event["outcome"] == "interrupted", where
        if event["role"] == "watchdog":
            crashed = crashed or what == "watchdog_crashed"
            assert what != "watchdog_stopped" or at == len(run) - 1, where
        elif what == "process_started":
            assert state == GONE, where
            states[who] = (RUNNING, event["pid"], None)
        elif what == "limit_exceeded":
            assert (state, pid) == (RUNNING, event["pid"]), where
            states[who] = (ENDING, pid, event["eid"])
        elif what == "process_exited":
            assert state != GONE and pid == event["pid"], where
            states[who] = (GONE, None, None)
        elif what == "process_terminated":
            assert state != GONE and pid == event["pid"], where
            assert breach is None or event["cause_eid"] == breach, where
            states[who] = (GONE, None, None)
        elif what in ("spawn_failed", "respawn_delayed", "respawn_limit_reached"):
            assert state == GONE, where
