"""Is the chain whole, and does everything that is kept still say what it said?

Every link's hash is computed anew, every event's contents are compared with what its link says
of them, and what is missing must have been announced. Reads one state of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, and_, select, text

from smsgate.records.broken import ChainFinding, PartitionCheck
from smsgate.records.chain import content_hash, text_digest
from smsgate.records.contents import COLUMNS
from smsgate.records.crosschecks import crosschecks
from smsgate.records.database import Database
from smsgate.records.schema import check
from smsgate.records.tables import events, heads, links, removals, texts

Progress: TypeAlias = Callable[[int], None]
"""Is told how many links more were checked."""
Row: TypeAlias = Any
_PAGE = 1_000
_covered = attrgetter(*COLUMNS)
_gone_event = removals.alias("gone_event")
_gone_text = removals.alias("gone_text")


class Verifier:
    """Checks the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verify(self, progress: Progress = lambda _: None) -> Iterator[ChainFinding]:
        """Everything that is wrong, by partition; nothing where the records are as they were.

        Raises ``RecordsUnavailable``, ``RecordsNotReady``.
        """
        self._database.refuse_absent()
        with self._database.checking() as connection:
            check(connection)
            yield from _file(connection)
            try:
                yield from _partitions(connection, progress)
                yield from crosschecks(connection)
            except (TypeError, ValueError, AttributeError) as error:
                yield ChainFinding(
                    -1, 0, "", f"a value is of another kind than its column: {error}"
                )

    def verify_partition(self, partition: int) -> list[ChainFinding]:
        """Everything that is wrong with one partition's chain. Raises as ``verify``."""
        self._database.refuse_absent()
        with self._database.checking() as connection:
            check(connection)
            end = connection.execute(select(heads).where(heads.c.lane == partition)).one_or_none()
            return [*_partition(connection, partition, end, lambda _: None)]


def _partitions(connection: Connection, progress: Progress) -> Iterator[ChainFinding]:
    ends = {row.lane: row for row in connection.execute(select(heads))}
    found = {row.lane for row in connection.execute(select(links.c.lane).distinct())}
    for partition in sorted(found | set(ends)):
        yield from _partition(connection, partition, ends.get(partition), progress)


def _file(connection: Connection) -> Iterator[ChainFinding]:
    """What SQLite itself says against its file: its indexes could hide rows."""
    if connection.dialect.name != "sqlite":
        return
    for said in connection.execute(text("PRAGMA integrity_check(20)")).scalars():
        if said != "ok":
            yield ChainFinding(-1, 0, "", f"the file is damaged: {said}")


def _partition(
    connection: Connection, partition: int, end: Row | None, progress: Progress
) -> Iterator[ChainFinding]:
    chain = PartitionCheck(partition)
    contents: list[ChainFinding] = []
    streamed = connection.execution_options(yield_per=_PAGE)
    for page in streamed.execute(_asked(partition)).partitions(_PAGE):
        for row in page:
            chain.add(row.link_seq, row.event_id, row.content_hash, row.hash)
            problem = _problem(row)
            if problem:
                contents.append(ChainFinding(partition, row.link_seq, row.event_id, problem))
        progress(len(page))
    yield from chain.findings((end.seq, end.hash) if end is not None else None)
    yield from contents


def _asked(partition: int) -> Select[Any]:
    return (
        select(
            links.c.lane.label("link_lane"),
            links.c.seq.label("link_seq"),
            links.c.event_id,
            links.c.content_hash,
            links.c.hash,
            events,
            texts.c.salt,
            texts.c.words,
            _gone_event.c.removed_by.label("event_gone"),
            _gone_text.c.removed_by.label("text_gone"),
        )
        .select_from(
            links.outerjoin(events, events.c.id == links.c.event_id)
            .outerjoin(texts, texts.c.event_id == links.c.event_id)
            .outerjoin(_gone_event, _gone(_gone_event, "event"))
            .outerjoin(_gone_text, _gone(_gone_text, "text"))
        )
        .where(links.c.lane == partition)
        .order_by(links.c.seq)
    )


def _gone(table: Any, part: str) -> Any:  # noqa: ANN401 - SQL expressions
    return and_(table.c.event_id == links.c.event_id, table.c.part == part)


def _problem(row: Row) -> str:
    try:
        return _content_problem(row)
    except (TypeError, ValueError, AttributeError):
        return "its contents were changed: they cannot be read any more"


def _content_problem(row: Row) -> str:
    """What is wrong with an event's contents; empty where nothing is."""
    if row.id is None:
        return "" if row.event_gone else "its contents are missing, and no removal was recorded"
    if row.event_gone:
        return "its contents are there, although a removal was recorded"
    if (row.lane, row.seq) != (row.link_lane, row.link_seq):
        return f"its contents say that they belong to link {row.seq} of partition {row.lane}"
    if content_hash(_covered(row), row.facts, bytes(row.text_digest)) != bytes(row.content_hash):
        return "its contents were changed"
    return _text_problem(row)


def _text_problem(row: Row) -> str:
    if row.words is None:
        missing = row.text_digest and not row.text_gone
        return "its texts are missing, and no removal was recorded" if missing else ""
    if text_digest(bytes(row.salt), row.words) != bytes(row.text_digest):
        return "its texts were changed"
    return ""
