"""Requests as Twilio and its kin would post them: for the simulator, and for applications."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import SecretStr

from smsgate.domain.entry_parts import OriginalRequest
from smsgate.domain.messages import HttpCall, InboundMessage, Intent, WebhookRequest
from smsgate.providers.base import Provider
from smsgate.providers.calls import FORM
from smsgate.settings import Account

FLAGS = {"STOP": Intent.OPT_OUT, "START": Intent.OPT_IN, "HELP": Intent.HELP}
"""``OptOutType``: what the provider took a text for."""
_FLAG_NAMES = {intent: name for name, intent in FLAGS.items()}
PREFIXED = frozenset({"whatsapp", "rcs"})
"""Channels that stand before an address."""


class TwilioRequests(Provider):
    """A provider whose webhooks are forms of Twilio's shape."""

    signed_with: ClassVar[str]
    """The key of the account whose newest value signs."""
    account_key: ClassVar[str]
    """The key with the account's id, which webhooks call AccountSid."""

    @abstractmethod
    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        """Return the headers by which the provider signs a posted form with the newest secret."""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        prefix = f"{message.channel}:" if message.channel in PREFIXED else ""
        form = {
            "AccountSid": account.options[self.account_key],
            "ApiVersion": "2010-04-01",
            "Body": message.text,
            "From": prefix + message.number,
            "MessageSid": message.message_id,
            "NumMedia": str(len(message.media)),
            "NumSegments": "1",
            "SmsMessageSid": message.message_id,
            "SmsSid": message.message_id,
            "SmsStatus": "received",
            "To": prefix + message.sender,
        }
        form |= {f"MediaUrl{position}": media for position, media in enumerate(message.media)}
        if message.service:
            form["MessagingServiceSid"] = message.service
        if message.flag in _FLAG_NAMES:
            form["OptOutType"] = _FLAG_NAMES[message.flag]
        url = url.partition("#")[0]  # The fragment, with settings of the connection, is not sent.
        body = urlencode(form, errors="replace").encode("ascii")
        headers = {"content-type": f"{FORM}; charset=UTF-8", **self.sign(url, body, account)}
        return WebhookRequest("POST", url, headers, body)

    def original_call(
        self, posted: OriginalRequest, url: str, account: Account, token: str
    ) -> HttpCall:
        """Describe the call by which the provider would post the same form to ``url``.

        Signed with ``token``, or where that is empty with the account's newest secret.
        """
        if token:
            account = replace(account, options={}, secrets={self.signed_with: (SecretStr(token),)})
        if posted.method == "GET":
            url = f"{url}{'&' if '?' in url else '?'}{posted.form.decode('latin-1')}"
            return HttpCall("GET", url, self.sign(url, b"", account))
        signed = self.sign(url, posted.form, account)
        headers = {"Content-Type": posted.content_type, **signed}
        return HttpCall(posted.method, url, headers, posted.form)
