"""What is remembered of an account's requests: when they were accepted, and refused ones."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from smsgate.store.connection import Client, as_text, hash_rows, pipelined
from smsgate.store.shared_keys import shared_key

KEPT_S = 30 * 24 * 3600
UNBLOCKED_KEPT_S = 7 * 24 * 3600
"""How long an opt-out that blocked nobody is shown; its event stays in the records."""
_MAX_UNBLOCKED = 1_000
_SHOWN_CHARS = 100


@dataclass(frozen=True, slots=True)
class AcceptedRequests:
    """Moments in ms; 0 is never."""

    newest_ms: int = 0
    """By the account's newest secrets."""
    older_ms: int = 0
    """By an older one, since there have been several."""
    several_since_ms: int = 0
    """Since when there have been several; 0 where there is but one."""


class Acceptance:
    """One hash for each account, gone a month after its last request; and its lost opt-outs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def note_unblocked(self, account: str, number: str) -> None:
        """Note an opt-out that blocks nobody, with its sender. Raises ``StoreUnavailable``."""
        key, now_s = shared_key("unblocked", account), int(time.time())
        with pipelined(self._client) as pipeline:
            pipeline.zadd(key, {number[:_SHOWN_CHARS]: now_s})
            pipeline.zremrangebyrank(key, 0, -_MAX_UNBLOCKED - 1)
            pipeline.expire(key, UNBLOCKED_KEPT_S)
            pipeline.execute()

    def unblocked(self, account: str) -> list[str]:
        """The senders of such opt-outs, newest first. Raises ``StoreUnavailable``."""
        since_s = int(time.time()) - UNBLOCKED_KEPT_S
        found = self._client.zrange(shared_key("unblocked", account), since_s, "+inf", byscore=True)
        return [as_text(number) for number in reversed(cast("list[bytes]", found))]

    def note(self, account: str, *, newest: bool, several: bool) -> None:
        """Note a request that was accepted just now. Raises ``StoreUnavailable``."""
        key, now_ms = shared_key("accepted", account), _now_ms()
        with pipelined(self._client) as pipeline:
            pipeline.hset(key, "newest" if newest else "older", now_ms)
            if several:
                pipeline.hsetnx(key, "several", now_ms)
            else:  # The rotation is over; the next one begins anew.
                pipeline.hdel(key, "several", "older")
            pipeline.expire(key, KEPT_S)
            pipeline.execute()

    def last(self, account: str) -> AcceptedRequests:
        """When requests were last accepted. Raises ``StoreUnavailable``."""
        found = self._client.hgetall(shared_key("accepted", account))
        fields = (b"newest", b"older", b"several")
        return AcceptedRequests(*[int(found.get(name, 0)) for name in fields])


CAP = 50
"""Kinds of request that are kept for an account, of those without an explanation."""
EXPLAINED = 25
"""And of those that a setting explains. A forger cannot make these, nor push them out."""
DAY_S = 24 * 3600
_MINUTE_MS = 60_000
_HOUR_S = 3600
_FIELDS = 2 * (CAP + EXPLAINED) + CAP
"""Fields from which on the hash is tidied up."""

_encode = msgspec.json.encode


class RefusedRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refused request without its contents: no secret, number or text in clear."""

    problem: str
    """The sentence that it was refused with."""
    finding: str
    """What trying other addresses and accounts showed."""
    method: str
    url: str
    """As we put it together; the secret of the path and the values of the query are masked."""
    headers: tuple[str, ...] = ()
    """Names."""
    signatures: dict[str, int] = {}
    """Length of each header that may be a signature."""
    body_bytes: int = 0
    body_sha256: str = ""
    fields: tuple[str, ...] = ()
    """Names in the form."""
    cause: str = ""
    """What explains it: ``url``, ``account`` or ``clock`` of ours, or ``text``, where a genuine
    request lacks one; empty where nothing does."""
    at_ms: int = 0
    """When it came; of several of one kind, the newest."""
    count: int = 1
    """How many of this kind came; set by reading."""
    v: int = 1


_decode = msgspec.json.Decoder(RefusedRequest).decode


class Quarantine:
    """One hash for each account, gone a day after its last request.

    Requests that differ in nothing but their bodies are one kind: the newest is kept, and the
    others are counted. So a flood of one forgery is one row, and hides nothing. The hash has
    fields ``r:KIND`` (JSON) and ``n:KIND`` (how many); a key of each minute has how many in all.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, account: str, refused: RefusedRequest) -> None:
        """Keep one request. Raises ``StoreUnavailable``."""
        key, kind, now_ms = shared_key("quarantined", account), _kind(refused), _now_ms()
        row = msgspec.structs.replace(refused, at_ms=refused.at_ms or now_ms)
        minute = shared_key("quarantined", account, str(now_ms // _MINUTE_MS))
        with pipelined(self._client) as pipeline:
            pipeline.incr(minute)
            pipeline.expire(minute, _HOUR_S)
            pipeline.hset(key, f"r:{kind}", _encode(row))
            pipeline.hincrby(key, f"n:{kind}", 1)
            pipeline.expire(key, DAY_S)
            pipeline.hlen(key)
            fields = int(pipeline.execute()[-1])
        if fields > _FIELDS:
            self._tidy(key)

    def newest(self, account: str) -> list[RefusedRequest]:
        """The kinds of the last 24 hours, newest first. Raises ``StoreUnavailable``."""
        since_ms = _now_ms() - DAY_S * 1000
        rows = _rows(self._all(shared_key("quarantined", account))).values()
        recent = (row for row in rows if row.at_ms > since_ms)
        return sorted(recent, key=lambda row: row.at_ms, reverse=True)

    def count(self, account: str, seconds: float) -> int:
        """How many came in the last seconds, to the minute. Raises ``StoreUnavailable``."""
        last = _now_ms() // _MINUTE_MS
        first = last - int(seconds * 1000) // _MINUTE_MS
        with pipelined(self._client) as pipeline:
            for minute in range(first, last + 1):
                pipeline.get(shared_key("quarantined", account, str(minute)))
            return sum(int(count or 0) for count in pipeline.execute())

    def _all(self, key: str) -> dict[str, bytes]:
        return hash_rows(self._client.hgetall(key))

    def _tidy(self, key: str) -> None:
        """Leave the kinds that count. Two at once do no harm."""
        found = self._all(key)
        kept = _kept(_rows(found))
        gone = [name for name in found if name[2:] not in kept]
        if gone:
            self._client.hdel(key, *gone)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _kind(refused: RefusedRequest) -> str:
    """What requests of one kind have in common, as a hash."""
    alike = msgspec.structs.replace(refused, body_bytes=0, body_sha256="", at_ms=0, count=1)
    return hashlib.blake2b(_encode(alike), digest_size=8).hexdigest()


def _rows(found: Mapping[str, bytes]) -> dict[str, RefusedRequest]:
    return {
        name[2:]: msgspec.structs.replace(
            _decode(value), count=int(found.get(f"n:{name[2:]}", b"1"))
        )
        for name, value in found.items()
        if name.startswith("r:")
    }


def _kept(rows: Mapping[str, RefusedRequest]) -> set[str]:
    """The kinds that stay: of the unexplained, the newest and as many that came most often.

    A forger that varies its requests makes many kinds of one each; a provider that signs with
    another secret than ours makes one kind of many.
    """
    kinds = sorted(rows, key=lambda kind: rows[kind].at_ms, reverse=True)
    explained = [kind for kind in kinds if rows[kind].cause]
    others = [kind for kind in kinds if not rows[kind].cause]
    newest, older = others[: CAP // 2], others[CAP // 2 :]
    often = sorted(older, key=lambda kind: rows[kind].count, reverse=True)
    return {*explained[:EXPLAINED], *newest, *often[: CAP // 2]}
