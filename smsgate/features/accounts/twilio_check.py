"""Checks at Twilio where an account's numbers and messaging services send inbound texts.

Whether Advanced Opt-Out is on, only Twilio's console shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import msgspec

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.features.accounts.doctor_result import DoctorResult
from smsgate.outbound import Outbound
from smsgate.settings import Account, Programs

_ADVANCED_OPT_OUT = "whether Advanced Opt-Out is on, only Twilio's console shows"


class _Number(msgspec.Struct):
    sms_url: str | None = None
    sms_method: str | None = None


class _Numbers(msgspec.Struct):
    incoming_phone_numbers: list[_Number]


class _Service(msgspec.Struct):
    inbound_request_url: str | None = None
    use_inbound_webhook_on_number: bool = False


def check_twilio(
    account: Account, programs: Programs, outbound: Outbound
) -> Iterator[DoctorResult]:
    """Compare the webhooks set at Twilio with those that should be set."""
    senders = [sender for one in programs if one.account == account.name for sender in one.senders]
    for sender in senders:
        try:
            if sender.startswith("+"):
                yield _check_number(sender, account, outbound)
            elif sender.startswith("MG"):
                yield _check_service(sender, account, outbound)
        except (CallFailed, msgspec.MsgspecError) as error:
            problem = f"Twilio could not be asked: {error}".splitlines()[0]
            yield DoctorResult(sender, "warning", problem)


def _check_number(sender: str, account: Account, outbound: Outbound) -> DoctorResult:
    path = f"/2010-04-01/Accounts/{account.options['account_sid']}/IncomingPhoneNumbers.json"
    url = (account.api_url or "https://api.twilio.com") + path
    body = _ask(f"{url}?{urlencode({'PhoneNumber': sender})}", account, outbound)
    numbers = msgspec.json.decode(body, type=_Numbers).incoming_phone_numbers
    if not numbers:
        return DoctorResult(sender, "fault", "is no number of this account at Twilio")
    return _compared(sender, account, numbers[0].sms_url, f"by {numbers[0].sms_method}")


def _check_service(sender: str, account: Account, outbound: Outbound) -> DoctorResult:
    url = f"{account.api_url or 'https://messaging.twilio.com'}/v1/Services/{quote(sender)}"
    service = msgspec.json.decode(_ask(url, account, outbound), type=_Service)
    if service.use_inbound_webhook_on_number:
        text = f"leaves it to its numbers where texts go; {_ADVANCED_OPT_OUT}"
        return DoctorResult(sender, "ok", text)
    return _compared(sender, account, service.inbound_request_url, _ADVANCED_OPT_OUT)


def _ask(url: str, account: Account, outbound: Outbound) -> bytes:
    """Raises ``CallFailed`` for an answer that is no success, too."""
    auth = (account.options["account_sid"], account.newest_secret("auth_token"))
    answer = outbound.perform(HttpCall("GET", url, auth=auth))
    if answer.status != 200:
        raise CallFailed(f"it answered {answer.status}", left=True)
    return answer.body


def _compared(sender: str, account: Account, found: str | None, more: str) -> DoctorResult:
    url, webhook = (found or "").partition("#")[0], f"{account.public_url}/webhooks/{account.name}"
    if url != webhook:
        text = f"sends texts to {url or 'nobody'}: set it to {webhook}"
        return DoctorResult(sender, "fault", text)
    return DoctorResult(sender, "ok", f"sends texts here; {more}")
