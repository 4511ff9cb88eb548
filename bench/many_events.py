"""Records with millions of events: as the writer would have kept them, straight into the tables.

Each is an opt-out that holds, of a number of its own. The chain is whole: ``smsgate records
verify`` finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, UniqueConstraint, select
from sqlalchemy.schema import AddConstraint, Constraint, DropConstraint

from bench.records import events
from smsgate.consent.events import OPTED_OUT, event_id
from smsgate.domain.messages import ALL
from smsgate.records.database import Database, upsert
from smsgate.records.projections import TAIL
from smsgate.records.tables import events as events_table
from smsgate.records.tables import heads, links, memberships, numbers, texts
from smsgate.records.writer import (
    COLUMNS,
    FIRST,
    content_hash,
    content_of,
    link_hash,
    number_row,
    text_digest,
)
from smsgate.store.keys import partition_of

STEP = 200_000
"""Events between two reports of how far it is."""
PROCESSES = 4
"""How many fill PostgreSQL's tables at once."""
_TABLES = (links, events_table, texts, numbers, memberships)
_Row = tuple[Any, ...]
_of_event = itemgetter(*events_table.columns.keys())
_of_number = itemgetter(*numbers.columns.keys())
_covered = itemgetter(*COLUMNS)


def number_at(place: int) -> str:
    """The number of the event at a place in the row of all."""
    return f"+1{4_151_000_000 + place}"


def fill(url: str, first: int, count: int, start_ms: int) -> Iterator[int]:
    """Add the events from place ``first`` on, ten a millisecond; gives how many after each step.

    The indexes of the tables are made again at the end, which is faster than to keep them. On
    PostgreSQL the tables are left without a write-ahead log, which only writing would notice, and
    several processes fill them, each some partitions, since a partition's chain has an order.
    """
    database = Database(url)
    in_file = database.file is not None
    with database.writing() as connection:
        _prepare(connection)
    with ProcessPoolExecutor(1 if in_file else PROCESSES, get_context("spawn")) as pool:
        for at in range(first, first + count, STEP):
            places = range(at, min(at + STEP, first + count))
            groups = range(1 if in_file else PROCESSES)
            adding = [pool.submit(_step, url, places, start_ms, at, len(groups)) for at in groups]
            for one in adding:
                one.result()
            yield len(places)
    with ThreadPoolExecutor(1 if in_file else len(_TABLES)) as threads:
        for done in [threads.submit(_index, database, table) for table in _TABLES]:
            done.result()
    database.close()


def _prepare(connection: Connection) -> None:
    for table in _TABLES:
        for index in table.indexes:
            index.drop(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {table.name} SET UNLOGGED")
            for key in _keys(table):
                connection.execute(DropConstraint(key))


def _index(database: Database, table: Table) -> None:
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
            for key in _keys(table):
                connection.execute(AddConstraint(key))
        for index in table.indexes:
            index.create(connection)


def _keys(table: Table) -> Iterator[Constraint]:
    """Primary key and unique columns, by the names that PostgreSQL gave them."""
    table.primary_key.name = f"{table.name}_pkey"
    yield table.primary_key
    yield from (one for one in table.constraints if isinstance(one, UniqueConstraint))


def _step(url: str, places: Iterable[int], start_ms: int, group: int, groups: int) -> None:
    """Add the events of a group of partitions: of every one so many."""
    database = Database(url)
    with database.writing() as connection:
        mine = (one for one in places if partition_of(number_at(one)) % groups == group)
        _add(connection, mine, start_ms)
    database.close()


def _add(connection: Connection, places: Iterable[int], start_ms: int) -> None:
    sample_ms = 1_764_000_000_000
    (line,) = (line for lines in events(1, sample_ms, 5).values() for line in lines)
    sample = content_of(line)
    assert sample.text is not None
    assert sample.event.consent_state is not None
    held = number_row(0, 0, "", sample.event.consent_state)
    salt, words, facts = sample.text["salt"], sample.text["words"], sample.row["facts"]
    digest = text_digest(salt, words)
    known = {row.partition: (row.seq, bytes(row.hash)) for row in connection.execute(select(heads))}
    ends: dict[int, tuple[int, bytes]] = {}
    rows: dict[str, list[_Row]] = {table.name: [] for table in _TABLES}
    for place in places:
        number, ms = number_at(place), start_ms + place // 10
        id_, message_id = event_id(ms, number, str(place)), f"SM{place:032x}"
        event = sample.row | {
            "id": id_,
            "number": number,
            "message_id": message_id,
            "received_us": ms * 1000,
            "applied_us": ms * 1000 + 900,
        }
        own = facts.replace(sample.event.id, id_).replace(sample.event.number, number)
        own = own.replace(sample.row["message_id"], message_id)
        own = own.replace(str(sample_ms), str(ms))
        hash_ = content_hash(_covered(event), own, digest)
        partition = partition_of(number)
        seq, previous = ends.get(partition) or known.get(partition, (0, FIRST))
        seq += 1
        end = link_hash(previous, partition, seq, id_, hash_)
        ends[partition] = seq, end
        event |= {"partition": partition, "seq": seq, "position": place + 1}
        event |= {"text_digest": digest, "facts": own}
        rows["links"].append((partition, seq, id_, hash_, end))
        rows["events"].append(_of_event(event))
        rows["texts"].append((id_, salt, words))
        row = held | {
            "number": number,
            "partition": partition,
            "seq": seq,
            "consent_state": held["consent_state"].replace(str(sample_ms), str(ms)),
        }
        rows["numbers"].append(_of_number(row))
        member = (number, OPTED_OUT, ALL, ms * 1000, "text", partition, seq, number[-TAIL:], "")
        rows["memberships"].append(member)
    for table in _TABLES:
        _put(connection, table, rows[table.name])
    for partition, (seq, end) in ends.items():
        adding = upsert(connection, heads).values(partition=partition, seq=seq, hash=end)
        moved = {"seq": seq, "hash": end}
        connection.execute(adding.on_conflict_do_update(index_elements=["partition"], set_=moved))


def _put(connection: Connection, table: Table, rows: Sequence[_Row]) -> None:
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", [*rows])
        return
    driver: Any = connection.connection.driver_connection
    copying = f"COPY {table.name} ({names}) FROM STDIN"
    digests = [at for at, column in enumerate(table.columns) if column.type.python_type is bytes]
    with driver.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write("".join(_line(row, digests) for row in rows))


def _line(row: _Row, digests: Sequence[int]) -> str:
    """A row as PostgreSQL's COPY reads it; no value has a tab or a backslash."""
    values = [*row]
    for at in digests:
        values[at] = rf"\\x{values[at].hex()}"
    return "\t".join(map(str, values)) + "\n"
