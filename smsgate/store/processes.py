"""What the processes share: heartbeats, the clock's turns, and leases for what only one may do.

A heartbeat is a key that expires on Redis's clock, so that a process that died is forgotten soon
after, whatever the clocks of the hosts say.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.snapshot import OptOutListState, Process, ProcessSnapshot
from smsgate.store.connection import (
    Client,
    Script,
    as_text,
    now_us,
    pipelined,
)
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS
from smsgate.store.shared_keys import CLOCK_LEASE, PROCESSES, RETENTION, shared_key

FORGOTTEN_S = 5
"""A process without a heartbeat for so long counts as dead."""
_process = msgspec.json.Decoder(Process).decode


class Leases:
    """Leases of one client. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._hold = Script(client, "hold_lease")
        self._release = Script(client, "release_lease")

    def hold(self, key: str, name: str, lasts_ms: int) -> bool:
        """Whether the process ``name`` holds the lease; takes or prolongs it if it may."""
        return bool(self._hold([key], [name, lasts_ms]))

    def release(self, key: str, name: str) -> None:
        """Give up the lease, so that no other process waits for its end."""
        self._release([key], [name])


class Heartbeats:
    """One key for each process. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def beat(self, process: Process, forgotten_s: int = FORGOTTEN_S) -> None:
        """Report that a process runs; the report expires unless it is prolonged."""
        said = msgspec.json.encode(process)
        with pipelined(self._client) as pipeline:
            pipeline.set(shared_key("process", process.id), said, ex=forgotten_s)
            pipeline.sadd(PROCESSES, process.id)
            pipeline.execute()

    def withdraw(self, id_: str) -> None:
        """Forget a process that ends."""
        with pipelined(self._client) as pipeline:
            pipeline.delete(shared_key("process", id_))
            pipeline.srem(PROCESSES, id_)
            pipeline.execute()

    def running(self) -> list[Process]:
        """The processes that run, by kind, host and process id."""
        ids = sorted(map(as_text, self._client.smembers(PROCESSES)))
        with pipelined(self._client) as pipeline:
            for id_ in ids:
                pipeline.get(shared_key("process", id_))
            rows = pipeline.execute() if ids else []
        gone = [id_ for id_, row in zip(ids, rows, strict=True) if row is None]
        if gone:
            with suppress(StoreUnavailable):  # Redis may refuse writes
                self._client.srem(PROCESSES, *gone)
        found = [_process(row) for row in rows if row is not None]
        return sorted(found, key=lambda one: (one.name, one.host, one.pid))

    def snapshot(self) -> ProcessSnapshot:
        """The processes that run now."""
        return ProcessSnapshot(now_us(self._client), tuple(self.running()))


LEASE_MS = 6_000
"""Three periods of the clock: a dead clock is replaced within that time."""
_RETENTION_S = 23 * 3600


class Sweep:
    """Finds work without a job, and decides which clock does it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sweep = Script(client, "sweep")
        self._leases = Leases(client)

    def take_retention_turn(self) -> bool:
        """Whether old records should be looked for now; true for one process a day."""
        return bool(self._client.set(RETENTION, "1", nx=True, ex=_RETENTION_S))

    def leads(self, name: str) -> bool:
        """Whether the clock of that name holds the lease; takes or prolongs it if it may."""
        return self._leases.hold(CLOCK_LEASE, name, LEASE_MS)

    def overdue(self) -> tuple[list[int], list[int]]:
        """Partitions whose inbox or outbox has work although no job came in time."""
        found = self._sweep.many(
            (
                [keys.inbox, keys.outbox, keys.notify_inbox, keys.notify_outbox],
                [NOTIFY_MS],
            )
            for keys in PARTITION_KEYS
        )
        inboxes = [partition for partition, (inbox, _) in enumerate(found) if inbox]
        return inboxes, [partition for partition, (_, outbox) in enumerate(found) if outbox]


LIST_LEASE_MS = 60_000
"""How long the lease of an account's opt-out list lasts; a call takes at most 13 s."""
_list_state = msgspec.json.Decoder(OptOutListState).decode


class OptOutLists:
    """How far smsgate and the opt-out lists of providers were compared, by account.

    A flushed store forgets it: then every opt-out is told to the provider again, which changes
    nothing there, and the list is read from its beginning. Everything raises ``StoreUnavailable``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._leases = Leases(client)

    def leads(self, account: str, name: str) -> bool:
        """Whether the process of that name has the lease; takes or prolongs it if it may."""
        key = shared_key("opt-out-list", account, "lease")
        return self._leases.hold(key, name, LIST_LEASE_MS)

    def release(self, account: str, name: str) -> None:
        """Give up the lease, so that another process need not wait for its end."""
        self._leases.release(shared_key("opt-out-list", account, "lease"), name)

    def read(self, account: str) -> OptOutListState | None:
        """What is remembered; None if nothing is, because the clock never began."""
        found = self._client.get(shared_key("opt-out-list", account))
        return None if found is None else _list_state(found)

    def write(self, account: str, state: OptOutListState) -> None:
        """Remember it. Only the holder of the lease may."""
        self._client.set(shared_key("opt-out-list", account), msgspec.json.encode(state))
