"""46elks: webhooks in, SMS API out.

46elks.com/docs (Receive an SMS, Send an SMS, SMS delivery reports). Read in November 2026.

46elks signs nothing: knowing the account's URL with its secret is the only proof. That vouches
for all of the form, and so for ``created``; it tries for six hours and more, and by arrival an
old START would undo a later STOP. Delivery reports name no number, so they tell nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.messages import HttpCall, InboundMessage, Reply, WebhookRequest
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.base import promised_text
from smsgate.providers.calls import FORM
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import form_call, form_pairs
from smsgate.providers.path_secret import PATH_SECRET, PathSecretProvider
from smsgate.providers.reading import text_of
from smsgate.settings import Account

_API = "https://api.46elks.com"


class Elks(PathSecretProvider):
    """46elks, which texts what the body of an acknowledgement says to the subscriber."""

    name = "elks"
    label = "46elks"
    refusal = "it does not take the text, the number or the account"
    fields = (
        PATH_SECRET,
        Field("username", "the API username"),
        secret_field("password", "the API password"),
    )

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified request; none for a delivery report."""
        fields = {text_of(name): text_of(value) for name, value in form_pairs(request.body)}
        if "status" in fields and "message" not in fields:
            return None
        given, wordless = fields.get("message", UNSET), "image" in fields
        return InboundMessage(
            account=account.name,
            message_id=fields.get("id", ""),
            number=fields.get("from", ""),
            sender=fields.get("to", ""),
            text=promised_text(given, "message", request, optional=wordless),
            sent_us=instant_us(fields.get("created", "")),
        )

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        form = {
            "direction": "incoming",
            "id": message.message_id,
            "from": message.number,
            "to": message.sender,
            "message": message.text,
        }
        if message.sent_us is not None:
            form["created"] = iso_time(message.sent_us).removesuffix("Z")
        body = urlencode(form, errors="replace").encode("ascii")
        secret = account.newest_secret("secret")
        return WebhookRequest("POST", f"{url}/{secret}", {"content-type": FORM}, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. No repeat is safe."""
        form = {"from": reply.sender, "to": reply.number, "message": reply.text}
        auth = (account.options["username"], account.newest_secret("password"))
        return form_call(f"{account.api_url or _API}/a1/sms", form, auth=auth)
