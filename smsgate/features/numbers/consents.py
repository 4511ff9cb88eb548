"""``POST /v1/consents``: put on record what people agreed to elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import Unfit
from smsgate.domain.messages import Entry
from smsgate.features.numbers.bulk import RawItems, enter_many, enter_one
from smsgate.interface.operation import Actor, Context, operation
from smsgate.interface.schemas import (
    MAX_ITEMS,
    AcceptedChange,
    CorrelationId,
    ItemResults,
    Medium,
    Number,
)
from smsgate.pipeline.manual import consent_entry

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""


Words = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S", max_length=4_000, description="What was shown or said.", examples=["Yes"]
    ),
]
Given = Annotated[datetime, msgspec.Meta(tz=True, description="When, with its zone.")]
Source = Annotated[
    str, msgspec.Meta(max_length=500, description="Where exactly: page, form, file.")
]


class ConsentItem(msgspec.Struct, forbid_unknown_fields=True):
    """One consent: 47 CFR 64.1200(f)(9) asks who agreed to what, and how."""

    number: Number
    program: str
    words: Words
    medium: Medium
    given: Given
    source: Source = ""
    actor: Actor = ""
    correlation_id: CorrelationId = ""


ConsentItems = Annotated[list[ConsentItem], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
_ITEM = msgspec.json.Decoder(ConsentItem)


class ConsentRequest(msgspec.Struct):
    """One consent, or many of them."""

    items: ConsentItem | RawItems


@operation(
    "POST /consents",
    role="agent",
    scope="write",
    by_program=True,
    body="items",
    body_schema=ConsentItem | ConsentItems,
    status={AcceptedChange: 202, ItemResults: 200},
    example={},
)
def record_consents(context: Context, request: ConsentRequest) -> AcceptedChange | ItemResults:
    """Put consents on record that were given elsewhere: one, or many. None lifts an opt-out."""
    if isinstance(request.items, ConsentItem):
        return enter_one(context, _entry(context, request.items))
    return enter_many(context, request.items, _ITEM, _entry)


def _entry(context: Context, item: ConsentItem) -> Entry:
    context.caller.require_program(item.program)
    consent = consent_of(item.words, item.medium, item.source, item.given)
    settings = context.services.settings
    return consent_entry(
        settings, item.number, item.program, consent, "api", context.actor(item.actor)
    )


def consent_of(words: str, medium: str, source: str, given: datetime) -> Consent:
    """A consent for the record. Raises ``Unfit`` for a time that cannot be."""
    if not _EARLIEST <= given <= datetime.now(UTC) + _AHEAD:
        raise Unfit("`given` must be a time from 1990 until now, such as 2026-05-03T14:00:00Z.")
    return Consent(words, medium, source, round(given.timestamp() * 1_000_000))


OPERATIONS = (record_consents,)
