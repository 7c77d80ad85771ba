"""The fixtures that all tests here share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
pytest.register_assert_rewrite("harness")

from harness import directory, stand_in, watchdog  # noqa: E402,F401
