"""Deliveries: what is posted to the operator's own programs, until they accept it.

They are no records: a row goes once it was accepted. They are in this database so that they outlive
Redis, and because a text and its event, a feed's position and its changes, must be written in one
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Delete, Update, and_, delete, exists, func, select, update

from smsgate.consent.events import Forward
from smsgate.domain.messages import ms_of
from smsgate.metrics.snapshot import DeliveryCounts
from smsgate.records.database import DatabasePart, Row, lookup, upsert
from smsgate.records.reader import rows_of
from smsgate.records.tables import deliveries, destinations

Kind: TypeAlias = Literal["text", "change"]
_decode = msgspec.json.Decoder(Forward).decode


@dataclass(frozen=True, slots=True)
class Delivery:
    """One text, or one change of a number's consent, for a program of the operator's."""

    id: str
    program: str
    kind: Kind
    number: str
    """Empty of a list."""
    partition: int
    seq: int
    """Of its event: of a number the lowest goes first."""
    body: str
    """Of a change the JSON to post; of a text a ``Forward``."""
    made_us: int
    due_us: int = 0
    tries: int = 0
    failed: bool = False
    """Whether it waits for a person: it was not accepted within a day."""
    note: str = ""
    """What went wrong last."""


class Destination(NamedTuple):
    """Where deliveries go: a program's application (texts), or its feed (changes)."""

    program: str
    kind: Kind

    def rows(self) -> ColumnElement[bool]:
        """Those of its deliveries."""
        return and_(deliveries.c.program == self.program, deliveries.c.kind == self.kind)

    def row(self) -> ColumnElement[bool]:
        """Its own."""
        return and_(destinations.c.program == self.program, destinations.c.kind == self.kind)


class DeliveryStorage(DatabasePart):
    """Keeps deliveries. Every method raises ``RecordsUnavailable``."""

    def acquire(
        self, where: Destination, sender: str, now_us: int, until_us: int, start: int
    ) -> bool:
        """Take or prolong the lease of a destination; a new one begins behind ``start``.

        False if another sender has it: two at once would change the order of a number's calls.
        """
        row = {**where._asdict(), "position": start, "sender": "", "until_us": 0}
        is_free = (destinations.c.sender == sender) | (destinations.c.until_us <= now_us)
        with self._database.writing() as connection:
            connection.execute(upsert(connection, destinations).on_conflict_do_nothing(), [row])
            taken = connection.execute(
                update(destinations)
                .where(where.row(), is_free)
                .values(sender=sender, until_us=until_us)
            )
        return taken.rowcount == 1

    def take_over(self, where: Destination, formerly: Sequence[str]) -> None:
        """Let a program that has another name now go on with what it had under those."""
        is_new, renamed = self.position(where) is None, {"program": where.program}
        with self._database.writing() as connection:
            for old in (Destination(name, where.kind) for name in formerly):
                connection.execute(update(deliveries).where(old.rows()).values(renamed))
                if is_new:
                    moving = update(destinations).where(old.row()).values(renamed)
                    is_new = connection.execute(moving).rowcount == 0

    def position(self, where: Destination) -> int | None:
        """How far a feed was read; None if it is new."""
        rows = rows_of(self._database, select(destinations.c.position).where(where.row()))
        return rows[0].position if rows else None

    def advance(self, where: Destination, before: int, after: int, new: Iterable[Delivery]) -> bool:
        """Add deliveries and move a feed; False if another sender moved it before."""
        rows = [asdict(one) for one in new]
        with self._database.writing() as connection:
            moved = connection.execute(
                update(destinations)
                .where(where.row(), destinations.c.position == before)
                .values(position=after)
            )
            if moved.rowcount == 1 and rows:
                connection.execute(upsert(connection, deliveries).on_conflict_do_nothing(), rows)
        return moved.rowcount == 1

    def due(self, where: Destination, now_us: int, limit: int) -> list[Delivery]:
        """What is to be called now, the longest due first; of a number only the oldest.

        A list is about any number of its partition.
        """
        older = deliveries.alias()
        earlier = exists().where(
            older.c.program == deliveries.c.program,
            older.c.kind == deliveries.c.kind,
            older.c.partition == deliveries.c.partition,
            older.c.failed.is_(False),
            older.c.seq < deliveries.c.seq,
        )
        of_number = earlier.where(older.c.number.in_([deliveries.c.number, ""]))
        waits_for_older = of_number | ((deliveries.c.number == "") & earlier)
        is_due = deliveries.c.failed.is_(False) & (deliveries.c.due_us <= now_us)
        asked = select(deliveries).where(where.rows(), is_due, ~waits_for_older)
        asked = asked.order_by(deliveries.c.due_us, deliveries.c.seq).limit(limit)
        return [Delivery(*row) for row in rows_of(self._database, asked)]

    def settle(self, accepted: Sequence[str], later: Iterable[Delivery]) -> None:
        """Remove what was accepted, and note what is to be tried again, or has failed."""
        with self._database.writing() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.id.in_(accepted)))
            for one in later:
                values = {name: getattr(one, name) for name in ("due_us", "tries", "failed")}
                values["note"] = one.note[:500]
                connection.execute(
                    update(deliveries).where(deliveries.c.id == one.id).values(values)
                )

    def fail_old(self, before_us: int) -> int:
        """Let fail what was made before then, also texts without a sender; gives how many.

        Changes fail only after an attempt: a feed skips none because smsgate was down.
        """
        is_old = deliveries.c.failed.is_(False) & (deliveries.c.made_us < before_us)
        is_old &= (deliveries.c.kind == "text") | (deliveries.c.tries > 0)
        note = func.coalesce(func.nullif(deliveries.c.note, ""), "not attempted within a day")
        with self._database.writing() as connection:
            failing = update(deliveries).where(is_old).values(failed=True, note=note)
            return int(connection.execute(failing).rowcount)

    def counts(self, where: Destination | None = None) -> DeliveryCounts:
        """How many there are, of one destination or of all."""
        asked = select(deliveries.c.failed, func.count(), func.min(deliveries.c.made_us))
        if where is not None:
            asked = asked.where(where.rows())
        found = {
            bool(failed): (count, made_us)
            for failed, count, made_us in rows_of(self._database, asked.group_by("failed"))
        }
        pending, oldest_us = found.get(False, (0, 0))
        return DeliveryCounts(pending, found.get(True, (0, 0))[0], oldest_us)

    def page(
        self,
        *,
        failed: bool,
        program: str = "",
        kind: str = "",
        among: Collection[str] = (),
        first: int = 0,
        limit: int = 1_000,
    ) -> tuple[list[Delivery], int]:
        """Those that are pending or failed, oldest first; and how many there are.

        Empty ``among``, the programs that the caller may see, is every program.
        """
        chosen: ColumnElement[bool] = deliveries.c.failed.is_(failed)
        if program:
            chosen &= deliveries.c.program == program
        if kind:
            chosen &= deliveries.c.kind == kind
        if among:
            chosen &= deliveries.c.program.in_(among)
        order = deliveries.c.made_us, deliveries.c.seq, deliveries.c.id
        asked = select(deliveries).where(chosen).order_by(*order).offset(first).limit(limit)
        counted = select(func.count()).select_from(deliveries).where(chosen)
        total = sum(count for (count,) in rows_of(self._database, counted))
        return [Delivery(*row) for row in rows_of(self._database, asked)], total

    def retry(self, ids: Collection[str], now_us: int) -> set[str]:
        """Make failed ones due again, as if they were new; gives the ids of those."""
        values = {"failed": False, "tries": 0, "due_us": now_us, "made_us": now_us}
        return self._change_failed(ids, update(deliveries).values(values))

    def dismiss(self, ids: Collection[str]) -> set[str]:
        """Remove failed ones; gives the ids of those."""
        return self._change_failed(ids, delete(deliveries))

    def _change_failed(self, ids: Collection[str], change: Update | Delete) -> set[str]:
        these = deliveries.c.id.in_(ids) & deliveries.c.failed.is_(True)
        with self._database.writing() as connection:
            return {*connection.scalars(change.where(these).returning(deliveries.c.id))}

    def forget(self, number: str) -> int:
        """Remove the texts of a number; gives how many. Changes of its consent stay."""
        is_text = (deliveries.c.number == lookup(number)) & (deliveries.c.kind == "text")
        with self._database.writing() as connection:
            gone = int(connection.execute(delete(deliveries).where(is_text)).rowcount)
        self._database.tidy()
        return gone


def text_deliveries(forwards: Iterable[bytes]) -> dict[str, Row]:
    """By event the rows of texts to forward (JSON of a ``Forward``), without their places."""
    rows: dict[str, Row] = {}
    for raw in forwards:
        text = _decode(raw)
        program, number = lookup(text.entry.program), lookup(text.entry.number)
        at_us = ms_of(text.inbox_id) * 1000
        one = Delivery(text.event, program, "text", number, 0, 0, raw.decode(), at_us, at_us)
        rows[text.event] = asdict(one)
    return rows
