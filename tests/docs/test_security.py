"""The table of ASVS in SECURITY.md names tests that exist, and each requirement once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| ([\d., to]+) \| (.+) \| (.*) \|$", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE
)


def test_each_requirement_has_one_state() -> None:
    assert len(ROWS) > 80
    for _, state, tests in ROWS:
        known = re.match("(pass|not met, accepted: |not applicable: )", state)
        assert known, state
        assert tests or known[1] != "pass", state
    numbers = Counter(one for row in ROWS for one in re.split(", | to ", row[0]))
    assert numbers.most_common(1)[0][1] == 1


def test_every_test_that_is_named_exists() -> None:
    for name in re.findall(r"`(tests/[^`]+)`", " ".join(row[2] for row in ROWS)):
        path, _, test = name.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text("utf-8"), name
