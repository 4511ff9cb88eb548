"""Comparing signatures, and secrets that are empty."""

from __future__ import annotations

import re

import pytest

from smsgate.domain.signing import hmac_base64, same


@pytest.mark.parametrize(
    ("given", "expected", "equal"),
    [
        ("abc", "abc", True),
        (b"abc", "abc", True),
        ("é", "é".encode(), True),
        ("abc", "abd", False),
        ("abc", "ab", False),
        ("", "abc", False),
        ("\ud800", "abc", False),
        ("", "", False),
        (b"", b"", False),
    ],
)
def test_signatures_are_compared_whole_and_empty_ones_equal_nothing(given, expected, equal):
    assert same(given, expected) is equal


def test_an_empty_secret_signs_nothing():
    with pytest.raises(ValueError, match=re.escape("An empty secret signs nothing.")):
        hmac_base64("", b"x", "sha1")
