"""Adds up JUnit result files and prints "[LABEL] N passed, N failed"; a skipped test counts as failed.

Usage: count.py LABEL FILE…   Exits with 1 when anything failed or a file is missing.
"""

import sys
import xml.etree.ElementTree as ElementTree


def main():
    label, paths = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    for path in paths:
        for case in ElementTree.parse(path).iter("testcase"):
            bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
            failed += bad
            passed += not bad
    print(f"{label} {passed} passed, {failed} failed".strip())
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
