"""API keys: who calls, and what may they do.

A key is ``sgk_`` and 256 random bits. Only its SHA-256 is kept, and that is enough: a slow hash
protects words that people choose, and nobody finds one of 2^256 keys by trying, however fast the
hash; a slow one would only cost every call. A copy of the database opens nothing.

Keys must outlive Redis, so the records' database keeps them. Each process has those that it read
last: an outage of the database must not be one of the gate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal, NoReturn, TypeAlias, get_args

import structlog
from pydantic import SecretStr
from sqlalchemy import ColumnElement, Row, insert, or_, select, update

from smsgate.domain.errors import Forbidden, RecordsUnavailable, Unauthorized
from smsgate.domain.signing import as_bytes, same
from smsgate.records.database import DatabasePart, lookup
from smsgate.records.reader import rows_of
from smsgate.records.tables import api_keys

KeyScope: TypeAlias = Literal["check", "write", "admin"]
"""What a key may do; each may do what those before it may."""
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
OF_ENVIRONMENT = "environment"
"""The name of callers with one of ``SMSGATE_API_KEYS``."""
PREFIX = "sgk_"
TRUST_S = 3.0
"""How long the keys that were read are believed: a revoked one is refused within 5 s."""
_log = structlog.get_logger("smsgate.keys")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by the key that was given."""

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
            self._refuse(f"is limited to {self._limits}, and this is about {program!r}")

    def require_all_programs(self) -> None:
        """Raise ``Forbidden`` where the key is limited to programs."""
        if self.programs:
            self._refuse(f"is limited to {self._limits}, and this call is about all programs")

    def require(self, scope: KeyScope) -> None:
        """Raise ``Forbidden`` unless the key may do what needs that scope."""
        if SCOPES.index(self.scope) < SCOPES.index(scope):
            self._refuse(f"has the scope {self.scope!r}, and this call needs {scope!r}")

    @property
    def _limits(self) -> str:
        return ", ".join(sorted(self.programs))

    def _refuse(self, why: str) -> NoReturn:
        raise Forbidden(
            f"The key {self.name!r} {why}: use another key, or make one with `smsgate keys make`."
        )


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """One key, without itself."""

    id: str
    name: str
    scope: KeyScope
    digest: bytes
    """SHA-256 of the key."""
    made_us: int
    made_by: str
    ends_us: int = 0
    """When it ceases to open; 0 is never."""
    programs: tuple[str, ...] = ()
    """What it is limited to; none: it is for every program."""


class ApiKeys(DatabasePart):
    """The keys in the database. Every method raises ``RecordsUnavailable``."""

    changed_at = -TRUST_S
    """When this process last changed a key, by the monotonic clock."""

    def all(self, now_us: int) -> list[ApiKeyRow]:
        """Return every key that opens at that time, by name, then the newest first."""
        asked = select(api_keys).where(_open(now_us))
        asked = asked.order_by(api_keys.c.name, api_keys.c.made_us.desc())
        return [_key_row(row) for row in rows_of(self._database, asked)]

    def add(self, row: ApiKeyRow, ends_us: int | None = None) -> list[ApiKeyRow]:
        """Add a key; return those of its name that opened before.

        With ``ends_us`` those end then, in the same transaction; without, and where there are
        any, nothing is written.
        """
        with self._database.writing() as connection:
            same = (api_keys.c.name == lookup(row.name)) & _open(row.made_us)
            before = [_key_row(one) for one in connection.execute(select(api_keys).where(same))]
            if before and ends_us is None:
                return before
            if before:
                ends = or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > ends_us)
                connection.execute(update(api_keys).where(same & ends).values(ends_us=ends_us))
            values = asdict(row)
            kept = {"name": lookup(row.name), "programs": ",".join(row.programs)}
            connection.execute(insert(api_keys).values(values | kept))
        self.changed_at = time.monotonic()
        return before

    def end(self, name: str, now_us: int) -> Sequence[str]:
        """End every key of that name now; return their ids."""
        with self._database.writing() as connection:
            same = (api_keys.c.name == lookup(name)) & _open(now_us)
            ids = [*connection.scalars(select(api_keys.c.id).where(same))]
            connection.execute(update(api_keys).where(same).values(ends_us=now_us))
        self.changed_at = time.monotonic()
        return ids


def _key_row(row: Row[Any]) -> ApiKeyRow:
    """Return a row of the table; names of programs have no comma."""
    values = dict(zip(ApiKeyRow.__slots__, row, strict=True))
    return ApiKeyRow(**values | {"programs": tuple(filter(None, values["programs"].split(",")))})


def _open(now_us: int) -> ColumnElement[bool]:
    return or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > now_us)


class Keyring:
    """The keys that open, read from the records every few seconds."""

    def __init__(
        self,
        keys: ApiKeys | None,
        of_environment: Sequence[SecretStr],
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        """``keys``: those of the records, if they open; ``of_environment``: further ones.

        ``renamed`` has by former name the name of a program now.
        """
        self._keys = keys
        self._lock = threading.Lock()
        self._rows: Sequence[ApiKeyRow] = ()
        self._problem: RecordsUnavailable | None = None
        self._read_at = -TRUST_S
        self._known()  # so that a process knows them when the records are away later
        self._renamed = renamed or {}
        self._environment = [
            sha256(as_bytes(one.get_secret_value())).digest() for one in of_environment
        ]

    def authenticate(self, header: str) -> Caller:
        """Return who calls with an ``Authorization`` header.

        The hash is compared with that of every key, each in constant time. Raises ``Unauthorized``;
        and ``RecordsUnavailable`` where a key that may be one of ours cannot
        be looked up.
        """
        scheme, _, given = header.partition(" ")
        digest = sha256(as_bytes(given.strip())).digest()
        bearer = scheme.lower() == "bearer" and bool(given.strip())
        if any([same(digest, one) for one in self._environment]) and bearer:  # noqa: C419
            return Caller(OF_ENVIRONMENT, "admin")
        rows = self._known() if bearer else ()
        now_us = time.time() * 1_000_000
        found = [row for row in rows if same(digest, row.digest)]
        for row in found:
            if not row.ends_us or now_us < row.ends_us:
                # A program has its own name and every former one.
                names = {self._renamed.get(one, one) for one in row.programs} | {*row.programs}
                former = {old for old, new in self._renamed.items() if new in names}
                return Caller(row.name, row.scope, frozenset(names | former))
        problem = self._problem
        if bearer and not found and problem is not None and given.strip().startswith(PREFIX):
            raise type(problem)(f"this key cannot be looked up: {problem}")
        raise Unauthorized(
            "Give a key as `Authorization: Bearer <key>`: one of SMSGATE_API_KEYS; for /v1 also "
            "one that `smsgate keys make` made, for /metrics and /readyz one of "
            "SMSGATE_METRICS_KEYS."
        )

    def _known(self) -> Sequence[ApiKeyRow]:
        """Return the keys, read again every few seconds by one thread; others use what is known.

        What this process changed is known at once. While the database is away, the keys that were
        read last go on to open. Nobody can revoke a key meanwhile, either.
        """
        if self._keys is None:
            return ()
        now = time.monotonic()
        is_due = now - self._read_at >= TRUST_S or self._keys.changed_at >= self._read_at
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._rows, self._problem = self._keys.all(int(time.time() * 1_000_000)), None
            except RecordsUnavailable as error:
                _log.warning("keys cannot be read", problem=str(error))
                self._problem = error
            finally:
                self._read_at = now
                self._lock.release()
        return self._rows
