"""Times that a signature covers: read, written, and held against a window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.domain.errors import SignatureExpired
from smsgate.domain.signed_times import check_time, instant_us, iso_time

NOW_US = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2026-09-21T14:13:20Z", NOW_US),
        ("2026-09-21T14:13:20", NOW_US),
        ("2026-09-21T16:13:20.000+0200", NOW_US),
        ("2026-09-21T14:13:20.220+0000", NOW_US + 220_000),
        ("2026-09-21 14:13:20.285574+00:00", NOW_US + 285_574),
        ("2026-09-21T14:13:20.2855749+00:00", NOW_US + 285_574),
        ("1969-12-31T23:59:59Z", -1_000_000),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139_000_000),
        ("", None),
        ("yesterday", None),
        ("2026-13-01T00:00:00Z", None),
        ("1790000000", None),
    ],
)
def test_a_time_is_read_with_any_offset_and_any_number_of_digits(text, us):
    assert instant_us(text) == us


@given(st.integers(0, 250_000_000_000))
def test_a_time_that_was_written_is_read_back(ms):
    assert instant_us(iso_time(ms * 1000)) == ms * 1000


@given(st.text())
def test_no_text_breaks_the_reading(text):
    assert isinstance(instant_us(text), int | None)


def test_a_time_may_be_late_and_early_by_different_spans():
    check_time(NOW_US - 60_000_000, NOW_US, past_s=60, future_s=1)
    check_time(NOW_US + 1_000_000, NOW_US, past_s=60, future_s=1)
    for signed_us in (NOW_US - 60_000_001, NOW_US + 1_000_001):
        with pytest.raises(SignatureExpired):
            check_time(signed_us, NOW_US, past_s=60, future_s=1)
