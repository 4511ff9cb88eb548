"""A number is found in whatever way somebody writes it."""

from __future__ import annotations

import pytest

from smsgate.features.numbers.search import MAX_WORDS, candidates, words_of

US, GB = "+14155550123", "+442079460123"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+14155550123", US),
        ("(415) 555-0123", US),
        ("415.555.0123", US),
        ("1 415 555 0123", US),
        ("14155550123", US),
        ("001 415 555 0123", US),
        ("tel:+1-415-555-0123", US),
        ("TEL:+1-415-555-0123;ext=5", US),
        ("<tel:+14155550123>", US),
        ("sms:+14155550123?body=hi", US),
        (" \t+1 415 555 0123\r\n", US),
        ("＋１４１５５５５０１２３", US),
        ("+44 (0)20 7946 0123", GB),
        ("0044 20 7946 0123", GB),
        ("442079460123", GB),
    ],
)
def test_ways_of_writing_it(written, number):
    assert candidates(written, ["US"])[0].number == number


def test_what_is_written_without_a_country_may_be_in_each_region():
    found = candidates("079 123 45 67", ["US", "CH", "FR"])
    assert [(one.number, one.how) for one in found] == [
        ("+41791234567", "as it is dialled in CH"),
        ("+33791234567", "as it is dialled in FR"),
        ("+10791234567", "as it is dialled in US"),  # which no network has
    ]


def test_each_number_is_offered_once():
    found = candidates("4155550123", ["US", "CA"])
    assert [one.number for one in found] == [US]


@pytest.mark.parametrize(
    "written", ["", "STOP", "someone@example.com", "12", "+", "9" * 200, "tel:"]
)
def test_what_is_no_number_is_none(written):
    assert candidates(written, ["US"]) == []


def test_words_are_taken_once_and_not_without_end():
    assert words_of(' stop  "STOP" stop\n') == ["stop", "STOP"]
    assert len(words_of(" ".join(map(str, range(99))))) == MAX_WORDS
    assert words_of(' "\\" ') == []
