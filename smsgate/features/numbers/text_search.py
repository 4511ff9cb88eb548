"""Search in texts that are on record: opt-outs, opt-ins, HELP, texts for review, unrouted ones.

No index of words is kept, which would have to forget what is erased. A page looks through a bounded
number of texts, newest first, and says how far back it has looked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, or_, select

from smsgate.records import Recorded
from smsgate.records.database import Database
from smsgate.records.history import TextPlace
from smsgate.records.reader import EVENTS, recorded_of, rows_of, stream_of
from smsgate.records.tables import events, texts

SCANNED = 20_000
"""Texts that one page looks through."""
MAX_WORDS = 8
_fields = msgspec.json.Decoder(dict[str, Any]).decode
_APART = re.compile(r'[\s"\\]+')
"""Quotes and backslashes are escaped in what is stored, so that they are not searched for."""


@dataclass(frozen=True, slots=True)
class TextSearchPage:
    """Texts that contain every word, newest first."""

    found: Sequence[Recorded]
    older: TextPlace | None
    """Where the next page begins; None where every text was looked through."""


def words_of(text: str) -> list[str]:
    """The different words of what was typed."""
    return [*dict.fromkeys(filter(None, _APART.split(text)))][:MAX_WORDS]


class TextSearch:
    """Searches. Raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, words: Sequence[str], behind: TextPlace | None, limit: int) -> TextSearchPage:
        """At most ``limit`` texts behind a place that contain all words, whatever their case."""
        newest = _newest(behind).limit(SCANNED).subquery()
        asked = (
            select(newest.c.received_us, newest.c.id, texts.c.words)
            .join(texts, texts.c.event_id == newest.c.id)
            .where(*map(_contains, words))
            .order_by(newest.c.received_us.desc(), newest.c.id.desc())
        )
        places: list[TextPlace] = []
        with closing(stream_of(self._database, asked)) as rows:
            for received_us, id_, kept in rows:
                if _has(kept, words):
                    places.append(TextPlace(received_us, id_))
                if len(places) == limit:
                    break
        if len(places) == limit:
            return TextSearchPage(self._recorded(places), places[-1])
        last = rows_of(self._database, _newest(behind).offset(SCANNED - 1).limit(1))
        return TextSearchPage(self._recorded(places), TextPlace(*last[0]) if last else None)

    def _recorded(self, places: Sequence[TextPlace]) -> list[Recorded]:
        asked = EVENTS.where(events.c.id.in_([place.event_id for place in places]))
        found = {one.event.id: one for one in map(recorded_of, rows_of(self._database, asked))}
        return [found[place.event_id] for place in places if place.event_id in found]


def _newest(behind: TextPlace | None) -> Select[Any]:
    asked = select(events.c.received_us, events.c.id).where(events.c.source == "text")
    if behind is not None:
        at, id_ = behind
        same = and_(events.c.received_us == at, events.c.id < id_)
        # The first condition is implied; the index can use it.
        asked = asked.where(events.c.received_us <= at, or_(events.c.received_us < at, same))
    return asked.order_by(events.c.received_us.desc(), events.c.id.desc())


def _contains(word: str) -> ColumnElement[bool]:
    """SQLite knows the case of ASCII letters only, so that others are asked for in each case."""
    ways = {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(texts.c.words.icontains(way, autoescape=True) for way in sorted(ways)))


def _has(kept: str, words: Sequence[str]) -> bool:
    """Whether the text itself has the words, and not a reason or a reply beside it."""
    said = _fields(kept.encode()).get("text", "").casefold()
    return all(word.casefold() in said for word in words)
