#!/bin/sh
# Builds everything and runs all tests; the last line is "N passed, N failed".
# Usage: sh tests/run.sh [--sanitize] [--long]
#   --sanitize  the same tests on a build with AddressSanitizer and UndefinedBehaviorSanitizer
#   --long      long simulations, storms and fuzzing too
set -eu
cd "$(dirname "$0")/.."

build=build
sanitize=OFF
WATCHDOG_LONG=""
for option in "$@"; do
  case "$option" in
    --sanitize) build=build-sanitize sanitize=ON ;;
    --long) WATCHDOG_LONG=1 ;;
    *) echo "run.sh: unknown option $option (expected --sanitize or --long)" >&2; exit 2 ;;
  esac
done
export WATCHDOG_LONG

sh docs/packages.sh test
umask 022 # osquery refuses programs that others may write
cmake -S . -B "$build" -DWATCHDOG_TESTS=ON -DWATCHDOG_SANITIZE=$sanitize >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
rm -f "$build.log"

export ASAN_OPTIONS="detect_leaks=1:exitcode=99"
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"
export WATCHDOG_BUILD_DIR="$PWD/$build"
results="$PWD/$build/results"
rm -rf "$results"
mkdir -p "$results"

failed=0
ctest --test-dir "$build" --timeout 300 -j "$(nproc)" --output-on-failure --no-tests=error \
  --output-junit "$results/unit.xml" >"$results/unit.log" 2>&1 || { failed=1; cat "$results/unit.log"; }
python=/usr/bin/python3 # Debian's: it has the packages
# valgrind can't run what the sanitizers are linked to; they find the same in that build.
[ $sanitize = OFF ] || without_valgrind=--ignore=tests/integration/test_valgrind.py
$python -m pytest -q -p no:cacheprovider -n 4 tests/integration ${without_valgrind-} \
  --junitxml="$results/integration.xml" || failed=1
# Tests that need root are a suite of their own.
if [ "$(id -u)" -eq 0 ]; then
  $python -m pytest -q -p no:cacheprovider -n 2 tests/root --junitxml="$results/root.xml" || failed=1
  $python tests/count.py root: "$results/root.xml" || failed=1
  # Debian's build of it: no sanitizers.
  if [ $sanitize = OFF ]; then
    $python -m pytest -q -p no:cacheprovider tests/package --junitxml="$results/package.xml" || failed=1
    $python tests/count.py package: "$results/package.xml" || failed=1
  fi
else
  echo "tests/root and tests/package are not run: they need root"
fi
# It has sanitizers of its own, so that once is enough.
if [ $sanitize = OFF ]; then
  sh tests/fuzz/run.sh "${WATCHDOG_LONG:+300}" || failed=1
fi
if [ -n "$WATCHDOG_LONG" ]; then
  for simulation in simulation observe-simulation; do
    "$build/tests/simulation/$simulation" --steps 10000000 >"$results/$simulation.log" 2>&1 ||
      { failed=1; cat "$results/$simulation.log"; }
  done
fi
$python tests/count.py "" "$results/unit.xml" "$results/integration.xml" || failed=1
exit $failed
