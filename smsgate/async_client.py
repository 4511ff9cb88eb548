"""The gate over HTTP for programs that run in an event loop; needs ``httpx``.

    async with AsyncSmsGate("https://sms.example.com", key=os.environ["SMSGATE_KEY"]) as gate:
        if await gate.allows("+14155550123", program="alerts"):
            ...

It gives the answers and raises the errors of ``smsgate.client.SmsGate``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from smsgate.domain.check_call import (
    PATH,
    Answer,
    CheckCall,
    check_calls,
    is_allowed,
    read_answers,
    refuse_stopped,
)
from smsgate.domain.errors import GateUnreachable

try:
    import httpx
except ImportError as error:
    raise ImportError("AsyncSmsGate needs httpx: pip install 'smsgate[async]'") from error

_RETRY_AFTER_S = (0.0, 0.2)
"""Again only where no connection came about, after these pauses."""


@dataclass(frozen=True)
class AsyncSmsGate:
    """Asks ``POST /v1/check``. Any number of tasks of one event loop may share one."""

    url: str
    """The URL of smsgate's web process, such as ``https://sms.example.com``."""
    key: str = field(repr=False)
    """A key for ``/v1`` that may check."""
    timeout_s: tuple[float, float] = (2.0, 5.0)
    """For connecting, and for the answer."""
    _client: httpx.AsyncClient = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open nothing yet."""
        connect_s, answer_s = self.timeout_s
        client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=httpx.Timeout(answer_s, connect=connect_s),
            follow_redirects=False,
        )
        object.__setattr__(self, "_client", client)

    async def allows(self, number: str, *, program: str) -> bool:
        """As ``SmsGate.allows``."""
        return is_allowed((await self.check([number], program=program))[0])

    async def check(self, numbers: Sequence[str], *, program: str) -> list[Answer]:
        """As ``SmsGate.check``."""
        return await self._answers(numbers, program, sending=False)

    async def require(self, numbers: Sequence[str], *, program: str, by: str = "api") -> None:  # noqa: ARG002
        """As ``SmsGate.require``."""
        refuse_stopped(await self._answers(numbers, program, sending=True), program)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _answers(
        self, numbers: Sequence[str], program: str, *, sending: bool
    ) -> list[Answer]:
        calls = check_calls(numbers, program, sending=sending)
        return [answer for call in calls for answer in await self._ask(call)]

    async def _ask(self, call: CheckCall) -> list[Answer]:
        try:
            response = await self._post(call)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            raise GateUnreachable(f"{self.url} did not answer ({name}); text nobody") from error
        retry_after = response.headers.get("Retry-After")
        return read_answers(call, response.status_code, response.content, retry_after)

    async def _post(self, call: CheckCall) -> httpx.Response:
        url = self.url.rstrip("/") + PATH
        for pause_s in _RETRY_AFTER_S:
            try:
                return await self._client.post(url, json=call.body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                await asyncio.sleep(pause_s)
        return await self._client.post(url, json=call.body)
