"""Values that several operations take or give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.domain.signed_times import iso_time
from smsgate.pipeline.gate import GateReason, Since

MAX_REASON_CHARS = 500
Reason = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S",
        max_length=MAX_REASON_CHARS,
        description="Why, for the record.",
        examples=["by phone"],
    ),
]
Number = Annotated[str, msgspec.Meta(max_length=40, description="E.164, such as +14155550123.")]
ProgramName = Annotated[str, msgspec.Meta(max_length=200, description="A program's name.")]
Medium = Annotated[
    Literal["web", "paper", "voice", "text", "other"],
    msgspec.Meta(description="How a consent was given."),
]
MEDIA: tuple[str, ...] = get_args(get_args(Medium)[0])
SinceTime = Annotated[
    datetime | None, msgspec.Meta(description="Not before this time; without a zone, in UTC.")
]
UntilTime = Annotated[
    datetime | None, msgspec.Meta(description="Before this time; without a zone, in UTC.")
]


def reason_of(text: str) -> str:
    """Return the reason, stripped. Raises ``Unfit`` if it is empty or too long."""
    plain = text.strip()
    if not plain or len(plain) > MAX_REASON_CHARS:
        raise Unfit(
            f"Give a reason for the record, in at most {MAX_REASON_CHARS} characters.",
            field="reason",
        )
    return plain


class CheckResult(msgspec.Struct, frozen=True, gc=False):
    """What the gate says of one number."""

    number: str
    allowed: bool | None
    """null where it is no number; text on true only."""
    reason: GateReason
    since: Since


class NoFields(msgspec.Struct, forbid_unknown_fields=True):
    """Takes nothing."""


class RowChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which row of a list."""

    id: Annotated[str, msgspec.Meta(max_length=200, description="The id that the list shows.")]


class ChangedRow(msgspec.Struct, frozen=True):
    """The row that was queued again or dismissed."""

    id: str


class AcceptedChange(msgspec.Struct, frozen=True):
    """The change is stored; an opt-out and a lock block from now on."""

    id: str
    """Of the entry: partition and number in its inbox."""


def micros(at: datetime | None) -> int:
    """A time in us since 1970; 0 for none."""
    if at is None:
        return 0
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def moment(at_us: int) -> str | None:
    """A time as ISO 8601 in UTC, or null."""
    return iso_time(at_us) if at_us else None
