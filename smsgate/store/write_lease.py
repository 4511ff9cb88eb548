"""The write lease: the store took a write a moment ago, so it can take opt-outs.

A Redis may answer reads while it refuses every write: its ``maxmemory`` is reached under
``noeviction``, ``min-replicas-to-write`` is not met, its disk is full, or it is a primary that lost
an election. An opt-out then waits in a host's spool, where no gate sees it. So the processes that
take opt-outs (``web``) or look after the store (``clock``) renew a lease in every partition, and
the gate answers only while the lease of its partition lasts, by Redis's clock. One process renews
it for all, every 2.5 seconds; where it ends, the next one does.

A host that has opt-outs in its spool says so with each renewal; the gate does not answer until they
are in the inbox. After a lapse the gate stays shut for as long as a host may need to say so.

A server that nobody has compared with the records may be an older copy, which lacks opt-outs; its
lease is not renewed. The metadata keep the run id of the server that was compared last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import msgspec
from redis.typing import EncodableT, FieldT

from smsgate.domain.errors import Obstacle, StoreNotReady
from smsgate.store.connection import Client, Script, now_us, of_partitions
from smsgate.store.keys import PARTITION_KEYS

LASTS_MS = 5_000
"""How long a renewal holds: how much later than a refused write the gate answers at most."""
SHUT_MS = 5_000
"""How long the gate stays shut after a lapse: two looks of a host at its spool, and a round trip's
limit."""
FRESH_MS = 1_500
"""A lease as young as this is left alone, so that many processes write no more than one does."""
FIRST_MS = LASTS_MS
"""How long the first lease of a new store holds, in which nothing can be missing."""


CANNOT_TELL = "the gate cannot tell"
"""How the gate's error begins where it has no answer."""


class SpooledOptOuts(msgspec.Struct, frozen=True):
    """What one host reports of the opt-outs in its spool, and of texts that may be such."""

    host: str
    count: int
    at_s: int
    """When it said so; seconds since 1970, by its own clock, to ten seconds."""
    folder: str = ""
    """The data directory."""


_START = (
    "start `smsgate run web` and `clock`; where they run, their log line "
    "`write lease waits` says what hinders them"
)


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The lease of a partition, in milliseconds of Redis's clock."""

    now_ms: int
    ends_ms: int
    """Until when it holds; 0 where it was never taken."""
    opens_ms: int
    """From when on the gate may answer."""
    spooled: Mapping[str, SpooledOptOuts]
    """By spool id, the report of each host that has opt-outs in its spool."""

    @property
    def lapsed(self) -> bool:
        """Whether it has expired."""
        return self.now_ms > self.ends_ms

    def obstacle(self) -> Obstacle | None:
        """Why the gate cannot tell; None where it can."""
        if not self.ends_ms:
            return Obstacle(
                "no process `web` or `clock` has renewed the store's write lease yet", _START
            )
        if self.lapsed:
            silent_s = (self.now_ms - self.ends_ms + LASTS_MS) / 1000
            return Obstacle(
                f"the store has taken no write of `web` or `clock` for {silent_s:.0f} s: opt-outs "
                "may be missing from it",
                _START,
            )
        if self.spooled:
            hosts = sorted(self.spooled.values(), key=lambda one: one.host)
            told = ", ".join(f"{one.count} on host {one.host}" for one in hosts)
            return Obstacle(
                f"opt-outs wait in spools and are not in the store yet: {told}",
                "let `web` of that host reach Redis: it hands them over by itself; a host that is "
                "gone for good: `smsgate spool forget HOST`",
            )
        if self.now_ms < self.opens_ms:
            left_s = (self.opens_ms - self.now_ms) / 1000
            return Obstacle(
                f"the store takes writes again; for {left_s:.1f} s more, hosts say whether "
                "opt-outs wait in their spools",
                "wait",
            )
        return None


class Renewal(NamedTuple):
    """What became of a renewal."""

    ends_ms: int
    """Until when the first partition's lease holds."""
    is_renewed: bool
    """Whether it was not left alone."""
    not_compared: str
    """Run ids of the servers that must be compared with the records first; mostly empty."""


_spools = msgspec.json.Decoder(dict[str, SpooledOptOuts]).decode
_FIELDS = ("lease", "opens", "spooled")
"""Of the store metadata: until when and from when on (ms) the gate may answer; id of each host's
spool -> what the host says of it (JSON), empty or absent where no host has opt-outs in one."""


_NONE = (b"{}", None)
"""What ``spooled`` is where no host has opt-outs in its spool."""


class WriteLease:
    """Renews and reads the lease of every partition."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._renew = Script(client, "renew")
        self._writes = Script(client, "writes")
        self._forget = Script(client, "forget_spool")

    def renew(
        self, spool_id: str = "", spooled: SpooledOptOuts | None = None, compared: str = ""
    ) -> Renewal:
        """Renew the lease of every partition that takes writes, in one round trip.

        ``spool_id`` names the spool of this host, if it has one; ``spooled`` is what it holds, None
        for no opt-outs. ``compared`` is ``not_compared`` of a renewal before, once those servers
        were compared with the records. Raises ``StoreUnavailable`` where a partition took no write.
        """
        said = msgspec.json.encode(spooled) if spooled is not None else b""
        args = (LASTS_MS, SHUT_MS, FRESH_MS, spool_id, said, compared)
        names = [keys.metadata for keys in PARTITION_KEYS]
        # A script may touch one slot of a cluster; one server does it all in one, for a third.
        calls = [[one] for one in names] if self._client.is_cluster else [names]
        results = self._renew.many((some, args) for some in calls)
        renewals = cast("list[tuple[int, int, bytes]]", results)
        ends_ms, is_renewed, _ = renewals[0]
        unknown = {one[2].decode() for one in renewals}
        return Renewal(ends_ms, bool(is_renewed), " ".join(sorted(unknown)).strip())

    def open(self, lasts_ms: int) -> None:
        """Let the gate answer from now on for so long; for a store that no other host uses.

        Raises ``StoreUnavailable``.
        """
        fields = first_fields(now_us(self._client), lasts_ms)
        of_partitions(self._client, lambda one, keys: one.hset(keys.metadata, mapping=fields))

    def refuse_unwritable(self) -> None:
        """Raise ``StoreUnavailable`` where Redis refuses writes; nothing is written."""
        some = PARTITION_KEYS if self._client.is_cluster else PARTITION_KEYS[:1]
        self._writes.many(([keys.metadata], []) for keys in some)

    def states(self) -> list[LeaseState]:
        """The lease of each partition. Raises ``StoreUnavailable``."""
        rows = of_partitions(self._client, lambda one, keys: one.hmget(keys.metadata, *_FIELDS))
        now_ms = now_us(self._client) // 1000
        return [_state(row, now_ms) for row in rows]

    def obstacle(self) -> Obstacle | None:
        """Why the gate cannot tell of some numbers; None where it can. Raises as ``states``."""
        return next((found for one in self.states() if (found := one.obstacle())), None)

    def spooled(self) -> list[SpooledOptOuts]:
        """What hosts report of the opt-outs in their spools. Raises ``StoreUnavailable``."""
        by_spool = {id_: one for state in self.states() for id_, one in state.spooled.items()}
        return sorted(by_spool.values(), key=lambda one: one.host)

    def forget(self, host: str) -> list[SpooledOptOuts]:
        """Delete what a host reported of its spools; gives what that was.

        Raises ``StoreUnavailable``.
        """
        gone = self._forget.many([([keys.metadata], [host]) for keys in PARTITION_KEYS])
        by_spool = {id_: one for said in gone for id_, one in _spools(said).items()}
        return [*by_spool.values()]


def refuse_shut(fields: Sequence[bytes | None], now_ms: int) -> None:
    """Raise ``StoreNotReady`` where the gate cannot tell.

    ``fields``: ``lease``, ``opens``, ``spooled`` of the store metadata; ``now_ms``: Redis's clock.
    """
    ends, opens, spooled = fields
    if ends and opens and spooled in _NONE and int(opens) <= now_ms <= int(ends):
        return  # nearly always, and every answer of the gate comes by here
    obstacle = _state(fields, now_ms).obstacle()
    if obstacle is not None:
        raise StoreNotReady(
            f"{CANNOT_TELL}: {obstacle.problem}; `smsgate doctor` says how to fix it"
        )


def first_fields(at_us: int, lasts_ms: int) -> dict[FieldT, EncodableT]:
    """The store metadata of a lease that begins at a moment of Redis's clock."""
    return {"lease": at_us // 1000 + lasts_ms, "opens": at_us // 1000}


def _state(fields: Sequence[bytes | None], now_ms: int) -> LeaseState:
    ends, opens, spooled = fields
    return LeaseState(now_ms, int(ends or 0), int(opens or 0), _spools(spooled) if spooled else {})
