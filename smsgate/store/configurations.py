"""Which configuration was applied, and which one every process runs.

A process notes itself every second, in a key of its own that expires: one that died is forgotten
soon after, without anybody's clock being trusted.
"""

from __future__ import annotations

import msgspec

from smsgate.redis_address import Client
from smsgate.store.connection import translated
from smsgate.store.shared_keys import APPLIED, PROCESSES, process_of

FORGOTTEN_S = 5
"""After that a process that notes nothing is taken for dead."""


class Applied(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``smsgate config apply`` leaves for the processes."""

    id: str
    """Another one each time, so that the same files are read anew too: secrets may have changed."""
    version: str
    """Hash of what the files say; a process whose own files say otherwise keeps what it has."""
    by: str
    at_us: int
    """On the clock of the host that applied it."""
    software: str = ""


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process says of itself."""

    id: str
    name: str
    """As in the ``Procfile``."""
    host: str
    pid: int
    version: str
    """Hash of what the files said that it runs."""
    outside: str
    """Sixteen bits of a hash of what the environment gives, secrets among it."""
    since_us: int
    """When it began to run it, on its host's clock."""
    applied: str = ""
    """Id of the newest ``Applied`` that it has dealt with."""
    problem: str = ""
    """Why it keeps another version than the one that was applied."""
    restart: tuple[str, ...] = ()
    """Variables that have changed and that it cannot follow without a restart."""
    software: str = ""


_applied = msgspec.json.Decoder(Applied).decode
_process = msgspec.json.Decoder(Process).decode


class Configurations:
    """One value for all, and one for each process. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def applied(self) -> Applied | None:
        """What was applied last; nothing in a new store."""
        with translated():
            found = self._client.get(APPLIED)
        return _applied(found) if found else None

    def apply(self, applied: Applied) -> None:
        """Let every process take it."""
        with translated():
            self._client.set(APPLIED, msgspec.json.encode(applied))

    def note(self, process: Process) -> None:
        """Let everybody know what a process runs; it is forgotten unless it says so again."""
        said = msgspec.json.encode(process)
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(process_of(process.id), said, ex=FORGOTTEN_S)
            pipeline.sadd(PROCESSES, process.id)
            pipeline.execute()

    def withdraw(self, id_: str) -> None:
        """Forget a process that ends."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.delete(process_of(id_))
            pipeline.srem(PROCESSES, id_)
            pipeline.execute()

    def processes(self) -> list[Process]:
        """The processes that run, by name and host."""
        with translated():
            ids = sorted(id_.decode() for id_ in self._client.smembers(PROCESSES))
            with self._client.pipeline(transaction=False) as pipeline:
                for id_ in ids:
                    pipeline.get(process_of(id_))
                rows = pipeline.execute() if ids else []
            gone = [id_ for id_, row in zip(ids, rows, strict=True) if row is None]
            if gone:
                self._client.srem(PROCESSES, *gone)
        found = [_process(row) for row in rows if row is not None]
        return sorted(found, key=lambda one: (one.name, one.host, one.pid))
