"""How values look on a page."""

from __future__ import annotations

import pytest

from smsgate.web.console.template_filters import many, wording


@pytest.mark.parametrize(
    ("keyword", "shown"),
    [
        ("STOP", "STOP"),
        ("a$$ ^ {", "a$$ ^ {"),
        ("{no} ~1 {more} ~2 {msg}", "no … more … msg"),
        ("^{stop|quit} texting$", "stop/quit texting"),
        ("phrase {no} ~12 more", "phrase no … more"),
        ("", ""),
    ],
)
def test_wordings_are_shown_without_their_signs(keyword, shown):
    assert wording(keyword) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 days"), (1, "1 day"), (30, "30 days"), (3_000, "3,000 days")]
)
def test_one_of_something_is_not_many(count, shown):
    assert many(count, "day") == shown
