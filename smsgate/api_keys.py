"""API keys: who calls, and what may they do.

A key is ``sgk_`` and 256 random bits. Only its SHA-256 is kept, and that is enough: a slow hash
protects words that people choose, and nobody finds one of 2^256 keys by trying, however fast the
hash; a slow one would only cost every call. A copy of the database opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

from pydantic import SecretStr

from smsgate.domain.errors import Forbidden, Unauthorized
from smsgate.domain.signing import as_bytes, same
from smsgate.records.api_keys import ApiKeyStorage, KeyScope

SCOPES: tuple[KeyScope, ...] = ("check", "write", "admin")
"""What a key may do; each may do what those before it may."""
OF_ENVIRONMENT = "environment"
"""The name of callers with one of ``SMSGATE_API_KEYS``."""
PREFIX = "sgk_"


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


class Keyring:
    """The keys that open, read from the records every few seconds."""

    def __init__(
        self,
        keys: ApiKeyStorage | None,
        of_environment: Sequence[SecretStr],
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        """``keys``: those of the records, if they open; ``of_environment``: further ones.

        ``renamed`` has by former name the name of a program now.
        """
        self._keys = keys
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
        rows = self._keys.known() if bearer and self._keys is not None else []
        now_us = time.time() * 1_000_000
        found = [row for row in rows if same(digest, row.digest)]
        for row in found:
            if not row.ends_us or now_us < row.ends_us:
                # A program has its own name and every former one.
                names = {self._renamed.get(one, one) for one in row.programs} | {*row.programs}
                former = {old for old, new in self._renamed.items() if new in names}
                return Caller(row.name, row.scope, frozenset(names | former))
        problem = self._keys.problem if self._keys is not None else None
        if bearer and not found and problem is not None and given.strip().startswith(PREFIX):
            raise type(problem)(f"this key cannot be looked up: {problem}")
        raise Unauthorized(
            "Give a key as `Authorization: Bearer <key>`: one of SMSGATE_API_KEYS; for /v1 also "
            "one that `smsgate keys make` made, for /metrics and /readyz one of "
            "SMSGATE_METRICS_KEYS."
        )
