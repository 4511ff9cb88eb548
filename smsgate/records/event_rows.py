"""From the rows of an event back to the event, and from those of a number to its consent state."""

from __future__ import annotations

import functools
from hashlib import sha256
from typing import Any

import msgspec

from smsgate.consent.events import NOTHING_REMEMBERED, ConsentState, Event, NumberState
from smsgate.records.database import Row
from smsgate.records.writer import TEXT_PATHS, decode_facts


def list_digest(ids: list[str]) -> str:
    """Digest of a list of event ids in any order, as hex: what a removal says that it removes."""
    return sha256("\n".join(sorted(ids)).encode()).hexdigest()


_words = msgspec.json.Decoder(dict[str, Any]).decode
_state = msgspec.json.Decoder(NumberState).decode


def event_of(facts: str, words: str | None) -> Event:
    """The event that was kept; without its texts where they were erased."""
    raw = decode_facts(facts.encode())
    for name, text in _words(words.encode()).items() if words else ():
        _put(raw, dict(TEXT_PATHS)[name], text)
    if "reply" in raw:
        raw["reply"].setdefault("text", "")  # erased
    return msgspec.convert(raw, Event)


def consent_state_of(
    everywhere: bool, opted_out: str, exceptions: str, locked: bool, consents: str, state: str
) -> ConsentState:
    """The consent state in a row of ``numbers``."""
    consent_state = _plain(bool(everywhere), opted_out, exceptions, bool(locked), consents)
    if state == NOTHING_REMEMBERED:
        return consent_state
    return msgspec.structs.replace(consent_state, state=_state(state.encode()))


@functools.lru_cache(4096)
def _plain(
    everywhere: bool, opted_out: str, exceptions: str, locked: bool, consents: str
) -> ConsentState:
    """How most numbers stand: as many others do."""
    return ConsentState(
        everywhere=everywhere,
        opted_out=frozenset(opted_out.split()),
        exceptions=frozenset(exceptions.split()),
        locked=locked,
        consents=frozenset(consents.split()),
    )


def _put(facts: Row, way: tuple[str, ...], text: object) -> None:
    *steps, last = way
    for step in steps:
        facts = facts.setdefault(step, {})
    facts[last] = text
