#!/bin/sh
# Installs the Debian packages that this project needs and that are missing.
# Usage: sh docs/packages.sh build|package|test
set -eu

build="gcc libc6-dev cmake make pkg-config libglib2.0-dev libthrift-c-glib-dev thrift-compiler libsqlite3-dev libedit-dev"
package="dpkg-dev file"
# The unit tests are in C++ (GTest). The integration tests are in Python, with Python's own Thrift.
tests="g++ libgtest-dev python3 python3-pytest python3-pytest-xdist python3-thrift python3-six python3-yaml mandoc chromium fonts-dejavu-core valgrind clang libclang-rt-14-dev"
# The tests of the Debian package install it on a clean machine.
tests="$tests $package debootstrap systemd-container lintian bash-completion shellcheck"

case "${1-}" in
  build) wanted="$build" ;;
  package) wanted="$build $package" ;;
  test) wanted="$build $tests" ;;
  *) echo "usage: sh docs/packages.sh build|package|test" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null || {
  echo "packages.sh: this is not Debian (no dpkg-query); install the equivalents of: $wanted" >&2
  exit 1
}
missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=""
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "packages.sh: missing packages, and neither root nor sudo to install them; as root, run:" >&2
  echo "  apt-get install$missing" >&2
  exit 1
fi
echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # lists of words
if ! $as_root apt-get update -q >"$log" 2>&1 ||
   ! $as_root env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
  cat "$log" >&2
  echo "packages.sh: apt-get failed; install by hand:$missing" >&2
  exit 1
fi
