"""What Twilio itself says of an account: where its numbers and services send what comes in.

Read through Twilio's own SDK, over our own outgoing HTTP, so that ``api_url`` and the time-outs
hold. Whether Advanced Opt-Out is on stands in Twilio's console only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.features.accounts.doctor.finding import FAULT, OK, WARNING, Finding
from smsgate.outbound import Outbound
from smsgate.settings import Account, Programs

_BLIND = "whether Advanced Opt-Out is on, only Twilio's console shows"


class Number(Protocol):
    """What is read of a phone number."""

    sms_url: str | None
    sms_method: str | None


class ThroughOutbound(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """The SDK's HTTP, made by our own."""

    def __init__(self, api_url: str) -> None:
        """Call ``api_url`` instead of Twilio's hosts where it is given."""
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._api_url = api_url
        self._outbound = Outbound()

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one call. Raises ``CallFailed``."""
        del timeout, allow_redirects  # ours hold
        url = uri
        if self._api_url:
            parts = urlsplit(uri)
            url = self._api_url + parts.path + (f"?{parts.query}" if parts.query else "")
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        body = urlencode(data).encode() if data else b""
        reply = self._outbound.perform(HttpCall(method, url, dict(headers or {}), body, auth))
        return Response(reply.status, reply.body.decode(errors="replace"))


def ask_twilio(account: Account, programs: Programs, client: Any) -> Iterator[Finding]:  # noqa: ANN401
    """Compare what Twilio has with what it should have. ``client`` is the SDK's."""
    webhook = f"{account.public_url}/webhooks/{account.name}"
    senders = [
        one for program in programs if program.account == account.name for one in program.senders
    ]
    for sender in senders:
        try:
            if sender.startswith("+"):
                yield _number(
                    sender, webhook, client.incoming_phone_numbers.list(phone_number=sender)
                )
            elif sender.startswith("MG"):
                yield _service(sender, webhook, client.messaging.v1.services(sender).fetch())
        except (TwilioException, CallFailed, OSError, ValueError) as error:
            yield Finding(sender, WARNING, f"Twilio could not be asked: {error}".splitlines()[0])


def _number(sender: str, webhook: str, found: list[Number]) -> Finding:
    if not found:
        return Finding(sender, FAULT, "is no number of this account at Twilio")
    url = (found[0].sms_url or "").partition("#")[0]
    if url != webhook:
        return Finding(sender, FAULT, f"sends texts to {url or 'nobody'}: set it to {webhook}")
    return Finding(sender, OK, f"sends texts here, by {found[0].sms_method}")


def _service(sender: str, webhook: str, service: Any) -> Finding:  # noqa: ANN401 - the SDK's
    if service.use_inbound_webhook_on_number:
        return Finding(sender, OK, f"leaves it to its numbers where texts go; {_BLIND}")
    url = (service.inbound_request_url or "").partition("#")[0]
    if url != webhook:
        return Finding(sender, FAULT, f"sends texts to {url or 'nobody'}: set it to {webhook}")
    return Finding(sender, OK, f"sends texts here; {_BLIND}")
