"""The short form: every kind of fault once, and everything that is promised afterwards."""

from __future__ import annotations

import pytest

from tests.faults.run import Plan, run

SHORT = Plan(
    seconds=1, seed=7, numbers=120, rate=80, gap_s=0.1, longest_s=1.5, hurry=True, drain_s=120
)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_let_through_whatever_is_broken(tmp_path, groups):
    result = run(SHORT, tmp_path, groups, print)

    assert result.violations == []
    assert len(result.faults) >= 12
    assert result.faults.total() >= 12
    assert result.counts["acknowledged messages"] > 200
    assert result.counts["answers 503"] > 0
    assert result.gate.total() > 100
