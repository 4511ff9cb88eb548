"""Leases for what one process at a time may do, and values that all processes share, as JSON."""

from __future__ import annotations

from secrets import token_hex
from typing import Generic, TypeVar

import msgspec

from smsgate.domain.errors import CallInProgress, Unfit
from smsgate.store.connection import Client, Script
from smsgate.store.shared_keys import shared_key

T = TypeVar("T")


class Lease:
    """A lease, or one for each account or the like. Every method raises ``StoreUnavailable``."""

    def __init__(self, client: Client, kind: str, lasts_ms: int) -> None:
        """``kind``: of the key, see ``shared_keys.py``."""
        self._kind, self._lasts_ms = kind, lasts_ms
        self._hold = Script(client, "hold_lease")
        self._release = Script(client, "release_lease")

    def hold(self, process: str, *parts: str) -> bool:
        """Whether the process holds the lease; takes or prolongs it if it may.

        ``parts`` say which lease, where there are several of the kind.
        """
        return bool(self._hold([shared_key(self._kind, *parts)], [process, self._lasts_ms]))

    def take(self) -> bool:
        """Whether nobody held it; now it is held until it ends by itself."""
        return self.hold(token_hex(8))

    def release(self, process: str, *parts: str) -> None:
        """Give up the lease, so that no other process waits for its end."""
        self._release([shared_key(self._kind, *parts)], [process])


class SavedValue(Generic[T]):
    """A value, or one for each account or the like. Every method raises ``StoreUnavailable``."""

    def __init__(
        self, client: Client, kind: str, value: type[T], expires_s: int | None = None
    ) -> None:
        """``kind``: of the key, see ``shared_keys.py``."""
        self._client, self._kind, self._expires_s = client, kind, expires_s
        self._decode = msgspec.json.Decoder(value).decode

    def read(self, *parts: str) -> T | None:
        """What was written last; None where nothing was, or it has expired."""
        found = self._client.get(shared_key(self._kind, *parts))
        return None if found is None else self._decode(found)

    def write(self, value: T, *parts: str) -> None:
        """Write it in place of what is there."""
        key = shared_key(self._kind, *parts)
        self._client.set(key, msgspec.json.encode(value), ex=self._expires_s)

    def add(self, value: T, *parts: str, expires_s: int) -> bool:
        """Write it where nothing is; whether nothing was."""
        key = shared_key(self._kind, *parts)
        return bool(self._client.set(key, msgspec.json.encode(value), nx=True, ex=expires_s))

    def delete(self, *parts: str) -> None:
        """Forget it."""
        self._client.delete(shared_key(self._kind, *parts))


class SentAlert(msgspec.Struct, frozen=True):
    """A condition that an address was told of, and not yet that it is over."""

    began_s: float
    sent_s: float
    is_failure: bool
    title: str


class AlertState(msgspec.Struct, frozen=True):
    """Which alerts were sent and are not over, and which could not be sent."""

    sent: dict[str, SentAlert] = {}
    """By address and condition."""
    failures: dict[str, str] = {}
    """By address, why it did not take the newest message."""


class AlertTest(msgspec.Struct, frozen=True):
    """A test; its results by address are problems, and None while no clock has answered."""

    clock: str = ""
    results: dict[str, str] | None = None


class AnsweredCall(msgspec.Struct, frozen=True):
    """A call of ``/v1`` with an ``Idempotency-Key`` and its answer; status 0 until there is one."""

    fingerprint: str
    """Of method, path, query and body."""
    status: int = 0
    body: str = ""


class AnsweredCalls(SavedValue[AnsweredCall]):
    """Answers by caller and ``Idempotency-Key``, so that a repeated call changes nothing.

    The rules are those of draft-ietf-httpapi-idempotency-key-header.
    """

    KEPT_S = 24 * 3600
    BUSY_S = 60
    """After so long a call whose process died may be made again."""

    def __init__(self, client: Client) -> None:
        super().__init__(client, "answered", AnsweredCall, self.KEPT_S)

    def begin(self, caller: str, key: str, fingerprint: str) -> AnsweredCall | None:
        """Claim a key for this call; or give the answer that the same call had.

        Raises ``CallInProgress``, and ``Unfit`` where the key was used for another call.
        """
        if self.add(AnsweredCall(fingerprint), caller, key, expires_s=self.BUSY_S):
            return None
        found = self.read(caller, key)
        if found is None:  # it was deleted in between
            raise CallInProgress("A call with this Idempotency-Key just failed: try again.")
        if found.fingerprint != fingerprint:
            raise Unfit("This Idempotency-Key was used for another call: make a new one.")
        if not found.status:
            raise CallInProgress(
                "A call with this Idempotency-Key is still being answered: try again in a moment."
            )
        return found
