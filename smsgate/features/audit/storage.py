"""Reads what staff did from the tables that have it, newest first, a page at a time.

Sign-ins, people, keys, replies and exports are in ``operator_actions``; what was done to numbers,
reviews, lists and the records is in ``events``; keyword sets and replies are in
``content_versions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Select, String, and_, cast, or_, select
from sqlalchemy import text as sql

from smsgate.consent import event_text
from smsgate.consent.reviews import REOPENED
from smsgate.consent.transitions import REVIEWED
from smsgate.domain.languages import language_name
from smsgate.domain.signed_times import time_of
from smsgate.records.console_tables import (
    content_versions,
    operator_actions,
    shown_action,
)
from smsgate.records.database import Database, lookup
from smsgate.records.reader import EVENTS, Row, recorded_of, rows_of
from smsgate.records.tables import MANUAL_EVENTS, events

Conditions: TypeAlias = Mapping[str, ColumnElement[bool]]
GROUPS: Mapping[str, str] = {
    "sign_ins": "Sign-ins",
    "people": "People and roles",
    "keys": "API keys",
    "numbers": "Numbers",
    "reviews": "Review decisions",
    "replies": "Replies",
    "lists": "Imports",
    "exports": "Exports",
    "keywords": "Keyword sets",
    "configuration": "Configuration",
    "system": "Records and spools",
}
"""What can be filtered by, with its title."""
_SIGN_INS = (
    "signed in",
    "signed out",
    "wrong password",
    "wrong code",
    "wrong passkey",
    "tried while locked",
    "unknown name",
)
_LISTS = ("import", "import_undone", "import_file")
_UNDONE = "undone"
"""Outcome of the event of a whole list."""


class AuditPlace(NamedTuple):
    """Where a page ends: time, table and id of its last entry."""

    at_us: int
    source: int
    id: str


class AuditEntry(msgspec.Struct, frozen=True):
    """One thing that a person did."""

    at: datetime
    person: str
    """Who did it; empty where nobody has the name that was typed."""
    action: str
    number: str = ""
    """The number that it is about, as it was recorded."""
    about: str = ""
    """Another person, a file or a keyword set that it is about."""
    note: str = ""
    address: str = ""


PlacedEntry: TypeAlias = tuple[AuditPlace, AuditEntry]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; what is empty or 0 does not count."""

    person: str = ""
    group: str = ""
    """One of ``GROUPS``."""
    since_us: int = 0
    until_us: int = 0
    """Before this moment."""


@dataclass(frozen=True, slots=True)
class _Source:
    asked: Select[Any]
    at_us: ColumnElement[int]
    id: ColumnElement[str]
    person: ColumnElement[str]
    groups: Conditions
    entry: Callable[[Row], tuple[int, str, AuditEntry]]


class AuditLog:
    """The audit log. Everything raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: AuditFilter, behind: AuditPlace | None, limit: int) -> list[PlacedEntry]:
        """At most ``limit`` entries behind a place, newest first."""
        found: list[PlacedEntry] = []
        for rank, source in enumerate(_SOURCES):
            asked = _filtered(source, wanted, behind, rank)
            if asked is not None:
                ordered = asked.order_by(source.at_us.desc(), source.id.desc()).limit(limit)
                for row in rows_of(self._database, ordered):
                    at_us, id_, entry = source.entry(row)
                    found.append((AuditPlace(at_us, rank, id_), entry))
        # Stable: entries of one moment stay as the database sorts their ids.
        found.sort(key=lambda one: (-one[0].at_us, one[0].source))
        return found[:limit]


def _filtered(
    source: _Source, wanted: AuditFilter, behind: AuditPlace | None, rank: int
) -> Select[Any] | None:
    """The question for a page of one table; None where the table has nothing of the group."""
    asked = source.asked
    if wanted.group:
        if wanted.group not in source.groups:
            return None
        asked = asked.where(source.groups[wanted.group])
    if wanted.person:
        asked = asked.where(source.person == lookup(wanted.person))
    if wanted.since_us:
        asked = asked.where(source.at_us >= wanted.since_us)
    if wanted.until_us:
        asked = asked.where(source.at_us < wanted.until_us)
    if behind is None:
        return asked
    if rank > behind.source:
        return asked.where(source.at_us <= behind.at_us)
    earlier = source.at_us < behind.at_us
    if rank < behind.source:
        return asked.where(earlier)
    same = and_(source.at_us == behind.at_us, source.id < behind.id)
    # The first condition is implied; an index can use it.
    return asked.where(source.at_us <= behind.at_us, or_(earlier, same))


def _account_entry(row: Row) -> tuple[int, str, AuditEntry]:
    """Of a row of ``operator_actions``."""
    return (
        row.at_us,
        row.id,
        AuditEntry(
            at=time_of(row.at_us),
            person=row.actor,
            action=_capitalized(shown_action(row.what)),
            about=row.operator if row.operator != row.actor else "",
            note=row.note,
            address=row.address,
        ),
    )


def _event_entry(row: Row) -> tuple[int, str, AuditEntry]:
    """Of an event about a number, or about the records themselves."""
    event = recorded_of(row).event
    entry = event.entry
    result = event_text.outcome(event) if event.outcome != "applied" else ""
    notes = (result, event_text.basis(entry), entry.decision.note if entry else "")
    return (
        event.received_us,
        event.id,
        AuditEntry(
            at=time_of(event.received_us),
            person=entry.actor if entry else "",
            action=event_text.title(event),
            number=event.number,
            note="; ".join(filter(None, (*notes, "" if event.number else event.note))),
        ),
    )


def _list_entry(row: Row) -> tuple[int, str, AuditEntry]:
    """Of the event of a whole list."""
    event = recorded_of(row).event
    entry = event.entry
    undone = event.outcome == _UNDONE
    said = entry.decision.note if entry else ""
    return (
        event.received_us,
        event.id,
        AuditEntry(
            at=time_of(event.received_us),
            person=entry.actor if entry else "",
            action="Undid an import" if undone else "Imported a list",
            about="" if undone else said,
            note="; ".join(filter(None, (event.note, said if undone else ""))),
        ),
    )


def _content_entry(row: Row) -> tuple[int, str, AuditEntry]:
    """Of a saved version of a keyword set, or of the replies of a program."""
    is_set = row.kind == "keywords"
    return (
        row.saved_us,
        f"{row.kind}/{row.name}/{row.version}",
        AuditEntry(
            at=time_of(row.saved_us),
            person=row.author,
            action="Saved a keyword set" if is_set else "Saved replies",
            about=language_name(row.name) if is_set else row.name,
            note=f"version {row.version}" + (f": {row.note}" if row.note else ""),
        ),
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


_what = operator_actions.c.what
_accounts: dict[str, ColumnElement[bool]] = {
    "sign_ins": _what.in_(_SIGN_INS),
    "keys": _what.contains(" API key"),
    "replies": or_(_what.startswith("retried a "), _what.startswith("dismissed a ")),
    "exports": _what.startswith("exported "),
    "configuration": _what.startswith("sent a test "),
}
_is_review = or_(
    events.c.message_id.startswith(f"{REVIEWED}-"), events.c.message_id.startswith(f"{REOPENED}-")
)
_SOURCES = (
    _Source(
        asked=select(operator_actions),
        at_us=operator_actions.c.at_us,
        id=operator_actions.c.id,
        person=operator_actions.c.actor,
        groups=_accounts | {"people": and_(*(~one for one in _accounts.values()))},
        entry=_account_entry,
    ),
    _Source(
        # Word for word the condition of the index, or it is not used.
        asked=EVENTS.where(sql(MANUAL_EVENTS), events.c.kind.not_in(_LISTS)),
        at_us=events.c.received_us,
        id=events.c.id,
        person=events.c.actor,
        groups={
            "numbers": and_(events.c.number != "", ~_is_review),
            "reviews": _is_review,
            "system": events.c.number == "",
        },
        entry=_event_entry,
    ),
    _Source(
        asked=EVENTS.where(events.c.kind == "import_file"),
        at_us=events.c.received_us,
        id=events.c.id,
        person=events.c.actor,
        groups={"lists": events.c.kind == "import_file"},
        entry=_list_entry,
    ),
    _Source(
        asked=select(content_versions),
        at_us=content_versions.c.saved_us,
        id=content_versions.c.kind
        + "/"
        + content_versions.c.name
        + "/"
        + cast(content_versions.c.version, String),
        person=content_versions.c.author,
        groups={
            "keywords": content_versions.c.kind == "keywords",
            "replies": content_versions.c.kind == "replies",
        },
        entry=_content_entry,
    ),
)
"""In the order of entries of one moment."""
