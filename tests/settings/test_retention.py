from __future__ import annotations

import pytest

from smsgate.pipeline.forgetting import KINDS
from smsgate.settings import Retention
from smsgate.settings.rules import span_us
from tests.settings.conftest import Read

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
    "text", ['""', '"0 days"', '"five years"', '"-1 day"', '"1.5 years"', '"1year"']
)
def test_what_is_no_span_is_told_with_what_would_be_right(read: Read, text: str) -> None:
    settings, (fault,) = read(f"[retention]\nopt_out = {text}")
    assert (fault.key, fault.problem) == (
        "retention.opt_out",
        'must be a period, such as "90 days" or "5 years", or "forever"',
    )
    assert settings.retention == Retention()


@pytest.mark.parametrize("text", ["90", "true"])
def test_a_period_without_quotes_is_told_to_be_no_text(read: Read, text: str) -> None:
    settings, (fault,) = read(f"[retention]\nopt_out = {text}")
    assert (fault.key, fault.problem) == ("retention.opt_out", "must be text in quotes")
    assert settings.retention == Retention()


def test_an_unknown_kind_is_told_with_the_nearest_one(read: Read) -> None:
    _, (fault,) = read('[retention]\noptout = "5 years"')
    assert (fault.key, fault.problem) == (
        "retention.optout",
        "there is no such key: did you mean 'opt_out'?",
    )


def test_every_kind_has_a_default_and_evidence_stays_five_years() -> None:
    assert all(hasattr(Retention(), f"{key}_us") for key in KINDS)
    assert Retention().texts_us == Retention().ordinary_us == 90 * DAY_US
    for key in ("opt_out", "opt_in", "consent", "reply", "others"):
        assert getattr(Retention(), f"{key}_us") == span_us("5 years")
    assert Retention().lock_us is None
