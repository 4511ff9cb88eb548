"""Any provider's HTTP API behind the gate, where it is called with ``requests``.

    session = requests.Session()
    session.mount(
        "https://api.telnyx.com/v2/messages",
        GatedAdapter(gate, program="alerts", recipients=in_json("to")),
    )

Mount it on the address of the provider's call for sending, as exactly as it can be given. There,
every POST, PUT and PATCH is asked about first; one whose recipients cannot be found is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import requests
from requests.adapters import HTTPAdapter

from smsgate.domain.phone import with_plus
from smsgate.integrations.asking import Asks, checked

Recipients = Callable[[requests.PreparedRequest], Sequence[str] | None]
"""Finds whom a request texts; ``()`` says that it texts nobody, None that it cannot tell."""
_SENDING = frozenset({"POST", "PUT", "PATCH"})


class GatedAdapter(HTTPAdapter):
    """Asks the gate before a request leaves; nothing is repeated by it."""

    def __init__(
        self,
        gate: Asks,
        *,
        program: str | Callable[[requests.PreparedRequest], str],
        recipients: Recipients,
        **options: Any,  # noqa: ANN401 - those of HTTPAdapter
    ) -> None:
        """Ask ``gate`` about what ``recipients`` finds; ``options`` are ``HTTPAdapter``'s."""
        self._gate = gate
        self._program = program
        self._recipients = recipients
        super().__init__(**options)

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - those of HTTPAdapter
        **options: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Send, or raise before anything leaves.

        Raises ``Suppressed``, ``InvalidNumber``, ``UnknownRecipients``, and what the gate raises
        where it cannot tell.
        """
        if (request.method or "").upper() in _SENDING:
            found = self._recipients(request)
            if found is None or found:
                named = self._program if isinstance(self._program, str) else self._program(request)
                checked(self._gate, found or (), named, "requests")
        return super().send(request, *args, **options)


def in_json(*paths: str, plus: bool = False) -> Recipients:
    """Find recipients in a JSON body: ``in_json("to")``, ``in_json("messages.to")``.

    A path goes through lists by itself. Of several paths all are read; what is found may be a text
    or a list of texts. ``plus`` is for providers that want numbers without it.
    """

    def find(request: requests.PreparedRequest) -> list[str] | None:
        try:
            body = json.loads(_body(request))
        except ValueError:
            return None
        found = [one for path in paths for one in _followed(body, path.split("."))]
        return _numbers(found, plus)

    return find


def in_form(*names: str, separator: str = "", plus: bool = False) -> Recipients:
    """Find recipients in a posted form: ``in_form("To")``.

    ``separator`` is what stands between several numbers in one field, where a provider takes that;
    ``plus`` is for providers that want numbers without it.
    """

    def find(request: requests.PreparedRequest) -> list[str] | None:
        fields = parse_qs(_body(request).decode("utf-8", "replace"))
        values = [value for name in names for value in fields.get(name, [])]
        if separator:
            values = [part for value in values for part in value.split(separator)]
        return _numbers(values, plus)

    return find


def _numbers(found: Sequence[str], plus: bool) -> list[str] | None:
    numbers = [one.strip() for one in found if one.strip()]
    return [with_plus(one) if plus else one for one in numbers] or None


def _body(request: requests.PreparedRequest) -> bytes:
    """The body as bytes; one that is streamed cannot be looked at, and counts as empty."""
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _followed(value: object, path: Sequence[str]) -> list[str]:
    if isinstance(value, list):
        return [found for one in value for found in _followed(one, path)]
    if path:
        return _followed(value.get(path[0]), path[1:]) if isinstance(value, dict) else []
    return [str(value)] if isinstance(value, str | int) else []
