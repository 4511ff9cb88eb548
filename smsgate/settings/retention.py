"""``[retention]``: how long what is kept of which kind stays."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AliasGenerator, BeforeValidator, ConfigDict

_SPAN = re.compile(r"(\d{1,4}) (day|week|month|year)s?")
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.2425 / 12, "year": 365.2425}


def span_us(text: object) -> int | None:
    """``"5 years"`` in microseconds; None for ``"forever"``. Raises ``ValueError``."""
    if text == "forever":
        return None
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None or not int(found[1]):
        raise ValueError('write it as "90 days", "5 years" or "forever"')
    return int(int(found[1]) * _DAYS[found[2]] * 86_400_000_000)


def _period_us(text: object) -> int:
    with suppress(ValueError):
        if found_us := span_us(text):
            return found_us
    raise ValueError(
        'ordinary texts are kept for a period: write it as "90 days" or "2 years", or leave the '
        "key out to keep them no longer than the store does"
    )


Span = Annotated[int | None, BeforeValidator(span_us)]
_90_DAYS, _5_YEARS = span_us("90 days"), span_us("5 years")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events stay, in microseconds; None is for ever.

    Evidence of consent and opt-out: five years (47 CFR 64.1200(d)(6), 16 CFR 310.5, German UWG 7a);
    raw texts that asked for nothing, and what passed between subscribers and applications: short.
    A suppression never ends, nor what it rests on.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: name.removesuffix("_us")),
        extra="forbid",
    )

    texts_us: Span = _90_DAYS
    """Texts of events whose text is no evidence."""
    opt_out_us: Span = _5_YEARS
    opt_in_us: Span = _5_YEARS
    consent_us: Span = _5_YEARS
    lock_us: Span = None
    review_us: Span = _5_YEARS
    help_us: Span = _5_YEARS
    reply_us: Span = _5_YEARS
    unrouted_us: Span = _5_YEARS
    ordinary_us: Span = _90_DAYS
    others_us: Span = _5_YEARS
    conversations_us: Annotated[int, BeforeValidator(_period_us)] = 0
    """How long ordinary texts are kept beyond the sample log; 0 where they are not."""


BY_DEFAULT = Retention()
