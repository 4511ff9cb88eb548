"""Twilio's SDK behind the gate, by the SDK's own extension point.

    client = Client(sid, token, http_client=GatedHttpClient(gate, program="alerts"))
    client.messages.create(to="+14155550123", from_="+14155550999", body="…")   # asks first

What is asked about, by the path that the SDK calls:

- ``messages.create``, whatever its sender: a number, a short code, a messaging service; on SMS,
  MMS, RCS and WhatsApp; with ``content_sid``; with ``send_at``, where the number is asked about
  when the text is scheduled and not again when it leaves.
- Studio: ``executions.create`` and ``engagements.create``, which begin with a text.
- Conversations: participants by address, ``conversation_with_participants``; and for a message to
  a conversation its participants, which costs a call to Twilio before it.

Refused with ``UnknownRecipients``, since the request does not say whom it texts: Notify, Proxy,
Flex interactions, version 2 of Conversations. Use a plain client where you want those.
Let through: everything that texts nobody, calls, and Verify, whose code the person asks for.
The SDK's ``…_async`` methods refuse a client that is not asynchronous, so nothing leaves by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient

from smsgate.domain.errors import UnknownRecipients
from smsgate.integrations.asking import Asks, checked

Data = Mapping[str, Any]
_SID = "[^/]+"
_SLASHES = re.compile("/{2,}")
_ANY_CASE = re.IGNORECASE
"""A hand-made request may write a path in a way that Twilio's servers accept and we do not."""
_TO = re.compile(
    rf"/2010-04-01/Accounts/{_SID}/(?:SMS/)?Messages(?:\.json)?/?$"
    rf"|/v[12]/Flows/{_SID}/(?:Executions|Engagements)/?$",
    _ANY_CASE,
)
_IN_SERVICE = rf"/v1/(?:Services/{_SID}/)?"
_PARTICIPANTS = re.compile(rf"{_IN_SERVICE}Conversations/{_SID}/Participants/?$", _ANY_CASE)
_WITH_PARTICIPANTS = re.compile(rf"{_IN_SERVICE}ConversationWithParticipants/?$", _ANY_CASE)
_TO_ALL = re.compile(rf"({_IN_SERVICE}Conversations/{_SID})/Messages/?$", _ANY_CASE)
_UNTOLD = re.compile(
    rf"/v1/Services/{_SID}/(?:Notifications|Sessions/{_SID}/Participants(?:/{_SID}/.*)?)/?$"
    rf"|/v1/Interactions(?:/.*)?$"
    rf"|/v2/Conversations(?:/.*)?$",
    _ANY_CASE,
)
_PAGES = 20


class GatedHttpClient(HttpClient):  # type: ignore[misc]  # the SDK has no types
    """Asks the gate before a request that sends a text; sends every other request unchecked."""

    def __init__(
        self,
        gate: Asks,
        *,
        program: str | Callable[[Data], str],
        inner: HttpClient | None = None,
    ) -> None:
        """Ask ``gate``, then hand on to ``inner``, or to the SDK's own client.

        ``program`` is a program's name, or a function that tells it from the request's fields
        (``From``, ``MessagingServiceSid``, ``To`` …), where one client sends for several.
        """
        self._gate = gate
        self._program = program
        self._inner = inner or TwilioHttpClient()
        super().__init__(self._inner.logger, False, self._inner.timeout)

    def request(
        self,
        method: str,
        url: str,
        params: Data | None = None,
        data: Data | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:  # noqa: ANN401 - the SDK's own response
        """Make a request, or raise before anything leaves.

        Raises ``Suppressed``, ``InvalidNumber``, ``UnknownRecipients``, and what the gate raises
        where it cannot tell.
        """

        def go(method: str, url: str, params: Data | None, data: Data | None) -> Any:  # noqa: ANN401
            return self._inner.request(
                method, url, params, data, headers, auth, timeout, allow_redirects
            )

        if method.upper() == "POST":
            fields = {**(params or {}), **(data or {})}
            found = _recipients(url, fields, lambda other: go("GET", other, None, None))
            if found is not None:
                named = self._program if isinstance(self._program, str) else self._program(fields)
                checked(self._gate, found, named, "twilio")
        return go(method, url, params, data)


def _recipients(url: str, fields: Data, get: Callable[[str], Any]) -> list[str] | None:
    """The recipients of a POST; empty if it sends no text. Raises ``UnknownRecipients``."""
    path = _SLASHES.sub("/", unquote(urlsplit(url).path))
    if _TO.search(path):
        return _texts(fields.get("To"))
    if _PARTICIPANTS.search(path):
        return _texts(fields.get("MessagingBinding.Address")) or None  # a chat user has none
    if _WITH_PARTICIPANTS.search(path):
        return _addresses(_read(one) for one in _listed(fields.get("Participant"))) or None
    if _TO_ALL.search(path):
        return _of_conversation(url, get)
    if _UNTOLD.search(path):
        raise UnknownRecipients(
            f"the request to {path} does not say whom it texts, so the gate cannot be asked; "
            "nothing was sent"
        )
    return None


def _of_conversation(url: str, get: Callable[[str], Any]) -> list[str] | None:
    """The addresses of a conversation's participants; nothing where all of them are chat users."""
    found: list[str] = []
    following: str | None = url.rstrip("/").rpartition("/")[0] + "/Participants?PageSize=100"
    for _ in range(_PAGES):
        response = get(following or "")
        if response.status_code != 200:
            raise UnknownRecipients(
                "Twilio did not say who takes part in the conversation "
                f"(status {response.status_code}); nothing was sent"
            )
        page = json.loads(response.text)
        found += _addresses(page["participants"])
        following = page.get("meta", {}).get("next_page_url")
        if not following:
            return found or None
    raise UnknownRecipients("the conversation has more participants than can be asked about")


def _addresses(participants: Iterable[Any]) -> list[str]:
    bindings = [one.get("messaging_binding") or {} for one in participants]
    return [str(binding["address"]) for binding in bindings if binding.get("address")]


def _read(participant: object) -> Any:  # noqa: ANN401 - JSON
    """A participant as the SDK takes it: JSON in a text. Raises ``UnknownRecipients``."""
    try:
        read = json.loads(str(participant))
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise UnknownRecipients("a participant is no JSON object; nothing was sent")
    return read


def _texts(value: object) -> list[str]:
    return [str(one) for one in _listed(value) if str(one).strip()]


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
