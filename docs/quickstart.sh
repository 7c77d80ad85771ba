#!/bin/sh
# Builds osquery-watchdog and starts it over osqueryd: the real one if it is installed, else the
# stand-in from tests/. Then the script drives the worker over its memory limit, kills the next
# worker, and shows what the two tables recorded. Everything happens in a temporary directory, which
# is removed afterwards. The build stays in build/, or in $WATCHDOG_BUILD_DIR.
#
# Usage: sh docs/quickstart.sh [--keep]
#   --keep  leave it running, and print how to query and how to stop it
set -eu
cd "$(dirname "$0")/.."

keep=no
for option in "$@"; do
  case "$option" in
    --keep) keep=yes ;;
    *) echo "quickstart.sh: unknown option $option (expected --keep)" >&2; exit 2 ;;
  esac
done

sh docs/packages.sh build
build=${WATCHDOG_BUILD_DIR:-$PWD/build}
umask 022 # because osquery refuses programs that others may write
here=$(mktemp -d)
watchdog=""
stop() {
  if [ -n "$watchdog" ]; then
    kill "$watchdog" 2>/dev/null || true
    wait "$watchdog" 2>/dev/null || true
  fi
  rm -rf "$here"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "Building …"
set -- # the tests need packages that nothing else needs
[ -f "$build/CMakeCache.txt" ] || set -- -DWATCHDOG_TESTS=OFF
if ! cmake -S . -B "$build" "$@" >"$here/build.log" 2>&1 ||
   ! cmake --build "$build" -j "$(nproc)" >>"$here/build.log" 2>&1; then
  cat "$here/build.log" >&2
  exit 1
fi

bin=$build/bin
stand_in=$build/tests/stand-in
osqueryd=$stand_in/osqueryd
for installed in /opt/osquery/bin/osqueryd /usr/bin/osqueryd /usr/local/bin/osqueryd; do
  [ -x "$installed" ] && osqueryd=$installed && break
done

# osqueryd's own flags, as on any host: limits, socket, extensions.
cp "$stand_in/stand-in.ext" "$here/example.ext"
echo "$here/example.ext" >"$here/extensions.load"
cat >"$here/osquery.flags" <<EOF
--extensions_socket=$here/osquery.em
--extensions_autoload=$here/extensions.load
--pidfile=$here/osqueryd.pidfile
--database_path=$here/osquery.db
--logger_path=$here
--config_path=$here/osquery.conf
--watchdog_memory_limit=60
--watchdog_delay=0
--watchdog_forced_shutdown_delay=1
--watchdog_max_delay=1
EOF
echo '{}' >"$here/osquery.conf"

ctl() {
  "$bin/osquery-watchdogctl" --state_dir="$here/state" --runtime_dir="$here/run" "$@"
}
ask() { # asks the worker over Thrift, as osqueryi and Fleet do
  "$stand_in/stand-in-query" --socket "$here/osquery.em" "$1"
}
count() { # the number of events that match a condition
  ctl --csv query "SELECT count(*) FROM watchdog_events WHERE $1" 2>/dev/null | tail -n 1
}
wait_for() { # WHAT COMMAND…: repeats the command until it succeeds, for at most half a minute
  what=$1; shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$watchdog" 2>/dev/null; then
      echo "quickstart.sh: $what did not happen; the watchdog said:" >&2
      cat "$here/log" >&2
      exit 1
    fi
    sleep 0.1
  done
}
happened() { [ "$(count "$1")" -ge "$2" ]; }
# The first line names the column. Until the table shows the new worker, it may show the dead one.
new_worker() {
  worker=$(ctl --csv query "SELECT pid FROM watchdog_processes WHERE name = 'worker' AND state = 'running'
                            AND pid NOT IN (SELECT pid FROM watchdog_events WHERE event = 'process_terminated')" | sed -n 2p)
  [ -n "$worker" ]
}

echo "Starting osquery-watchdogd over $osqueryd …"
"$bin/osquery-watchdogd" --state_dir="$here/state" --runtime_dir="$here/run" \
  -- "$osqueryd" --flagfile="$here/osquery.flags" >"$here/log" 2>&1 &
watchdog=$!
wait_for "the tables' answering" ask "SELECT 1 FROM watchdog_processes"

echo "A query that needs more memory than the worker's limit of 60 MB …"
ask "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 600000)
     SELECT length(group_concat(hex(randomblob(500)))) FROM n" >/dev/null 2>&1 || true
wait_for "the worker's ending" happened "event = 'process_terminated'" 1
wait_for "a new worker" new_worker
wait_for "the tables' answering again" ask "SELECT 1 FROM watchdog_processes"

echo "kill -9 of the worker …"
before=$(count "event = 'process_started' AND name = 'worker'")
kill -9 "$worker"
wait_for "the worker's respawn" happened "event = 'process_started' AND name = 'worker'" $((before + 1))
wait_for "the tables' answering again" ask "SELECT 1 FROM watchdog_processes"
checked() {
  [ "$(ctl --csv query "SELECT count(footprint) FROM watchdog_processes WHERE name = 'worker'" | tail -n 1)" -eq 1 ]
}
wait_for "the new worker's first check" checked

echo
echo "Asked of osqueryd: SELECT * FROM watchdog_processes"
"$stand_in/stand-in-query" --socket "$here/osquery.em" --line \
  "SELECT * FROM watchdog_processes WHERE name = 'worker'" | grep -v '= *$'
ask "SELECT name, pid, state, restarts, terminations, footprint, memory_limit, enforced, last_exit_signal
     FROM watchdog_processes"
echo
echo "Asked of osqueryd: SELECT … FROM watchdog_events"
ask "SELECT eid, event, name, reason, measured, limit_value, signals_sent AS signals, outcome,
            exit_signal, duration_ms FROM watchdog_events"
echo
echo "The same without osquery: osquery-watchdogctl status"
ctl status
echo
echo "osquery-watchdogctl events"
ctl events

if [ "$keep" = yes ]; then
  trap - EXIT
  cat <<EOF

It goes on running, as process $watchdog. Query it:
  $bin/osquery-watchdogctl --state_dir=$here/state --runtime_dir=$here/run status
  $stand_in/stand-in-query --socket $here/osquery.em "SELECT * FROM watchdog_events"
Stop it, and remove what it left:
  kill $watchdog; while kill -0 $watchdog 2>/dev/null; do sleep 0.1; done; rm -r $here
EOF
fi
