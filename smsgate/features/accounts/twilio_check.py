"""Checks at Twilio where an account's numbers and messaging services send inbound texts.

It uses Twilio's own SDK over our outgoing HTTP, so that ``api_url`` and the time-outs hold. Whether
Advanced Opt-Out is on, only Twilio's console shows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.features.accounts.doctor_result import FAULT, OK, WARNING, DoctorResult
from smsgate.outbound import Outbound
from smsgate.settings import Account, Programs

_ADVANCED_OPT_OUT = "whether Advanced Opt-Out is on, only Twilio's console shows"


class TwilioNumber(Protocol):
    """What is read of a phone number at Twilio."""

    sms_url: str | None
    sms_method: str | None


class OutboundHttpClient(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """The SDK's HTTP client on our ``Outbound``; ``api_url`` replaces Twilio's hosts."""

    def __init__(self, api_url: str, outbound: Outbound) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._api_url = api_url
        self._outbound = outbound

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


def check_twilio(
    account: Account, programs: Programs, outbound: Outbound
) -> Iterator[DoctorResult]:
    """Compare the webhooks set at Twilio with those that should be set."""
    secret = account.newest_secret("auth_token")
    http_client = OutboundHttpClient(account.api_url, outbound)
    client = Client(account.options["account_sid"], secret, http_client=http_client)
    webhook = f"{account.public_url}/webhooks/{account.name}"
    senders = [sender for one in programs if one.account == account.name for sender in one.senders]
    for sender in senders:
        try:
            if sender.startswith("+"):
                numbers = client.incoming_phone_numbers.list(phone_number=sender)
                yield _check_number(sender, webhook, numbers)
            elif sender.startswith("MG"):
                service = client.messaging.v1.services(sender).fetch()
                yield _check_service(sender, webhook, service)
        except (TwilioException, CallFailed, OSError, ValueError) as error:
            problem = f"Twilio could not be asked: {error}".splitlines()[0]
            yield DoctorResult(sender, WARNING, problem)


def _check_number(sender: str, webhook: str, numbers: list[TwilioNumber]) -> DoctorResult:
    if not numbers:
        return DoctorResult(sender, FAULT, "is no number of this account at Twilio")
    url = (numbers[0].sms_url or "").partition("#")[0]
    if url != webhook:
        return DoctorResult(sender, FAULT, f"sends texts to {url or 'nobody'}: set it to {webhook}")
    return DoctorResult(sender, OK, f"sends texts here, by {numbers[0].sms_method}")


def _check_service(sender: str, webhook: str, service: Any) -> DoctorResult:  # noqa: ANN401 - the SDK's
    if service.use_inbound_webhook_on_number:
        text = f"leaves it to its numbers where texts go; {_ADVANCED_OPT_OUT}"
        return DoctorResult(sender, OK, text)
    url = (service.inbound_request_url or "").partition("#")[0]
    if url != webhook:
        return DoctorResult(sender, FAULT, f"sends texts to {url or 'nobody'}: set it to {webhook}")
    return DoctorResult(sender, OK, f"sends texts here; {_ADVANCED_OPT_OUT}")
