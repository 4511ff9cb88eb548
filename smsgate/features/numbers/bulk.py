"""Calls that carry one item or many: the same for suppressions and consents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import msgspec

from smsgate.domain.errors import SmsGateError, reason_of
from smsgate.domain.messages import AddResult, Entry
from smsgate.interface.operation import Context
from smsgate.interface.requests import read_item
from smsgate.interface.schemas import MAX_ITEMS, AcceptedChange, ItemResult, ItemResults
from smsgate.pipeline.manual import RestoreRequest

RawItems = Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
"""Items as they came, so that one of another shape refuses none but itself."""
T = TypeVar("T")


class _Named(msgspec.Struct):
    """What tells an item from others, whatever else it is."""

    number: object = ""
    correlation_id: object = ""


_NAMED = msgspec.json.Decoder(_Named)


def enter_one(context: Context, entry: Entry) -> AcceptedChange:
    """Enter the only item of a call. Raises what refuses it."""
    (found,) = context.services.manual.add_each([entry])
    if isinstance(found, SmsGateError):
        raise found
    return AcceptedChange(found.id)


def enter_many(
    context: Context,
    items: Sequence[msgspec.Raw],
    decoder: msgspec.json.Decoder[T],
    change_of: Callable[[Context, T], Entry | RestoreRequest],
) -> ItemResults:
    """Enter all items that can be; says of each what became of it."""

    def change(item: msgspec.Raw) -> Entry | RestoreRequest | SmsGateError:
        try:
            return change_of(context, read_item(item, decoder))
        except SmsGateError as error:
            return error

    changes = _allowed(context, [change(item) for item in items])
    found = context.services.manual.add_each(changes)
    results = [_result(*_named(item), one) for item, one in zip(items, found, strict=True)]
    counts = Counter(one.status for one in results)
    return ItemResults(counts["accepted"], counts["duplicate"], counts["refused"], results)


def _allowed(
    context: Context, changes: Sequence[Entry | RestoreRequest | SmsGateError]
) -> list[Entry | SmsGateError]:
    """The changes with the entries of restores, which are looked into all together."""
    requests = [one for one in changes if isinstance(one, RestoreRequest)]
    entries = iter(context.services.restores.entries(requests) if requests else ())
    return [next(entries) if isinstance(one, RestoreRequest) else one for one in changes]


def _named(item: msgspec.Raw) -> tuple[str, str]:
    """Number and correlation id as they were given; empty where they are no text."""
    try:
        named = _NAMED.decode(item)
    except ValueError:  # No object, or one whose rest nobody had to read.
        return "", ""
    number, correlation = named.number, named.correlation_id
    return (
        number if isinstance(number, str) else "",
        correlation if isinstance(correlation, str) else "",
    )


def _result(number: str, correlation: str, found: AddResult | SmsGateError) -> ItemResult:
    if isinstance(found, SmsGateError):
        why = {"reason": reason_of(found), "detail": str(found)}
        return ItemResult(number, "refused", correlation, **why)
    if found.duplicate:
        return ItemResult(number, "duplicate", correlation)
    return ItemResult(number, "accepted", correlation, found.id)
