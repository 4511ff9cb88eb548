"""The gate over HTTP, for programs that have no way to Redis.

    gate = SmsGate("https://sms.example.com", key=os.environ["SMSGATE_KEY"])
    if gate.allows("+14155550123", program="alerts"):
        ...

It fails closed like the gate itself: whatever is no clear answer raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from smsgate.domain.errors import (
    Forbidden,
    GateUnreachable,
    InvalidNumber,
    SmsGateError,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    TooManyCalls,
    Unauthorized,
    UnknownProgram,
)
from smsgate.threaded_gate import ThreadedGate

__all__ = ["CHUNK", "Answer", "AsyncSmsGate", "SmsGate"]

CHUNK = 10_000
"""Numbers in one call; more are asked about in several."""
_ERRORS: dict[str, type[SmsGateError]] = {
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "too_many_calls": TooManyCalls,
    "unknown_program": UnknownProgram,
    "store_unavailable": StoreUnavailable,
    "store_not_ready": StoreNotReady,
}
"""By the ``reason`` of a problem (docs/api.md)."""
_RETRIES = Retry(connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.1)
"""Again only where no connection came about; an answer that is late is no answer."""


class Answer(msgspec.Struct, frozen=True):
    """What the gate says of one number; as ``smsgate.Gate`` does."""

    number: str
    allowed: bool | None
    reason: str
    since: str | None


class _Answers(msgspec.Struct):
    results: list[Answer]


class _Problem(msgspec.Struct):
    """What is read of an ``application/problem+json``."""

    reason: str = ""
    detail: str = ""


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
        return _is_allowed(self.check([number], program=program)[0])

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
        answers = self._answers(numbers, program, sending=True)
        refused = {answer.number: answer.reason for answer in answers if not _is_allowed(answer)}
        if refused:
            raise Suppressed(program, refused)

    def _answers(self, numbers: Sequence[str], program: str, *, sending: bool) -> list[Answer]:
        if isinstance(numbers, str):  # of "" every letter may be texted
            raise TypeError("numbers is a list: write [number], or ask allows(number, …).")
        body: dict[str, object] = {"program": program} | ({"sending": True} if sending else {})
        found: list[Answer] = []
        for at in range(0, max(len(numbers), 1), CHUNK):
            some = [*numbers[at : at + CHUNK]]
            found += self._ask(some, body | {"numbers": some})
        return found

    def _ask(self, numbers: Sequence[str], body: dict[str, object]) -> list[Answer]:
        try:
            response = self._session.post(
                self.url.rstrip("/") + "/v1/check",
                json=body,
                auth=self._authorize,
                timeout=self.timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            raise GateUnreachable(f"{self.url} did not answer ({name}); text nobody") from error
        retry_after = response.headers.get("Retry-After")
        return read_answers(numbers, response.status_code, response.content, retry_after)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key; a plain header would give way to the ``.netrc`` of a user."""
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request

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


def read_answers(
    numbers: Sequence[str], status: int, body: bytes, retry_after: str | None
) -> list[Answer]:
    """The answers to exactly what was asked. Raises ``GateUnreachable`` for anything else.

    ``retry_after`` is the header of that name. Raises the gate's own error where it gave one.
    """
    if status != 200:
        problem = _problem_of(body)
        said = problem.detail or f"the gate answered {status}"
        if problem.reason == "too_many_calls":
            raise TooManyCalls(said, _seconds(retry_after or ""))
        raise _ERRORS.get(problem.reason, GateUnreachable)(said)
    try:
        answers = msgspec.json.decode(body, type=_Answers).results
    except msgspec.MsgspecError as error:
        raise GateUnreachable("what answered does not speak as the gate does") from error
    if [answer.number for answer in answers] != [*numbers]:
        raise GateUnreachable("the gate answered something else than was asked")
    return answers


def _is_allowed(answer: Answer) -> bool:
    if answer.allowed is None:
        raise InvalidNumber(f"{answer.number!r} is no phone number: write it as +14155550123.")
    return answer.allowed


def _seconds(retry_after: str) -> float:
    """How long to wait by a ``Retry-After``, which has seconds or a date; 1 by any other text."""
    try:
        return _RETRIES.parse_retry_after(retry_after)
    except (InvalidHeader, ValueError, OverflowError):
        return 1.0


def _problem_of(body: bytes) -> _Problem:
    """What is wrong, as the gate says it; nothing where something else answered."""
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return _Problem()
