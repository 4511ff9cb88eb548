"""Numbers that no text reaches, by what providers told of texts of ours."""

from __future__ import annotations

from collections.abc import Mapping

from smsgate.pipeline import history
from smsgate.records import Records
from smsgate.store import Store

LANDLINE, DEAD = "landline", "dead"
_KIND = "unreachable"
_LANDLINES = ("landline", "no mobile number")
_DEAD = (
    "no longer in use", "unknown", "no such number", "not allocated", "not valid",
    "no phone number", "no number that can be texted", "out of service for good",
    "no network has such", "does not know the number", "for good",
)  # fmt: skip
"""What our adapters note of reports that are final; a handset that is off is no such thing."""
_OFTEN = 3
"""So many other reports, over ``_SPAN_US`` at least, are final too."""
_SPAN_US = 7 * 86_400_000_000


def unreachable(store: Store, records: Records) -> Mapping[int, str]:
    """By number (digits of E.164) why no text reaches it: ``landline`` or ``dead``.

    A number that texted us after the newest report is not among them. Raises
    ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``.
    """
    why: dict[str, str] = {}
    others: dict[str, list[int]] = {}
    newest: dict[str, int] = {}
    for event in history.of_kind(store, records, _KIND):
        note = event.entry.decision.note if event.entry is not None else ""
        newest[event.number] = event.received_us
        found = _final(note)
        if found:
            why[event.number] = found
            continue
        times = others.setdefault(event.number, [])
        times.append(event.received_us)
        if len(times) >= _OFTEN and times[-1] - times[0] >= _SPAN_US:
            why.setdefault(event.number, DEAD)
    texted = records.lists.texted_us(_KIND) if why else {}
    return {
        int(number[1:]): reason
        for number, reason in why.items()
        if number[1:].isdigit() and texted.get(number, 0) <= newest[number]
    }


def _final(note: str) -> str:
    if any(words in note for words in _LANDLINES):
        return LANDLINE
    return DEAD if any(words in note for words in _DEAD) else ""
