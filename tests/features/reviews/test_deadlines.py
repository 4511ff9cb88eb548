"""Until when a text has to be decided."""

from __future__ import annotations

import pytest

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.features.reviews.queue import time_left


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (59, "59 min left"),
        (61, "61 min left"),
        (49 * 60, "2 d left"),
        (-90, "90 min late"),
    ],
)
def test_time_left_in_words(minutes, said):
    now_us = REVIEW_DEADLINE_US - minutes * 60_000_000
    assert time_left(0, now_us) == said
