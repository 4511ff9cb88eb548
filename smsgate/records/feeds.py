"""Feeds of changes: how far each was read, and the calls that were not taken yet.

No records: a call's row goes once the other side has taken it. They are kept here so that they
outlive Redis, and because a feed's place and its calls must move in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update

from smsgate.records.database import Database, upsert
from smsgate.records.following import Place, place_of, place_text
from smsgate.records.schema import check
from smsgate.records.tables import calls, feeds

_APART = "/"


@dataclass(frozen=True, slots=True)
class FeedCall:
    """One call that tells of one change of one number."""

    id: str
    program: str
    number: str
    partition: int
    seq: int
    """Of the event that it tells of."""
    body: str
    made_us: int
    tries: int = 0
    due_us: int = 0
    dead: bool = False
    """Whether it was given up and waits for a person."""
    note: str = ""
    """What went wrong last."""

    def as_row(self) -> dict[str, Any]:
        """By column of the table; ``partition`` is stored as ``lane``."""
        return {"lane" if one == "partition" else one: getattr(self, one) for one in self.__slots__}


class FeedPlace(NamedTuple):
    """How far a feed was read."""

    changes: Place
    """Behind what happened to numbers one by one."""
    lists: Place
    """Behind what lists did, of which a feed is told when there is room; never further."""


class Feeds:
    """Keeps feeds. Everything here raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        """Use the database; nothing is asked yet."""
        self._database = database

    def lead(self, program: str, sender: str, now_us: int, until_us: int, start: Place) -> bool:
        """Whether ``sender`` may send this feed until then; a feed that is new begins at a place.

        Two senders at once would change the order of a number's calls.
        """
        with self._database.writing() as connection:
            check(connection)
            row = {"program": program, "place": place_text(start), "sender": "", "until_us": 0}
            connection.execute(upsert(connection, feeds).on_conflict_do_nothing(), [row])
            free = (feeds.c.sender == sender) | (feeds.c.until_us <= now_us)
            taken = connection.execute(
                update(feeds)
                .where(feeds.c.program == program, free)
                .values(sender=sender, until_us=until_us)
            )
        return taken.rowcount == 1

    def place(self, program: str) -> FeedPlace | None:
        """How far a feed was read; None where it is new."""
        if self._database.absent:
            return None
        with self._database.reading() as connection:
            check(connection)
            text = connection.scalar(select(feeds.c.place).where(feeds.c.program == program))
        if text is None:
            return None
        changes, apart, lists = text.partition(_APART)
        return FeedPlace(place_of(changes), place_of(lists if apart else changes))

    def advance(
        self, program: str, before: FeedPlace, place: FeedPlace, new: Iterable[FeedCall]
    ) -> bool:
        """Note calls and how far the feed was read now; False where another was faster."""
        rows = [one.as_row() for one in new]
        with self._database.writing() as connection:
            check(connection)
            moved = connection.execute(
                update(feeds)
                .where(feeds.c.program == program, feeds.c.place == _text(before))
                .values(place=_text(place))
            )
            if moved.rowcount == 1 and rows:
                connection.execute(upsert(connection, calls).on_conflict_do_nothing(), rows)
        return moved.rowcount == 1

    def due(self, program: str, now_us: int, limit: int) -> list[FeedCall]:
        """The calls to be made now, the longest due first; of a number only its oldest."""
        if self._database.absent:
            return []
        older = calls.alias()
        waits_for_another = exists().where(
            older.c.program == calls.c.program,
            older.c.number == calls.c.number,
            older.c.dead.is_(False),
            older.c.seq < calls.c.seq,
        )
        asked = (
            select(calls)
            .where(calls.c.program == program, calls.c.dead.is_(False), calls.c.due_us <= now_us)
            .where(~waits_for_another)
            .order_by(calls.c.due_us, calls.c.seq)
            .limit(limit)
        )
        return self._read(asked)

    def waiting(self, program: str) -> int:
        """How many calls of a feed were not taken yet and not given up."""
        if self._database.absent:
            return 0
        asked = select(func.count()).where(calls.c.program == program, calls.c.dead.is_(False))
        with self._database.reading() as connection:
            check(connection)
            return connection.scalar(asked) or 0

    def taken(self, id_: str) -> None:
        """Forget a call that the other side has taken."""
        with self._database.writing() as connection:
            connection.execute(delete(calls).where(calls.c.id == id_))

    def failed(self, call: FeedCall, due_us: int, note: str, *, dead: bool) -> None:
        """Note that a call was not taken, and when it is made again, if ever."""
        changed = {"tries": call.tries + 1, "due_us": due_us, "dead": dead, "note": note[:500]}
        with self._database.writing() as connection:
            connection.execute(update(calls).where(calls.c.id == call.id).values(changed))

    def calls(self, *, dead: bool) -> list[FeedCall]:
        """All calls that were given up, or all that wait; oldest first."""
        if self._database.absent:
            return []
        return self._read(select(calls).where(calls.c.dead.is_(dead)).order_by(calls.c.made_us))

    def retry(self, id_: str, now_us: int) -> bool:
        """Make a call that was given up due again, as if it were new; whether there was one."""
        values = {"dead": False, "tries": 0, "due_us": now_us, "made_us": now_us}
        with self._database.writing() as connection:
            check(connection)
            found = connection.execute(update(calls).where(_given_up(id_)).values(values))
        return found.rowcount == 1

    def dismiss(self, id_: str) -> bool:
        """Forget a call that was given up; whether there was one."""
        with self._database.writing() as connection:
            check(connection)
            found = connection.execute(delete(calls).where(_given_up(id_)))
        return found.rowcount == 1

    def _read(self, asked: Select[Any]) -> list[FeedCall]:
        with self._database.reading() as connection:
            check(connection)
            return [FeedCall(*row) for row in connection.execute(asked)]


def _text(place: FeedPlace) -> str:
    changes, lists = map(place_text, place)
    return changes if changes == lists else f"{changes}{_APART}{lists}"


def _given_up(id_: str) -> ColumnElement[bool]:
    return (calls.c.id == id_) & calls.c.dead.is_(True)
