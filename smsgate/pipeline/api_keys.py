"""API keys: who calls, and what may they do; making, rotating and revoking keys.

A key is ``sgk_`` and 256 random bits. Only its SHA-256 is kept, and that is enough: a slow hash
protects words that people choose, and nobody finds one of 2^256 keys by trying, however fast the
hash; a slow one would only cost every call. A copy of the database opens nothing.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from smsgate.domain.errors import (
    Forbidden,
    KeyExists,
    NoSuchKey,
    StoreUnavailable,
    TooManyCalls,
    Unauthorized,
    Unfit,
)
from smsgate.domain.signing import as_bytes, same
from smsgate.records.api_keys import ApiKeyCache, ApiKeyRow, ApiKeyStorage, KeyScope
from smsgate.settings import Secret
from smsgate.store import Store

SCOPES: tuple[KeyScope, ...] = ("check", "write", "admin")
"""What a key may do; each may do what those before it may."""
OF_ENVIRONMENT = "environment"
"""The name of whoever calls with one of ``SMSGATE_API_KEYS``."""
_PREFIX = "sgk_"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key it was."""

    name: str
    scope: KeyScope
    programs: frozenset[str] = frozenset()
    """Every name of the programs that the key is limited to; none: it is for every program."""

    def may(self, program: str) -> bool:
        """Whether the key is for a program."""
        return not self.programs or program in self.programs

    def require_program(self, program: str) -> None:
        """Raise ``Forbidden`` unless the key is for the program (or for the scope ``all``)."""
        if not self.may(program):
            raise Forbidden(
                f"The key {self.name!r} is limited to {', '.join(sorted(self.programs))}, and this "
                f"is about {program!r}: use another key, or make one with `smsgate keys make`."
            )

    def require_all_programs(self) -> None:
        """Raise ``Forbidden`` where the key is limited to programs."""
        if self.programs:
            raise Forbidden(
                f"The key {self.name!r} is limited to {', '.join(sorted(self.programs))}, and this "
                "call is about all programs: use another key, or make one with `smsgate keys make`."
            )

    def require(self, scope: KeyScope) -> None:
        """Raise ``Forbidden`` unless the key may do what needs that scope."""
        if SCOPES.index(self.scope) < SCOPES.index(scope):
            raise Forbidden(
                f"The key {self.name!r} has the scope {self.scope!r}, and this call needs "
                f"{scope!r}: use another key, or make one with `smsgate keys make`."
            )


class Keyring:
    """The keys that open, read from the records every few seconds."""

    def __init__(
        self,
        known: Callable[[], ApiKeyCache],
        of_environment: Sequence[Secret],
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        """``known()`` gives the records' keys; the environment's open without asking them.

        ``renamed`` has by former name the name of a program now.
        """
        self._known = known
        self._renamed = renamed or {}
        self._environment = [sha256(as_bytes(one.value)).digest() for one in of_environment]

    def load(self) -> None:
        """Read the keys now, so that they open even if the database goes away before a call."""
        self._known().rows()

    def who(self, header: str) -> Caller:
        """Who calls with an ``Authorization`` header.

        The hash is compared with that of every key, each in constant time. Raises ``Unauthorized``;
        and ``RecordsUnavailable`` or ``RecordsNotReady`` where a key that may be one of ours cannot
        be looked up.
        """
        scheme, _, given = header.partition(" ")
        digest = sha256(as_bytes(given.strip())).digest()
        bearer = scheme.lower() == "bearer" and bool(given.strip())
        if any([same(digest, one) for one in self._environment]) and bearer:  # noqa: C419
            return Caller(OF_ENVIRONMENT, "admin")
        known = self._known()
        rows = known.rows() if bearer else []
        now_us = time.time() * 1_000_000
        found = [row for row in rows if same(digest, row.digest)]
        for row in found:
            if not row.ends_us or now_us < row.ends_us:
                return Caller(row.name, row.scope, self._every_name(row.programs))
        if bearer and not found and known.problem is not None and given.strip().startswith(_PREFIX):
            raise type(known.problem)(f"this key cannot be looked up: {known.problem}")
        raise Unauthorized(
            "Give a key as `Authorization: Bearer <key>`: one that `smsgate keys make` made, or "
            "one of SMSGATE_API_KEYS."
        )

    def _every_name(self, programs: Iterable[str]) -> frozenset[str]:
        """The programs under the names that they have and had."""
        names = {name for one in programs for name in (one, self._renamed.get(one, one))}
        return frozenset(names | {old for old, new in self._renamed.items() if new in names})


def make(
    keys: ApiKeyStorage,
    name: str,
    scope: KeyScope,
    actor: str,
    now_us: int,
    programs: Sequence[str] = (),
) -> str:
    """Make a key and give it: this once; limited to ``programs``, if there are any.

    Raises ``KeyExists``, ``Unfit``, ``Records…``.
    """
    if not _NAME.fullmatch(name) or name == OF_ENVIRONMENT:
        raise Unfit(f"{name!r} is no fit name for a key: use a-z, 0-9, dot, - and _, such as crm")
    key, row = _new(name, scope, actor, now_us, programs)
    if keys.add(row):
        raise KeyExists(f"there is a key {name!r} already: `smsgate keys rotate {name}`")
    return key


def rotate(keys: ApiKeyStorage, name: str, grace_s: float, actor: str, now_us: int) -> str:
    """Make a new key of that name and give it; those before it end after ``grace_s`` seconds.

    Raises ``NoSuchKey``, ``Records…``.
    """
    newest = next((row for row in keys.all(now_us) if row.name == name), None)
    if newest is None:
        raise _unknown(name)
    key, row = _new(name, newest.scope, actor, now_us, newest.programs)
    keys.add(row, ends_us=now_us + int(grace_s * 1_000_000))
    return key


def revoke(keys: ApiKeyStorage, name: str, now_us: int) -> int:
    """End every key of that name now; gives how many. Raises ``NoSuchKey``, ``Records…``."""
    ended = keys.end(name, now_us)
    if not ended:
        raise _unknown(name)
    return len(ended)


def _new(
    name: str, scope: KeyScope, actor: str, now_us: int, programs: Sequence[str]
) -> tuple[str, ApiKeyRow]:
    key = _PREFIX + secrets.token_urlsafe(32)
    digest = sha256(key.encode()).digest()
    return key, ApiKeyRow(
        secrets.token_hex(4), name, scope, digest, now_us, actor, programs=tuple(programs)
    )


def _unknown(name: str) -> NoSuchKey:
    return NoSuchKey(f"no key {name!r} opens anything: `smsgate keys list` has those that do")


_SHARE_S = 0.02
"""A process takes as many calls at once as come back in this time …"""
_OF_BURST = 50
"""… and no more than this part of a full bucket."""
_KEPT_S = 1.0


class RateLimit:
    """Counts the calls of keys."""

    def __init__(self, store: Store, per_second: float, burst: int) -> None:
        """``per_second`` calls in the long run (0 is no limit), ``burst`` at once after a pause."""
        self._store = store
        self._per_second = per_second
        self._burst = burst
        self._share = max(1, min(int(per_second * _SHARE_S), burst // _OF_BURST))
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[int, float]] = {}
        """By key how many calls are at hand, and until when."""

    def count(self, key: str) -> None:
        """Count one call of a key. Raises ``TooManyCalls``.

        Where Redis is away the call goes on: whatever needs Redis says so itself.
        """
        if not self._per_second or self._has(key):
            return
        try:
            wait_s = self._take(key, self._share)
            if wait_s and self._share > 1:
                wait_s = self._take(key, 1)
        except StoreUnavailable:
            return
        if wait_s:
            raise TooManyCalls(
                f"This key may make {self._per_second:g} calls a second, {self._burst:,} at once; "
                "ask about many numbers in one call, or wait as Retry-After says.",
                wait_s,
            )

    def _has(self, key: str) -> bool:
        with self._lock:
            left, until = self._taken.get(key, (0, 0.0))
            if left < 1 or until < time.monotonic():
                return False
            self._taken[key] = (left - 1, until)
        return True

    def _take(self, key: str, wanted: int) -> float:
        wait_s = self._store.allowances.take(key, wanted, self._per_second, self._burst)
        if not wait_s and wanted > 1:
            with self._lock:
                self._taken[key] = (wanted - 1, time.monotonic() + _KEPT_S)
        return wait_s
