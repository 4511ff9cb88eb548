"""From a line of the ledger to the rows that are kept, back to the event, and the hash chain: pure.

The facts are the line as it was written, less its texts, so that what a newer smsgate wrote is
kept whole by an older one. What cannot be read as an event is kept as kind ``damaged``, whole.

A link's hash covers the hash before it, its place, the event's id and the hash of the event's
contents; so nobody can change, remove or reorder what was kept without changing every hash after
it. Texts enter by a salted digest, so that they can be erased and the chain still be checked, and
so that nobody can guess them back from what stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from typing import Any

import msgspec

from smsgate.consent.events import ConsentState, Event, consent_state_row
from smsgate.records.tables import ID, LOOKUP

FIRST = bytes(32)
"""The hash before a partition's first link."""
NO_TEXT = b""
"""The digest of an event without texts."""

_encode_link = msgspec.json.encode


def text_digest(salt: bytes, words: str) -> bytes:
    """Digest of an event's texts: ``sha256(salt + words)``."""
    return sha256(salt + words.encode()).digest()


def content_hash(columns: tuple[str | int, ...], facts: str, digest: bytes) -> bytes:
    """Hash of an event's contents: its columns, its facts as they are stored, its texts' digest."""
    return sha256((digest or FIRST) + _encode_link(columns) + b"\n" + facts.encode()).digest()


def link_hash(previous: bytes, partition: int, seq: int, event_id: str, content: bytes) -> bytes:
    """Hash of a link: ``sha256(previous + content + "<partition> <seq> <event id>")``."""
    return sha256(previous + content + f"{partition} {seq} {event_id}".encode()).digest()


DAMAGED = "damaged"
COLUMNS = (
    "id", "kind", "outcome", "number", "program", "scope", "source", "actor", "account",
    "message_id", "received_us", "applied_us", "committed_us", "sets_state",
)  # fmt: skip
"""Columns of ``events`` that the content hash covers, in this order."""

Row = dict[str, Any]
TEXT_PATHS = (
    ("text", ("entry", "text")),
    ("reason", ("entry", "decision", "note")),
    ("reply", ("reply", "text")),
    ("media", ("entry", "forward_content", "media")),
)
"""Where an event has words of people: theirs, an operator's reason, ours, and their pictures."""

_of_row = itemgetter(*COLUMNS)
_encode = msgspec.json.encode
_event = msgspec.json.Decoder(Event).decode
decode_facts = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class EventContent:
    """One event as it is kept, without its place in the chain."""

    id: str
    event: Row
    """The row of ``events``, without partition and seq."""
    text: Row | None
    """The row of ``texts``, where it has any."""
    hash: bytes
    consent_states: Mapping[str, ConsentState]
    """By number, its consent state from this event on."""
    decoded: Event
    """The event itself, with its texts."""
    listed: tuple[str, ...] = ()
    """The numbers of an imported list that it is about."""


def content_of(line: bytes, committed_us: int = 0) -> EventContent:
    """The rows of a line of the ledger (the JSON of an event); 0 where its commit is not known."""
    event = _event_or_damaged(line)
    facts = msgspec.to_builtins(event) if event.kind == DAMAGED else decode_facts(line)
    words = _take_words(facts)
    row = _columns(event) | {"committed_us": committed_us}
    text = None
    digest = NO_TEXT
    if words:
        salt, kept = secrets.token_bytes(16), _encode(words).decode()
        digest = text_digest(salt, kept)
        text = {"event_id": event.id, "salt": salt, "words": kept}
    row["text_digest"] = digest
    row["facts"] = _encode(facts).decode()
    listed = tuple(lookup(number) for group in event.listed for number in group.numbers)
    return EventContent(event.id, row, text, hash_of(row), consent_states_of(event), event, listed)


def consent_states_of(event: Event) -> dict[str, ConsentState]:
    """By number, its consent state from the event on, where the event has one."""
    if event.listed:
        return {
            lookup(number): group.consent_state
            for group in event.listed
            if group.consent_state is not None
            for number in group.numbers
        }
    number = lookup(event.number)
    return {number: event.consent_state} if event.consent_state is not None and number else {}


def id_of(line: bytes) -> str:
    """The id under which a line of the ledger is kept."""
    return _event_or_damaged(line).id


def numbers_of(line: bytes) -> set[str]:
    """The numbers of which a line of the ledger says how they stand, as they are kept."""
    return {*consent_states_of(_event_or_damaged(line))}


def hash_of(row: Row) -> bytes:
    """The content hash of a row of ``events``."""
    return content_hash(_of_row(row), row["facts"], bytes(row["text_digest"]))


def number_row(partition: int, seq: int, number: str, consent_state: ConsentState) -> Row:
    """The row of ``numbers`` for a consent state."""
    return {
        "partition": partition,
        "seq": seq,
        **consent_state_row(number, consent_state)._asdict(),
    }


def lookup(text: str) -> str:
    """A text as a key: PostgreSQL takes no NUL, and no long key."""
    if len(text) <= LOOKUP and "\0" not in text:
        return text
    return text[:LOOKUP].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _columns(event: Event) -> Row:
    entry, reply = event.entry, event.reply
    return {
        "id": event.id,
        "kind": lookup(event.kind),
        "outcome": lookup(event.outcome),
        "number": lookup(event.number),
        "program": lookup(event.program),
        "scope": lookup(event.scope),
        "source": lookup(entry.source if entry else ""),
        "actor": lookup(entry.actor if entry else ""),
        "account": lookup(entry.account if entry else reply.account if reply else ""),
        "message_id": lookup(entry.message_id if entry else ""),
        # Nobody received a reply of ours; it is looked for by when it was settled.
        "received_us": event.received_us or event.applied_us,
        "applied_us": event.applied_us,
        "sets_state": event.consent_state is not None
        or bool(event.listed and consent_states_of(event)),
    }


def _take_words(facts: Row) -> Row:
    words = {}
    for name, (*way, last) in TEXT_PATHS:
        place: Any = facts
        for step in way:
            place = place.get(step) if isinstance(place, dict) else None
        text = place.pop(last, "") if isinstance(place, dict) else ""
        if text:
            words[name] = text
    return words


def _event_or_damaged(line: bytes) -> Event:
    try:
        event = _event(line)
    except msgspec.DecodeError:
        return _damaged(line)
    return _damaged(line) if len(event.id) > ID or "\0" in event.id else event


def _damaged(line: bytes) -> Event:
    """The event for a line that cannot be read as one: it must not stop those behind it."""
    digest = sha256(line).hexdigest()
    return Event(
        id=f"{DAMAGED}-{digest[:40]}",
        kind=DAMAGED,
        outcome="recorded",
        number="",
        note=line.decode(errors="backslashreplace"),
    )
