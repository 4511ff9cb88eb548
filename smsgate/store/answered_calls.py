"""Answers to calls of ``/v1`` with an ``Idempotency-Key``, so that a repeated call changes nothing.

The rules are those of draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import msgspec

from smsgate.domain.errors import CallInProgress, Unfit
from smsgate.store.connection import Client
from smsgate.store.shared_keys import shared_key

KEPT_S = 24 * 3600
_BUSY_S = 60
"""After so long a call whose process died may be made again."""


class AnsweredCall(msgspec.Struct, frozen=True):
    """A call and its answer; status 0 while it is being answered."""

    fingerprint: str
    """Of method, path, query and body."""
    status: int = 0
    body: str = ""


_decode = msgspec.json.Decoder(AnsweredCall).decode


class AnsweredCalls:
    """Remembers answers. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, caller: str, key: str, fingerprint: str) -> AnsweredCall | None:
        """Claim a key for this call; or give the answer that the same call had.

        Raises ``CallInProgress``, and ``Unfit`` where the key was used for another call.
        """
        name = shared_key("answered", caller, key)
        claim = msgspec.json.encode(AnsweredCall(fingerprint))
        if self._client.set(name, claim, nx=True, ex=_BUSY_S):
            return None
        raw = self._client.get(name)
        if raw is None:  # it was given back in between
            raise CallInProgress("A call with this Idempotency-Key just failed: try again.")
        found = _decode(raw)
        if found.fingerprint != fingerprint:
            raise Unfit("This Idempotency-Key was used for another call: make a new one.")
        if not found.status:
            raise CallInProgress(
                "A call with this Idempotency-Key is still being answered: try again in a moment."
            )
        return found

    def keep(self, caller: str, key: str, answered: AnsweredCall) -> None:
        """Remember the answer for a day."""
        self._client.set(
            shared_key("answered", caller, key), msgspec.json.encode(answered), ex=KEPT_S
        )

    def give_back(self, caller: str, key: str) -> None:
        """Let the call be made again, since it failed."""
        self._client.delete(shared_key("answered", caller, key))
