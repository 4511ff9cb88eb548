"""Takes the data of smsgate 0.2 along. To be removed in 0.4, with ``smsgate records import-0.2``.

Only reads the old database and Redis. Every event of the old records goes into the new ones, in its
order: so dates, consents, open reviews and message ids of opt-ins stay known. `smsgate init` then
rebuilds the new store from them and opens the gate; until then a row of ``stores`` keeps it shut.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, TextClause, create_engine, insert, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from smsgate import __version__
from smsgate.consent.events import ConsentState, Event, event_id
from smsgate.domain.errors import RecordsDiffer
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.interface.operation import Progress
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.database import translated, upsert
from smsgate.records.projections import keys_of
from smsgate.records.reader import event_of
from smsgate.records.removal import FOR_EVER
from smsgate.records.tables import api_keys, stores
from smsgate.records.writer import consent_states_of
from smsgate.store.connection import Client, as_text
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.redis_address import open_redis

_VERSION = "0013"
"""Of the tables of 0.2.0."""
_PAGE = 2_000
_BEGUN = "import-0.2"
"""Id of the first store: where it is the only one, not everything is imported."""
_NAMES = {
    "standing": "consent_state", "stamp_us": "event_time_us", "onward": "forward_content",
    "own": "opted_out", "back": "exceptions",
    "stood": "membership_before", "stands": "membership_after",
}  # fmt: skip
"""Names of fields in 0.2, and what they are called now."""
_EVENTS = text(
    "SELECT l.seq, e.facts, t.words, e.committed_us FROM links l"
    " JOIN events e ON e.id = l.event_id LEFT JOIN texts t ON t.event_id = e.id"
    " WHERE l.lane = :partition AND l.seq > :after ORDER BY l.seq LIMIT :count"
)
_NUMBERS = text(
    "SELECT n.number, n.everywhere, n.own, n.back, n.locked, n.consents,"
    " (SELECT min(m.since_us) FROM memberships m WHERE m.number = n.number) AS since_us"
    " FROM numbers n WHERE n.lane = :partition AND n.number > :after"
    " ORDER BY n.number LIMIT :count"
)
_NOTE = "as smsgate 0.2 had it; the events that say why were removed by retention there"


class UpgradeResult(msgspec.Struct, frozen=True):
    """How much was taken along; ``restated`` numbers have lost the events that explain them."""

    events: int
    numbers: int
    restated: int
    keys: int


def refuse_unfinished_import(records: Records) -> None:
    """Raise ``RecordsDiffer`` once an import was begun and as long as it is not complete."""
    if [one.id for one in records.reader.stores()] == [_BEGUN]:
        raise RecordsDiffer(
            "the data of smsgate 0.2 are not imported yet: run `smsgate records import-0.2` to its "
            "end, as docs/upgrading.md says, before the gate opens"
        )


class UpgradeImport:
    """Copies the records of 0.2 into the new, empty ones."""

    def __init__(self, services: Services) -> None:
        self._store, self._records = services.store, services.records

    def run(self, database_url: str, redis_url: str, progress: Progress) -> UpgradeResult:
        """Import everything from these; after an interruption, begin again.

        Raises ``RecordsDiffer``, ``StoreUnavailable`` and ``RecordsUnavailable``.
        """
        self._begin()
        try:
            address, client = make_url(database_url), open_redis(redis_url)
        except (ArgumentError, ValueError):
            raise RecordsDiffer(
                "the addresses of 0.2 cannot be read: give its DATABASE_URL (sqlite:///… or "
                "postgresql://…) and its REDIS_URL (redis://…)"
            ) from None
        with _reading(address) as old:
            store_id, buckets = _checked_store(client, old)
            total = int(old.scalar(text("SELECT sum(seq) FROM heads")) or 0)
            events = restated = numbers = 0
            for keys in PARTITION_KEYS:
                for lines, times in _events(old, keys.partition):
                    self._keep(keys.partition, lines, times)
                    events += len(lines)
                    progress("Importing events", events, total)
                for rows in _pages(old, _NUMBERS, keys.partition, ""):
                    numbers += len(rows)
                    restated += self._restate(keys.partition, rows)
            self._import_opt_in_ids(client)
            return UpgradeResult(events, numbers, restated, self._end(old, store_id, buckets))

    def _begin(self) -> None:
        """Shut the gate until the import has ended."""
        self._records.check()
        if self._store.metadata.store_id():
            raise RecordsDiffer(
                "the new store is ready already, and its gate open: only a new, empty Redis can "
                "take the data of 0.2 along, before `smsgate init`"
            )
        known = {one.id for one in self._records.reader.stores()}
        if _BEGUN in known and len(known) > 1:
            raise RecordsDiffer("everything is imported already: `smsgate init` opens the gate")
        if known - {_BEGUN} or (self._records.reader.count_events() and not known):
            raise RecordsDiffer(
                "the new records are not empty: name a new database in DATABASE_URL"
            )
        self._records.remember_store(_BEGUN, 0, 0)

    def _keep(self, partition: int, lines: Sequence[bytes], times: Sequence[int] = ()) -> None:
        while not self._records.writer.keep({partition: lines}, {partition: times}).done:
            pass  # somebody else wrote into the partition

    def _restate(self, partition: int, rows: Sequence[Any]) -> int:
        """Write down how numbers stand whose events are gone; gives how many."""
        found = self._records.reader.numbers_of([row.number for row in rows])
        known = {one.number: keys_of(one.consent_state) for one in found}
        lines = []
        for row in rows:
            state = ConsentState(
                everywhere=bool(row.everywhere),
                opted_out=frozenset(row.own.split()),
                exceptions=frozenset(row.back.split()),
                locked=bool(row.locked),
                consents=frozenset(row.consents.split()),
            )
            if keys_of(state) != known.get(row.number, set()):
                at_us = row.since_us or time.time_ns() // 1000
                event = _event("rebuilt", row.number, at_us, consent_state=state)
                lines.append(msgspec.json.encode(event))
        self._keep(partition, lines)
        return len(lines)

    def _import_opt_in_ids(self, client: Client) -> None:
        """Keep the ids whose events were removed: a replayed START must not lift an opt-out."""
        known = {
            f"{one.account}:{one.message_id}"
            for kind in ("opt_in", "restored")
            for one in self._records.reader.messages(0, kind=kind)
        }
        for keys in PARTITION_KEYS:
            lines = []
            for member in map(as_text, client.smembers(f"{keys.prefix}optins")):
                if member not in known:
                    account, _, id_ = member.partition(":")
                    decision = Decision(Intent.OPT_IN, rule="import-0.2")
                    entry = Entry("", "", decision, account=account, message_id=id_)
                    lines.append(msgspec.json.encode(_event("opt_in", member, 0, entry=entry)))
            self._keep(keys.partition, lines)

    def _end(self, old: Connection, store_id: str, buckets: int) -> int:
        """Take the keys of ``/v1`` along, and let `smsgate init` open the gate."""
        rows = [dict(row) for row in old.execute(text("SELECT * FROM api_keys")).mappings()]
        made_us = time.time_ns() // 1000
        with self._records.database.writing() as connection:
            if rows:
                connection.execute(upsert(connection, api_keys).on_conflict_do_nothing(), rows)
            new = {"id": store_id, "buckets": buckets, "made_us": made_us}
            connection.execute(insert(stores), [new])
        return len(rows)


@contextmanager
def _reading(address: URL) -> Iterator[Connection]:
    """The old database at one moment, never written. Raises ``RecordsDiffer``."""
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite and not Path(address.database or "").is_file():
        raise RecordsDiffer(f"there is no database of 0.2 at {address.database}")
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite" if is_sqlite else "postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
    )
    with translated(), engine.connect() as connection:
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        version = connection.scalar(text("SELECT version_num FROM records_version"))
        if version != _VERSION:
            raise RecordsDiffer(
                f"the old database has tables of version {version}, and those of 0.2.0 have "
                f"{_VERSION}: upgrade to 0.2.0 first"
            )
        yield connection


def _checked_store(client: Client, old: Connection) -> tuple[str, int]:
    """Id and bucket count of the old store. Raises ``RecordsDiffer`` unless it can be left.

    Its processes must have ended, and all that it had must be in its records.
    """
    heads = {row.lane: row.seq for row in old.execute(text("SELECT lane, seq FROM heads"))}
    known = set(old.scalars(text("SELECT id FROM stores")))
    for keys in PARTITION_KEYS:
        fields = client.hmget(f"{keys.prefix}marker", "ready", "store", "buckets", "spooled")
        ready, store, buckets, spooled = map(as_text, fields)
        if ready != "1" or store not in known:
            raise RecordsDiffer("the old Redis is not the store of the old database, or not ready")
        if spooled not in ("", "{}", "[]"):
            raise RecordsDiffer("opt-outs wait in a spool of 0.2: run its `web` until it has none")
        waiting = client.xlen(f"{keys.prefix}inbox") + client.xlen(f"{keys.prefix}ledger")
        if waiting or int(client.get(f"{keys.prefix}kept") or 0) != heads.get(keys.partition, 0):
            raise RecordsDiffer(
                "the records of 0.2 lack what its Redis has: let its `worker` and `clock` run "
                "until inbox and ledger are empty"
            )
    if any(
        client.get(f"smsgate:process:{id_}")
        for id_ in map(as_text, client.smembers("smsgate:processes"))
    ):
        raise RecordsDiffer("processes of 0.2 still run: end all of them, then wait five seconds")
    return store, int(buckets)


def _pages(
    old: Connection, asked: TextClause, partition: int, after: object
) -> Iterator[Sequence[Any]]:
    """The rows of a partition, page by page, by their first column."""
    while rows := old.execute(
        asked, {"partition": partition, "after": after, "count": _PAGE}
    ).all():
        yield rows
        after = rows[-1][0]


def _events(old: Connection, partition: int) -> Iterator[tuple[list[bytes], list[int]]]:
    """The events of a partition as lines of a ledger of ours, and when each was committed."""
    for rows in _pages(old, _EVENTS, partition, 0):
        lines, times = [], []
        for _, facts, words, committed_us in rows:
            ours = msgspec.json.encode(renamed(msgspec.json.decode(facts))).decode()
            event = event_of(ours, words)
            # What says which events were removed is about the old chain.
            if event.kind not in FOR_EVER or consent_states_of(event):
                lines.append(msgspec.json.encode(event))
                times.append(committed_us)
        yield lines, times


def renamed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """An event of 0.2 with the names that its fields have now."""
    if isinstance(value, list):
        return [renamed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        # The names in these are those of programs.
        _NAMES.get(name, name): {scope: renamed(mark) for scope, mark in one.items()}
        if name in ("marks", "asked_us")
        else renamed(one)
        for name, one in value.items()
    }


def _event(kind: str, about: str, at_us: int, **rest: Any) -> Event:  # noqa: ANN401
    return Event(
        id=event_id(at_us // 1000, "import-0.2", kind, about),
        kind=kind,
        outcome="applied" if kind == "rebuilt" else "recorded",
        number=about if kind == "rebuilt" else "",
        event_time_us=at_us,
        received_us=at_us,
        applied_us=at_us,
        note=_NOTE,
        software=__version__,
        **rest,
    )
