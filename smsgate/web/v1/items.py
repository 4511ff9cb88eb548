"""Calls that carry one item or many: the same for suppressions and consents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from smsgate.errors import SmsGateError
from smsgate.gateway.amending import enter
from smsgate.messages import Added, Entry
from smsgate.web.problems import reason_of
from smsgate.web.v1.operations import Call, Outcome
from smsgate.web.v1.shapes import Accepted, ItemResult, Items


class Item(Protocol):
    """What every item has."""

    @property
    def number(self) -> str:
        """As it was given."""

    @property
    def correlation_id(self) -> str:
        """The caller's own name of it."""


def enter_one(call: Call, entry: Entry) -> Outcome:
    """Enter the only item of a call. Raises what refuses it."""
    (found,) = enter(call.gateway.store, call.gateway.wakes, [entry])
    if isinstance(found, SmsGateError):
        raise found
    return 202, Accepted(found.id)


def enter_many(
    call: Call, items: Sequence[Item], changes: Sequence[Entry | SmsGateError]
) -> Outcome:
    """Enter all items that can be; says of each what became of it."""
    found = enter(call.gateway.store, call.gateway.wakes, changes)
    results = [_result(item, one) for item, one in zip(items, found, strict=True)]
    counts = Counter(one.status for one in results)
    return 200, Items(counts["accepted"], counts["duplicate"], counts["refused"], results)


def _result(item: Item, found: Added | SmsGateError) -> ItemResult:
    number, correlation = item.number, item.correlation_id
    if isinstance(found, SmsGateError):
        why = {"reason": reason_of(found), "detail": str(found)}
        return ItemResult(number, "refused", correlation, **why)
    if found.duplicate:
        return ItemResult(number, "duplicate", correlation)
    return ItemResult(number, "accepted", correlation, found.id)
