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
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter

from smsgate.domain.errors import UnknownRecipients
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
        if _sends(request):
            found = self._recipients(request)
            if found is None or found:
                named = self._program if isinstance(self._program, str) else self._program(request)
                checked(self._gate, found or (), named, "requests")
        return super().send(request, *args, **options)


def _sends(request: requests.PreparedRequest) -> bool:
    """Whether a request may send a text; MessageBird takes another method from the query."""
    other = parse_qs(urlsplit(request.url or "").query).get("_method", [])
    return any(method.upper() in _SENDING for method in (request.method or "", *other))


def in_json(
    *paths: str, separator: str = "", plus: bool = False, groups: Collection[str] = ()
) -> Recipients:
    """Find recipients in a JSON body: ``in_json("to")``, ``in_json("messages.to")``.

    A path goes through lists by itself. Of several paths all are read; what is found may be a text
    or a list of texts. ``separator`` stands between several numbers in one text, where a provider
    takes that; ``plus`` is for providers that want numbers without it. ``groups`` are fields that
    text people whom the request does not name, wherever they stand.

    The finder raises ``UnknownRecipients`` for a body of another shape.
    """
    steps = [path.split(".") for path in paths]

    def find(request: requests.PreparedRequest) -> list[str] | None:
        try:
            body = json.loads(_body(request), object_pairs_hook=_fields)
        except ValueError:
            return None
        _refuse_groups(body, groups)
        return _numbers(_followed(body, steps), separator, plus)

    return find


def in_form(
    *names: str, separator: str = "", plus: bool = False, groups: Collection[str] = ()
) -> Recipients:
    """Find recipients in a posted form: ``in_form("To")``; options as those of ``in_json``.

    ``To[]`` and ``To[0]`` count as ``To``.
    """

    def find(request: requests.PreparedRequest) -> list[str] | None:
        fields = parse_qs(_body(request).decode("utf-8", "replace"))
        plain = [(name.partition("[")[0], values) for name, values in fields.items()]
        _refuse_groups(dict(plain), groups)
        found = [value for name, values in plain if name in names for value in values]
        return _numbers(found, separator, plus)

    return find


PLIVO = in_json("dst", separator="<", plus=True)
"""Recipients of Plivo's Message API: ``14155550123<14155550124``."""
_messagebird_json = in_json(
    "recipients", "messages.recipients", separator=",", plus=True, groups=("groupIds",)
)
_messagebird_form = in_form("recipients", separator=",", plus=True, groups=("groupIds",))


def MESSAGEBIRD(request: requests.PreparedRequest) -> Sequence[str] | None:  # noqa: N802 - as PLIVO
    """Recipients of MessageBird's messages and batches: a list, or separated by commas.

    Raises ``UnknownRecipients`` for a text to a group.
    """
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return _messagebird_form(request)
    return _messagebird_json(request)


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a field given twice nobody knows which one the provider reads."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnknownRecipients("the request gives a field of its JSON twice; nothing was sent")
    return found


def _refuse_groups(body: object, groups: Collection[str]) -> None:
    if isinstance(body, list):
        for one in body:
            _refuse_groups(one, groups)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in groups and value:
                raise UnknownRecipients(
                    f"the request texts a group ({name}) and does not say who is in it, so the "
                    "gate cannot be asked: name the recipients one by one; nothing was sent"
                )
            _refuse_groups(value, groups)


def _followed(value: object, paths: Sequence[Sequence[str]]) -> list[str]:
    """The texts at the end of the paths. Raises ``UnknownRecipients`` for what has another shape.

    A field may be missing, but of a list each item has to name somebody.
    """
    if isinstance(value, list):
        items = [_followed(one, paths) for one in value]
        if not all(items):
            raise UnknownRecipients(
                f"item {items.index([]) + 1} of a list in the request names no recipient where "
                "one is looked for; nothing was sent"
            )
        return [found for one in items for found in one]
    deeper = [path for path in paths if path]
    if isinstance(value, dict) and deeper:
        found = []
        for name in dict.fromkeys(path[0] for path in deeper):
            if value.get(name) is not None:
                found += _followed(value[name], [path[1:] for path in deeper if path[0] == name])
        return found
    if isinstance(value, str | int) and not isinstance(value, bool) and len(deeper) < len(paths):
        return [str(value)]
    raise UnknownRecipients(
        f"where recipients are looked for, the request has {_KINDS.get(type(value), 'a text')} "
        "instead of a number or a list of numbers; nothing was sent"
    )


_KINDS: dict[type, str] = {
    bool: "true or false",
    dict: "an object",
    float: "a decimal",
    int: "a number in place of an object",
    type(None): "null",
}


def _numbers(found: Sequence[str], separator: str, plus: bool) -> list[str] | None:
    parts = [part for one in found for part in (one.split(separator) if separator else [one])]
    numbers = [one.strip() for one in parts if one.strip()]
    return [with_plus(one) if plus else one for one in numbers] or None


def _body(request: requests.PreparedRequest) -> bytes:
    """The body as bytes; one that is streamed cannot be looked at, and counts as empty."""
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""
