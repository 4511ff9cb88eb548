"""What the console owns of the content, version by version: keyword sets, and replies of programs.

The newest version of a name is its content; where it is empty, the name was reverted to its file.
Versions are never changed and never removed.
"""

from __future__ import annotations

import difflib
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from smsgate.domain.errors import NotFound, SmsGateError
from smsgate.records import Records
from smsgate.records.database import lookup, upsert
from smsgate.records.reader import rows_of
from smsgate.records.tables import content_versions

ContentKind = Literal["keywords", "replies"]
_MAX_VERSION = 2**31 - 1
"""Above every version, and still a number for every database."""
_MAX_NOTE_CHARACTERS = 500
_MAX_SHOWN = 200
"""Versions of a name that are shown, the newest."""


class ContentChanged(SmsGateError):
    """Somebody else has saved the same keyword set or replies meanwhile; nothing was saved."""

    status = 409


@dataclass(frozen=True, slots=True)
class ContentVersion:
    """One version of a keyword set, or of all replies of a program, as it was saved."""

    name: str
    """Of the set or the program."""
    version: int
    """From 1 on, without gaps."""
    content: str
    """TOML, as in a file; empty where it was reverted."""
    author: str
    saved_us: int
    note: str = ""


_table = content_versions
_versions = select(*[_table.c[name] for name in ContentVersion.__slots__])


class ContentVersions:
    """The versions of one kind of content. Every method raises ``RecordsUnavailable``."""

    def __init__(self, records: Records, kind: ContentKind) -> None:
        self._database = records.database
        self._kind = kind

    def newest(self) -> list[ContentVersion]:
        """Return the newest version of every name, by name; nothing without records."""
        later = _table.alias()
        same = (later.c.kind == _table.c.kind) & (later.c.name == _table.c.name)
        newest = select(func.max(later.c.version)).where(same).scalar_subquery()
        wanted = (_table.c.kind == self._kind) & (_table.c.version == newest)
        return self._read(_versions.where(wanted).order_by(_table.c.name))

    def of(self, name: str, limit: int) -> list[ContentVersion]:
        """Return the versions of a name, newest first."""
        query = _versions.where(self._is(name)).order_by(_table.c.version.desc())
        return self._read(query.limit(limit))

    def content_of(self, name: str, number: int) -> str:
        """Return the content of a version; of 0 it is empty. Raises ``NotFound``."""
        if number == 0:
            return ""
        wanted = _table.c.version == min(number, _MAX_VERSION)
        found = self._read(_versions.where(self._is(name), wanted))
        if not found:
            raise NotFound(f"{name} has no version {number}")
        return found[0].content

    def add(
        self, name: str, content: str, base: int, author: str, note: str = ""
    ) -> ContentVersion:
        """Add a content as the version after ``base``, which the author saw, and return it.

        Raises ``ContentChanged`` where somebody else has added one meanwhile; nothing is written
        then.
        """
        content = f"{content.strip()}\n" if content.strip() else ""
        note = note.strip().replace("\0", "\N{REPLACEMENT CHARACTER}")[:_MAX_NOTE_CHARACTERS]
        now_us = time.time_ns() // 1000
        saved = ContentVersion(lookup(name), base + 1, content, lookup(author), now_us, note)
        with self._database.writing() as connection:
            newest = connection.scalar(select(func.max(_table.c.version)).where(self._is(name)))
            adding = upsert(connection, _table).values(kind=self._kind, **asdict(saved))
            # PostgreSQL lets two add the same version at once: the conflict stops the second.
            added = base == (newest or 0) and connection.scalar(
                adding.on_conflict_do_nothing().returning(_table.c.version)
            )
        if not added:
            raise ContentChanged(
                f"Someone else saved {name} while you worked on version {base}. Look at what is "
                "there now, and save again."
            )
        return saved

    def _is(self, name: str) -> ColumnElement[bool]:
        return (_table.c.kind == self._kind) & (_table.c.name == lookup(name))

    def _read(self, query: Select[Any]) -> list[ContentVersion]:
        return [ContentVersion(*row) for row in rows_of(self._database, query)]


def content_mark(records: Records) -> int:
    """Return how many versions there are of all content: another number tells of a new one.

    0 where there are no records yet. Raises ``RecordsUnavailable``.
    """
    found = rows_of(records.database, select(func.count()).select_from(_table))
    return int(found[0][0]) if found else 0


class DiffLine(NamedTuple):
    """One line of a comparison of two versions."""

    kind: str
    """``added``, ``removed``, ``same``, or ``gap`` where lines are left out."""
    text: str

    @property
    def sign(self) -> str:
        """The mark of a unified diff."""
        return {"added": "+", "removed": "-", "same": " "}.get(self.kind, "…")


def compare_texts(before: str, after: str) -> list[DiffLine]:
    """Return what changed, with three lines around it; nothing where nothing did."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    kinds = {"+": "added", "-": "removed", "@": "gap", " ": "same"}
    lines = [DiffLine(kinds[line[0]], line[1:]) for line in list(found)[2:]]
    return [DiffLine("gap", "") if line.kind == "gap" else line for line in lines][1:]


def read_history(
    versions: ContentVersions, name: str
) -> list[tuple[ContentVersion, list[DiffLine]]]:
    """Return the newest versions of a name, newest first, each with what it changed.

    Raises ``RecordsUnavailable``.
    """
    found = versions.of(name, _MAX_SHOWN + 1)
    before = [*(one.content for one in found[1:]), ""]
    changes = [compare_texts(old, one.content) for one, old in zip(found, before, strict=False)]
    return [*zip(found, changes, strict=True)][:_MAX_SHOWN]
