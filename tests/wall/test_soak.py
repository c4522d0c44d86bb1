"""A small soak in CI: `python -m benchmarks.soak` is the same with twenty thousand calls."""

from __future__ import annotations

import sys

import pytest

from benchmarks.soak import soak
from tests.waiting import PATIENCE_S


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="reads the process's state from /proc")
def test_calls_at_once_on_random_faults_all_end_in_time_and_leave_nothing() -> None:
    report = soak(calls=400, in_flight=32, slack_s=PATIENCE_S)

    assert report.tally.wrong == []
    assert report.leaks == []
    assert sum(report.tally.ended.values()) == 400
    assert report.tally.ended["answered"] > 200
