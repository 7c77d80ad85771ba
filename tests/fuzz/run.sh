#!/bin/sh
# Builds the fuzz targets and runs each of them; the last line is "N passed, N failed".
# Usage: sh tests/fuzz/run.sh [SECONDS]   for each target (5)
# What is found is kept in build-fuzz/found. To keep what is new in the corpora: CORPUS_GROWS=1.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-5}

build=build-fuzz
log=$build.log
# -w: warnings are for the compiler of the real build.
flags="-w -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
{
  cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS="$flags" -DWATCHDOG_TESTS=OFF \
    -DWATCHDOG_FUZZ=ON &&
    cmake --build $build -j "$(nproc)" --target context-fuzz flagfile-fuzz line-reader-fuzz message-fuzz \
      report-fuzz observe-limits-fuzz proc-event-fuzz proc-stat-fuzz
} >$log 2>&1 || { cat $log; exit 1; }
rm -f $log

# Thrift's bindings leak what they fail to read; see docs/protocol.md.
export ASAN_OPTIONS=detect_leaks=0
passed=0
failed=0
mkdir -p $build/found
for target in context flagfile line-reader message report observe-limits proc-event proc-stat; do
  mkdir -p "$build/corpus/$target"
  dictionary=""
  [ ! -f "tests/fuzz/$target.dict" ] || dictionary="-dict=tests/fuzz/$target.dict"
  # shellcheck disable=SC2086 # empty or one word
  if "$build/fuzz/$target-fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 \
      $dictionary -artifact_prefix="$build/found/$target-" -print_final_stats=1 \
      "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$build/$target.log" 2>&1; then
    passed=$((passed + 1))
    echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") executions"
  else
    failed=$((failed + 1))
    tail -40 "$build/$target.log"
  fi
  if [ -n "${CORPUS_GROWS-}" ]; then
    "$build/fuzz/$target-fuzz" -merge=1 "tests/fuzz/corpus/$target" "$build/corpus/$target" \
      >"$build/$target-merge.log" 2>&1
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
