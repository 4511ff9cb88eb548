"""Keeps the feeds' positions and pending calls.

Pending calls are no records: a call's row goes once the other side has taken it. They are in this
database so that they outlive Redis, and because a feed's position and its calls must move in one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update

from smsgate.records.database import Database, upsert
from smsgate.records.event_reader import Position, format_position, parse_position
from smsgate.records.reader import rows_of
from smsgate.records.tables import calls, feeds


@dataclass(frozen=True, slots=True)
class FeedCall:
    """One call about one change of one number."""

    id: str
    program: str
    number: str
    partition: int
    seq: int
    """Of the event."""
    body: str
    made_us: int
    tries: int = 0
    due_us: int = 0
    dead: bool = False
    """Whether it was given up and waits for a person."""
    note: str = ""
    """What went wrong last."""

    def as_row(self) -> dict[str, Any]:
        """By column of the table."""
        return {one: getattr(self, one) for one in self.__slots__}


class FeedPosition(NamedTuple):
    """How far a feed has read the records."""

    changes: Position
    """For changes of single numbers."""
    lists: Position
    """For lists, which a feed reads when few calls wait; never further than ``changes``."""

    def as_text(self) -> str:
        """As it is stored."""
        changes, lists = map(format_position, self)
        return changes if changes == lists else f"{changes}/{lists}"


class FeedStorage:
    """Keeps feeds. Every method raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(
        self, program: str, sender: str, now_us: int, until_us: int, start: Position
    ) -> bool:
        """Take or prolong the lease of a feed; a new feed begins at ``start``.

        False if another sender has it: two at once would change the order of a number's calls.
        """
        with self._database.writing() as connection:
            row = {"program": program, "place": format_position(start), "sender": "", "until_us": 0}
            connection.execute(upsert(connection, feeds).on_conflict_do_nothing(), [row])
            is_free = (feeds.c.sender == sender) | (feeds.c.until_us <= now_us)
            taken = connection.execute(
                update(feeds)
                .where(feeds.c.program == program, is_free)
                .values(sender=sender, until_us=until_us)
            )
        return taken.rowcount == 1

    def position(self, program: str) -> FeedPosition | None:
        """How far a feed was read; None if it is new."""
        rows = rows_of(self._database, select(feeds.c.place).where(feeds.c.program == program))
        if not rows:
            return None
        changes, _, lists = rows[0].place.partition("/")
        return FeedPosition(parse_position(changes), parse_position(lists or changes))

    def advance(
        self, program: str, before: FeedPosition, position: FeedPosition, new: Iterable[FeedCall]
    ) -> bool:
        """Add calls and move the position; False if another sender moved it before."""
        rows = [one.as_row() for one in new]
        with self._database.writing() as connection:
            moved = connection.execute(
                update(feeds)
                .where(feeds.c.program == program, feeds.c.place == before.as_text())
                .values(place=position.as_text())
            )
            if moved.rowcount == 1 and rows:
                connection.execute(upsert(connection, calls).on_conflict_do_nothing(), rows)
        return moved.rowcount == 1

    def due(self, program: str, now_us: int, limit: int) -> list[FeedCall]:
        """The calls to be made now, the longest due first; of a number only its oldest."""
        older = calls.alias()
        waits_for_older = exists().where(
            older.c.program == calls.c.program,
            older.c.number == calls.c.number,
            older.c.dead.is_(False),
            older.c.seq < calls.c.seq,
        )
        return self._read(
            select(calls)
            .where(calls.c.program == program, calls.c.dead.is_(False), calls.c.due_us <= now_us)
            .where(~waits_for_older)
            .order_by(calls.c.due_us, calls.c.seq)
            .limit(limit)
        )

    def count_pending(self, program: str) -> int:
        """How many calls of a feed were neither delivered nor given up."""
        asked = select(func.count()).where(calls.c.program == program, calls.c.dead.is_(False))
        return sum(count for (count,) in rows_of(self._database, asked))

    def remove_delivered(self, id_: str) -> None:
        """Remove a call that the other side has taken."""
        with self._database.writing() as connection:
            connection.execute(delete(calls).where(calls.c.id == id_))

    def note_failure(self, call: FeedCall, due_us: int, note: str, *, dead: bool) -> None:
        """Note that a call failed, and when it is due again unless it is given up."""
        changed = {"tries": call.tries + 1, "due_us": due_us, "dead": dead, "note": note[:500]}
        with self._database.writing() as connection:
            connection.execute(update(calls).where(calls.c.id == call.id).values(changed))

    def calls(self, *, dead: bool) -> list[FeedCall]:
        """All calls that were given up, or all that are pending; oldest first."""
        return self._read(select(calls).where(calls.c.dead.is_(dead)).order_by(calls.c.made_us))

    def retry(self, id_: str, now_us: int) -> bool:
        """Make a given-up call due again, as if it were new. False if there is no such call."""
        values = {"dead": False, "tries": 0, "due_us": now_us, "made_us": now_us}
        with self._database.writing() as connection:
            found = connection.execute(update(calls).where(_is_given_up(id_)).values(values))
        return found.rowcount == 1

    def dismiss(self, id_: str) -> bool:
        """Remove a given-up call. False if there is no such call."""
        with self._database.writing() as connection:
            found = connection.execute(delete(calls).where(_is_given_up(id_)))
        return found.rowcount == 1

    def _read(self, asked: Select[Any]) -> list[FeedCall]:
        return [FeedCall(*row) for row in rows_of(self._database, asked)]


def _is_given_up(id_: str) -> ColumnElement[bool]:
    return (calls.c.id == id_) & calls.c.dead.is_(True)
