"""From a cell to a number, or to the reason why it is none."""

from __future__ import annotations

import pytest

from smsgate.features.lists.rows import REASONS, read_number

US = "+14155550123"
UK = "+447700900123"


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        (US, "", US),
        (" +1 (415) 555-0123 ", "", US),
        ("+1\N{NO-BREAK SPACE}415 555\N{NON-BREAKING HYPHEN}0123", "", US),
        ("\N{LEFT-TO-RIGHT MARK}+14155550123\N{POP DIRECTIONAL FORMATTING}", "", US),
        ("tel:+1-415-555-0123", "", US),
        ("4155550123", "US", US),
        ("415.555.0123", "CA", US),
        ("1 415 555 0123", "US", US),
        ("'+14155550123", "", US),
        ('="+14155550123"', "", US),
        ("=+14155550123", "", US),
        ("14155550123.0", "US", US),
        ("07700 900123", "GB", UK),
        ("+44 (0)7700 900123", "", UK),
        ("+44 07700 900123", "", UK),
        ("00447700900123", "", UK),
        ("0044 7700 900123", "US", UK),
        ("+１４１５５５５０１２３", "", US),
        ("+1\udca0415\udca0555\udca00123", "", US),  # Latin-1's space, read as UTF-8
    ],
)
def test_what_people_and_spreadsheets_write_is_read(cell, region, number):
    assert read_number(cell, region) == (number, "")


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        ("", "US", "empty"),
        ("  \N{NO-BREAK SPACE}", "US", "empty"),
        ("n/a", "US", "letters"),
        ("--", "US", "not_a_number"),
        ("1-800-FLOWERS", "US", "letters"),
        ("=cmd|' /C calc'!A0", "US", "formula"),
        ("=1+2", "US", "formula"),
        ("@SUM(A1)", "US", "formula"),
        ("+cmd|calc", "US", "formula"),
        ("4.15555E+09", "US", "rounded"),
        ("1,41555E+10", "US", "rounded"),
        ("415 555 0123 x12", "US", "extension"),
        ("+1 415 555 0123 ext. 4", "", "extension"),
        ("+14155550123,12", "", "extension"),
        ("+14155550123;ext=7", "", "extension"),
        ("+14155550123#9", "", "extension"),
        ("+14155550123/+14155550124", "", "two_numbers"),
        ("4155550123 or 4155550124", "US", "two_numbers"),
        ("+14155550123+14155550124", "", "two_numbers"),
        ("+14155550123\n+14155550124", "", "two_numbers"),
        ("4155550123 4155550124", "US", "too_long"),
        ("4155550123", "", "no_country"),
        ("07700900123", "US", "not_a_number"),
        ("+1415555012", "", "not_a_number"),
        ("+9991234567890", "", "not_a_number"),
        ("21610", "US", "too_short"),
        ("x" * 1000, "US", "letters"),
    ],
)
def test_what_is_no_number_says_why(cell, region, reason):
    assert read_number(cell, region) == ("", reason)
    assert reason in REASONS


def test_numbers_that_have_their_country_and_no_plus_are_read_where_the_export_writes_them_so():
    for cell, number in (("14155550123", US), ("447700900123", UK)):
        assert read_number(cell, international=True) == (number, "")
    assert read_number("14155550123") == ("", "no_country")
