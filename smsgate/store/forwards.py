"""Messages that wait for the application of their program, those of a number in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.forwards import Forward, UndeliveredForward
from smsgate.domain.messages import Reply
from smsgate.store.connection import Call, Script, existing, json_text
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, PARTITIONS, PartitionKeys, partition_of
from smsgate.store.redis_types import Client

LEASE_MS = 30_000
"""Longer than the longest call, so that only a dead sender loses a claim."""

_encode = msgspec.json.encode
_decode_forward = msgspec.json.Decoder(Forward).decode
_decode_undelivered = msgspec.json.Decoder(UndeliveredForward).decode


@dataclass(frozen=True, slots=True)
class ForwardClaim:
    """A forward that is this sender's while the lease runs."""

    partition: int
    forward: Forward
    token: str
    now_us: int
    """When it was claimed, on Redis's clock."""


class Forwards:
    """The forwards of all partitions. Every method raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._claim = Script(client, "forward_claim")
        self._settle = Script(client, "forward_settle")
        self._drop = Script(client, "forward_drop")
        self._bury = Script(client, "forward_bury")

    def claim(self, program: str, count: int, first: int = 0) -> list[ForwardClaim]:
        """Claim up to ``count`` forwards of a program that are due, in one round trip.

        Of a number only the oldest. The partitions have equal shares; a remainder goes to those
        from ``first`` on. A partition that fails gives none; raises only if all fail.
        """
        token = token_hex(8)
        shares = {
            (first + step) % PARTITIONS: (count + PARTITIONS - 1 - step) // PARTITIONS
            for step in range(min(count, PARTITIONS))
        }
        if not shares:
            return []
        calls: list[Call] = []
        for partition, share in shares.items():
            keys = PARTITION_KEYS[partition]
            names = [keys.forwards_due(program), keys.forwards, keys.forwards_claims, keys.metadata]
            prefix = keys.forwards_of(program, "")
            calls.append((names, [prefix, f"{program}:", token, LEASE_MS, share]))
        results = self._claim.each(calls)
        failed = [one for one in results if isinstance(one, StoreUnavailable)]
        if len(failed) == len(results):
            raise failed[0]
        return [
            ForwardClaim(partition, _decode_forward(row), token, result[0])
            for partition, result in zip(shares, results, strict=True)
            if not isinstance(result, StoreUnavailable)
            for row in result[1:]
        ]

    def complete(
        self, claim: ForwardClaim, event: Event, replies: Sequence[Reply] = ()
    ) -> tuple[bool, bool]:
        """Remove a claimed forward, record the event, and put replies into the outbox.

        Returns whether the claim was still ours (else nothing is done), and whether a job for the
        outbox is wanted.
        """
        return self._settle_claim(claim, "", 0, replies, _encode(event))

    def retry_later(self, claim: ForwardClaim, forward: Forward, due_us: int) -> bool:
        """Put a claimed forward back, due later. False if the claim was no longer ours."""
        return self._settle_claim(claim, json_text(forward), due_us // 1000, ())[0]

    def waiting_partitions(self) -> list[int]:
        """Those with forwards that wait."""
        return existing(self._client, [keys.forwards_since for keys in PARTITION_KEYS])

    def overdue(self, partition: int, before_us: int, count: int) -> list[Forward]:
        """Forwards of a partition that have waited since before then; the oldest first."""
        keys = PARTITION_KEYS[partition]
        ids = self._client.zrange(
            keys.forwards_since, "-inf", before_us // 1000, byscore=True, offset=0, num=count
        )
        return self._read(keys, ids)

    def waiting(self, partition: int) -> list[Forward]:
        """The forwards of a partition, as they came."""
        keys = PARTITION_KEYS[partition]
        ids = self._client.zrange(keys.forwards_since, 0, -1)
        return sorted(self._read(keys, ids), key=lambda forward: forward.id)

    def dead(self, partition: int) -> list[UndeliveredForward]:
        """The forwards of a partition that were given up, oldest first."""
        rows = self._client.hvals(PARTITION_KEYS[partition].forwards_dead)
        return sorted((_decode_undelivered(row) for row in rows), key=lambda one: one.at_us)

    def give_up(self, undelivered: UndeliveredForward, event: Event) -> bool:
        """Keep a waiting forward for a person. False if it is claimed or gone."""
        return self._remove_waiting(undelivered.forward, _encode(undelivered), _encode(event))

    def drop(self, forward: Forward) -> bool:
        """Remove a pending forward for good. False if no forward has that id."""
        return self._remove_waiting(forward)

    def settle_dead(
        self, undelivered: UndeliveredForward, event: Event, again: Forward | None = None
    ) -> bool:
        """Remove one that was given up; ``again`` waits in its old place.

        False if there is none of that id.
        """
        encoded = _encode(again) if again else b""
        return self._remove_dead(undelivered.forward, encoded, _encode(event))

    def forget(self, number: str) -> int:
        """Remove everything of a number, waiting or given up; returns how many there were."""
        partition = partition_of(number)
        waiting = [one for one in self.waiting(partition) if one.entry.number == number]
        dead = [one.forward for one in self.dead(partition) if one.forward.entry.number == number]
        removed = sum(self._remove_waiting(one) for one in waiting)
        return removed + sum(self._remove_dead(one) for one in dead)

    def _read(self, keys: PartitionKeys, ids: Iterable[bytes]) -> list[Forward]:
        wanted = list(ids)
        rows = self._client.hmget(keys.forwards, wanted) if wanted else []
        return [_decode_forward(row) for row in rows if row is not None]

    def _settle_claim(
        self,
        claim: ForwardClaim,
        again: str,
        due_ms: int,
        replies: Sequence[Reply],
        event: bytes = b"",
    ) -> tuple[bool, bool]:
        keys, entry = PARTITION_KEYS[claim.partition], claim.forward.entry
        names = [
            keys.forwards_due(entry.program),
            keys.forwards,
            keys.forwards_claims,
            keys.forwards_since,
            keys.forwards_of(entry.program, entry.number),
            keys.outbox,
            keys.replies,
            keys.notify_outbox,
            keys.ledger,
        ]
        packed = msgspec.msgpack.encode([(one.id, json_text(one)) for one in replies])
        args: list[str | bytes | int] = [_claim_field(claim.forward), claim.token, entry.number]
        args += [claim.forward.id, again, due_ms, NOTIFY_MS, packed, event]
        was_ours, notify = self._settle(names, args)
        return was_ours == 1, notify == 1

    def _remove_waiting(
        self, forward: Forward, undelivered: bytes = b"", event: bytes = b""
    ) -> bool:
        entry = forward.entry
        keys = PARTITION_KEYS[partition_of(entry.number)]
        names = [
            keys.forwards_due(entry.program),
            keys.forwards,
            keys.forwards_claims,
            keys.forwards_since,
            keys.forwards_of(entry.program, entry.number),
            keys.forwards_dead,
            keys.ledger,
        ]
        args: list[str | bytes | int] = [_claim_field(forward), entry.number, forward.id]
        args += [undelivered, event]
        return bool(self._drop(names, args) == 1)

    def _remove_dead(self, forward: Forward, again: bytes = b"", event: bytes = b"") -> bool:
        entry = forward.entry
        keys = PARTITION_KEYS[partition_of(entry.number)]
        names = [
            keys.forwards_due(entry.program),
            keys.forwards,
            keys.forwards_since,
            keys.forwards_of(entry.program, entry.number),
            keys.forwards_dead,
            keys.ledger,
        ]
        return bool(self._bury(names, [entry.number, forward.id, again, event]) == 1)


def _claim_field(forward: Forward) -> str:
    """The field of the hash of claims."""
    return f"{forward.entry.program}:{forward.entry.number}"
