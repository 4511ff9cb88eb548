"""Removal of contents: texts at a person's request, old contents by retention; never links.

Contents go only after an event in the chain has announced how many, of which part, and which. The
verifier compares its words with what is gone, so that nothing can go by another way, or more than
was said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, delete, exists, insert, or_, select
from sqlalchemy.exc import IntegrityError

from smsgate.consent.events import CONSENT, OPTED_OUT
from smsgate.domain.errors import RecordsDiffer
from smsgate.records.database import DatabasePart, batches, lookup
from smsgate.records.projections import OPT_OUT_KINDS
from smsgate.records.reader import rows_of
from smsgate.records.tables import events, links, listed, memberships, numbers, removals, texts

Part = Literal["text", "event"]
FORGOTTEN = "forgotten"
"""Kind of event: a person's texts were erased at their request."""
RETENTION = "retention"
"""Kind of event: old contents were removed."""
ADOPTED = "adopted"
"""Kind of event: an operator adopted an older copy of the database."""
SPOOL_FORGOTTEN = "spool_forgotten"
"""Kind of event: an operator gave up the spool of a host that is gone."""
ANNOUNCING = (FORGOTTEN, RETENTION)
FOR_EVER = (FORGOTTEN, RETENTION, ADOPTED, SPOOL_FORGOTTEN)
"""Kinds that explain gaps, and so are never removed."""


def announcement(part: str, ids: Sequence[str]) -> str:
    """The whole note of the event that takes away ``part`` of the events of these ids."""
    digest = sha256("\n".join(sorted(ids)).encode()).hexdigest()
    return f"takes away the {part}s of {len(ids)} records; list sha256:{digest}"


BATCH = 5_000
"""Events that are looked at at once."""
Cutoff: TypeAlias = Callable[[str], int | None]
"""By kind of event, what was received before which moment may go; None: nothing may."""
_CONSENTS = ("opt_in", "restored", "consent")


class ContentRemoval(DatabasePart):
    """Finds contents that may go, and removes them once an event in the chain announced it."""

    def texts_of(self, number: str) -> list[str]:
        """The ids of a number's events that still have texts."""
        asked = select(events.c.id).join(texts, texts.c.event_id == events.c.id)
        rows = rows_of(self._database, asked.where(events.c.number == lookup(number)))
        return [row.id for row in rows]

    def old_texts(self, cutoff: Cutoff) -> Iterator[list[str]]:
        """Ids of events with texts that are old; a batch at a time, which may be empty."""
        return self._pages(exists().where(texts.c.event_id == events.c.id), cutoff)

    def old_events(self, cutoff: Cutoff) -> Iterator[list[str]]:
        """Ids of events that are old; a batch at a time, which may be empty.

        Without those on which a suppression, a lock or a consent rests that holds today, and
        without those that explain what was taken away.
        """
        return self._pages(~_rests_on() & ~_rests_on_list(), cutoff)

    def remove(self, by: str, part: Part, ids: Sequence[str]) -> None:
        """Take the texts, or texts and contents, of events away, in one transaction.

        ``by`` is the event in the chain that announced it. Raises ``RecordsDiffer`` where it is
        not in the chain, or where some of it is gone already; nothing is changed then.
        """
        said = select(events.c.kind).join(links, links.c.event_id == events.c.id)
        with self._database.writing() as connection:
            if connection.scalar(said.where(events.c.id == by)) not in ANNOUNCING:
                raise RecordsDiffer(f"no event {by} in the chain says that anything is taken away")
            rows = [{"event_id": id_, "part": part, "removed_by": by} for id_ in ids]
            try:
                connection.execute(insert(removals), rows)
            except IntegrityError as error:
                raise RecordsDiffer("some of it was taken away by another removal") from error
            for some in batches(ids):
                connection.execute(delete(texts).where(texts.c.event_id.in_(some)))
                if part == "event":
                    place = (links.c.partition == listed.c.partition, links.c.seq == listed.c.seq)
                    these = exists().where(links.c.event_id.in_(some), *place)
                    connection.execute(delete(listed).where(these))
                    connection.execute(delete(events).where(events.c.id.in_(some)))
        self._database.tidy()

    def _pages(self, may_go: ColumnElement[bool], cutoff: Cutoff) -> Iterator[list[str]]:
        """Look at each old event once, by kind and age, and give the ids of those that may go.

        What stays is not looked at again for each batch, and no question looks at more than one.
        A batch of which all stay is given too, since the caller has other things to do.
        """
        at_us, id_ = events.c.received_us, events.c.id
        asked: Select[Any] = select(id_, at_us, may_go.label("may_go")).limit(BATCH)
        for kind in self._removable_kinds():
            if (before_us := cutoff(kind)) is None:
                continue
            old = asked.where(events.c.kind == kind, at_us < before_us).order_by(at_us, id_)
            rows = rows_of(self._database, old)
            while rows:
                ids = [row.id for row in rows if row.may_go]
                if ids or len(rows) == BATCH:
                    yield ids
                last = rows[-1]
                behind = (at_us > last.received_us) | (id_ > last.id)
                rows = rows_of(self._database, old.where(at_us >= last.received_us, behind))

    def _removable_kinds(self) -> Iterator[str]:
        """The kinds that there are, each found by one look into the index of kinds."""
        first = select(events.c.kind).order_by(events.c.kind).limit(1)
        rows = rows_of(self._database, first)
        while rows:
            if rows[0].kind not in FOR_EVER:
                yield rows[0].kind
            rows = rows_of(self._database, first.where(events.c.kind > rows[0].kind))


def _rests_on_list() -> ColumnElement[bool]:
    """Whether something that holds today may rest on the event, which is one of a list."""
    about = (listed.c.partition == events.c.partition) & (listed.c.seq == events.c.seq)
    return exists().where(about, memberships.c.number == listed.c.number)


def _rests_on() -> ColumnElement[bool]:
    """Whether something that holds today rests on the event: the newest that said how it stands.

    And what stopped or allowed the number before: that newest one may be a HELP, which is noted
    beside how it stands.
    """
    is_newest = (numbers.c.partition == events.c.partition) & (numbers.c.seq == events.c.seq)
    holds = exists().where(is_newest, memberships.c.number == numbers.c.number)
    consented = events.c.kind.in_(_CONSENTS) & (memberships.c.state == CONSENT)
    is_stop = events.c.kind.in_(OPT_OUT_KINDS) & (events.c.outcome == "applied")
    stopped = is_stop & (memberships.c.state == OPTED_OUT)
    before = exists().where(memberships.c.number == events.c.number, or_(consented, stopped))
    return or_(holds, before)
