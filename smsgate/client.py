"""The gate over HTTP, for programs that have no way to Redis.

    gate = SmsGate("https://sms.example.com", key=os.environ["SMSGATE_KEY"])
    if gate.allows("+14155550123", program="alerts"):
        ...

It fails closed like the gate itself: whatever is no clear answer raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from smsgate.domain.check_call import (
    CHUNK,
    PATH,
    Answer,
    CheckCall,
    check_calls,
    is_allowed,
    read_answers,
    refuse_stopped,
)
from smsgate.domain.errors import GateUnreachable
from smsgate.threaded_gate import ThreadedGate

__all__ = ["CHUNK", "Answer", "AsyncSmsGate", "SmsGate"]

_RETRIES = Retry(connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.1)
"""Again only where no connection came about; an answer that is late is no answer."""


class _Bearer(AuthBase):
    """The key as an auth object: a plain header would give way to the ``.netrc`` of a user."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


@dataclass(frozen=True)
class SmsGate:
    """Asks ``POST /v1/check``. One may be shared by threads as far as ``requests.Session`` may."""

    url: str
    """The URL of smsgate's web process, such as ``https://sms.example.com``."""
    key: str = field(repr=False)
    """A key for ``/v1`` that may check."""
    timeout_s: tuple[float, float] = (2.0, 5.0)
    """For connecting, and for the answer."""
    _session: requests.Session = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open nothing yet."""
        session = requests.Session()
        session.mount("https://", HTTPAdapter(max_retries=_RETRIES))
        session.mount("http://", HTTPAdapter(max_retries=_RETRIES))
        object.__setattr__(self, "_session", session)

    def allows(self, number: str, *, program: str) -> bool:
        """Whether the program may text the number.

        Raises ``InvalidNumber``, and what ``check`` raises.
        """
        return is_allowed(self.check([number], program=program)[0])

    def check(self, numbers: Sequence[str], *, program: str) -> list[Answer]:
        """What the gate says of each number, in the order asked.

        Raises ``UnknownProgram``, ``Unauthorized``, ``StoreUnavailable``, ``StoreNotReady``, and
        ``GateUnreachable`` for everything else that is no answer. A single number instead of a
        list is a ``TypeError``.
        """
        return self._answers(numbers, program, sending=False)

    def require(self, numbers: Sequence[str], *, program: str, by: str = "api") -> None:  # noqa: ARG002
        """Return where the program may text every one of the numbers; for use just before a send.

        A send that is stopped is counted at the other end (as ``api``, whatever ``by`` says).
        Raises ``InvalidNumber`` for the first that is no phone number, else ``Suppressed`` where
        one may not be texted; and what ``check`` raises.
        """
        refuse_stopped(self._answers(numbers, program, sending=True), program)

    def _answers(self, numbers: Sequence[str], program: str, *, sending: bool) -> list[Answer]:
        calls = check_calls(numbers, program, sending=sending)
        return [answer for call in calls for answer in self._ask(call)]

    def _ask(self, call: CheckCall) -> list[Answer]:
        try:
            response = self._session.post(
                self.url.rstrip("/") + PATH,
                json=call.body,
                auth=_Bearer(self.key),
                timeout=self.timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            raise GateUnreachable(f"{self.url} did not answer ({name}); text nobody") from error
        retry_after = response.headers.get("Retry-After")
        return read_answers(call, response.status_code, response.content, retry_after)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class AsyncSmsGate(ThreadedGate[Answer]):
    """``SmsGate`` for programs that run in an event loop.

    async with AsyncSmsGate("https://sms.example.com", key=os.environ["SMSGATE_KEY"]) as gate:
        if await gate.allows("+14155550123", program="alerts"):
            ...
    """

    _busy_error = GateUnreachable

    def __init__(self, url: str, key: str, timeout_s: tuple[float, float] = (2.0, 5.0)) -> None:
        gate = SmsGate(url, key, timeout_s)
        super().__init__(gate, gate.close, timeout_s[1])
