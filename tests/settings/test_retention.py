from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.settings.retention import BY_DEFAULT, DEFAULTS, KINDS, read_retention, span_us

DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1 day", 1),
        ("90 days", 90),
        ("2 weeks", 14),
        ("12 months", 365.2425),
        ("5 years", 1826.2125),
    ],
)
def test_a_span_is_written_as_people_say_it(text: str, days: float) -> None:
    assert span_us(text) == days * DAY_US


def test_for_ever_has_no_end() -> None:
    assert span_us("forever") is None


@pytest.mark.parametrize(
    "text", ["", "0 days", "five years", "-1 day", "1.5 years", 90, None, "1year"]
)
def test_what_is_no_span_is_told_with_what_would_be_right(text: object) -> None:
    kept, faults = read_retention({"opt_out": text}, "smsgate.toml")

    (fault,) = faults
    assert str(fault) == (
        'smsgate.toml: retention.opt_out: write it as "90 days", "5 years" or "forever"'
    )
    assert kept == BY_DEFAULT


def test_an_unknown_kind_is_told_with_the_known_ones() -> None:
    _, faults = read_retention({"optout": "5 years"}, "smsgate.toml")
    assert "known are consent, help" in str(faults[0])


def test_every_kind_has_a_default_and_evidence_stays_five_years() -> None:
    assert {*DEFAULTS} == {*KINDS, "texts", "others"}
    assert BY_DEFAULT.texts_us == 90 * DAY_US
    for key in ("opt_out", "opt_in", "consent", "reply", "others"):
        assert BY_DEFAULT.kinds_us[key] == span_us("5 years")
    assert BY_DEFAULT.kinds_us["lock"] is None
    assert BY_DEFAULT.kinds_us["ordinary"] == 90 * DAY_US


def test_every_key_is_in_the_operators_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [key for key in DEFAULTS if f"`{key}`" not in page] == []


def test_ordinary_texts_are_kept_only_where_a_period_is_given():
    assert BY_DEFAULT.conversations_us == 0
    kept, faults = read_retention({"conversations": "2 weeks"}, "smsgate.toml")
    assert not faults
    assert kept.conversations_us == 14 * 86_400_000_000


@pytest.mark.parametrize("text", ["forever", "", "0 days", "90", 90, True])
def test_ordinary_texts_are_not_kept_without_end(text):
    kept, faults = read_retention({"conversations": text}, "smsgate.toml")
    assert kept.conversations_us == 0
    (fault,) = faults
    assert str(fault) == (
        "smsgate.toml: retention.conversations: ordinary texts are kept for a period: write it as "
        '"90 days" or "2 years", or leave the key out to keep them no longer than the store does'
    )
