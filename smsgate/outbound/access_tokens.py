"""Access tokens (OAuth 2.0, client credentials): fetched once, used until they end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import msgspec

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.outbound import Outbound

PATIENCE_S = 2.0
"""A call whose token took longer to get is not made: what was looked at before it, such as the
number's consent and the deadline, would no longer hold. Its next try finds the token here."""
_AHEAD_S = 60.0
"""How long before its end a token is no longer used."""
_USUAL_S = 300.0
"""How long a token is used whose answer does not say when it ends."""
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class _Answer(msgspec.Struct):
    """RFC 6749, 5.1."""

    access_token: str
    expires_in: float | None = None


_decode = msgspec.json.Decoder(_Answer, strict=False).decode


@dataclass
class _Held:
    """What is known of one client's token."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    ends: float = 0.0


class AccessTokens:
    """Makes calls; those that ask for an access token get one first. Threads may share it."""

    def __init__(self, outbound: Outbound) -> None:
        """Call through ``outbound``; no token is fetched before it is needed."""
        self._outbound = outbound
        self._lock = threading.Lock()
        self._known: dict[tuple[str, tuple[str, str] | None], _Held] = {}

    def perform(self, call: HttpCall) -> HttpReply:
        """Make the call and return the response; after a 401 once more, with another token.

        A 401 says that nothing was done, so that the second call cannot text twice. Where the
        client itself is refused a token, the answer is a 401. Raises ``CallFailed``; its ``left``
        is false where no token was to be had, or not soon enough.
        """
        if call.token_from is None:
            return self._outbound.perform(call)
        must_leave = time.monotonic() + PATIENCE_S
        first = self._token(call.token_from, "")
        response = self._sent(call, first, must_leave)
        if not first or response.status != HTTPStatus.UNAUTHORIZED:
            return response
        return self._sent(call, self._token(call.token_from, first), must_leave)

    def _sent(self, call: HttpCall, token: str, must_leave: float) -> HttpReply:
        if not token:
            return HttpReply(HTTPStatus.UNAUTHORIZED, "")
        if time.monotonic() > must_leave:
            raise CallFailed("The access token came too late for this try.", left=False)
        headers = {**call.headers, "Authorization": f"Bearer {token}"}
        return self._outbound.perform(replace(call, headers=headers, token_from=None))

    def _token(self, source: HttpCall, stale: str) -> str:
        """A token that is not ``stale``; empty where the client is refused one."""
        with self._lock:
            held = self._known.setdefault((source.url, source.auth), _Held())
        with held.lock:
            if held.token == stale or time.monotonic() > held.ends:
                held.token, held.ends = self._fetched(source)
            return held.token

    def _fetched(self, source: HttpCall) -> tuple[str, float]:
        try:
            response = self._outbound.perform(source)
        except CallFailed as error:
            raise CallFailed(f"No access token could be had. {error}", left=False) from error
        if response.status in _REFUSED:
            return "", 0.0
        try:
            answer = _decode(response.body)
        except msgspec.MsgspecError:
            problem = f"No access token could be had: status {response.status}."
            raise CallFailed(problem, left=False) from None
        lasts_s = _USUAL_S if answer.expires_in is None else answer.expires_in
        return answer.access_token, time.monotonic() + lasts_s - min(_AHEAD_S, lasts_s / 2)
