"""46elks: webhooks in, SMS API out.

46elks.com/docs (Receive an SMS, Send an SMS, SMS delivery reports). Read in November 2026.

46elks signs nothing: whoever knows the account's address with its secret is 46elks. That vouches
for all of the form, and so for ``created``; it tries for six hours and more, and by arrival an
old START would undo a later STOP. Delivery reports name no number, so they tell nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signing import form_pairs, instant_us, iso_time, text_of
from smsgate.providers.contract import (
    FORM,
    PATH_SECRET,
    Field,
    answer_json,
    check_present,
    failed,
    promised_text,
)
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.contract import no_reports as reports
from smsgate.providers.contract import path_alone as verify
from smsgate.settings import Account

__all__ = [
    "ACK",
    "BATCHES", "FIELDS", "IDEMPOTENT", "NAME", "answered", "certificate", "handshake", "inbound",
    "outcome", "parse", "reply", "reports", "verify",
]  # fmt: skip

NAME = "elks"
# 46elks texts what the body says to the subscriber.
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    PATH_SECRET,
    Field("username", r"[!-~]+", "the API username"),
    Field("password", r"[!-~]+", "the API password", secret=True),
)
_API = "https://api.46elks.com"
_NEEDED = ("id", "from", "to")


class _Answer(msgspec.Struct):
    id: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified request; none for a delivery report.

    Raises ``Unreadable`` where the form lacks id, from or to, and ``TextMissing`` where it has
    neither message nor image.
    """
    fields = {text_of(name): text_of(value) for name, value in form_pairs(request.body)}
    if "status" in fields and "message" not in fields:
        return []
    check_present("The form", fields, _NEEDED, "a text from 46elks")
    return [
        InboundMessage(
            account=account.name,
            message_id=fields["id"],
            number=fields["from"],
            sender=fields["to"],
            text=promised_text(
                fields.get("message", UNSET), "message", request, optional="image" in fields
            ),
            sent_us=instant_us(fields.get("created", "")),
        )
    ]


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that sends ``reply`` from the number that was texted. No repeat is safe."""
    form = {"from": reply.sender, "to": reply.number, "message": reply.text}
    return HttpCall(
        method="POST",
        url=f"{account.api_url or _API}/a1/sms",
        headers={"Content-Type": FORM},
        body=urlencode(form, errors="replace").encode("ascii"),
        auth=(account.options["username"], account.secrets["password"][0].value),
    )


def outcome(response: HttpReply) -> Outcome:
    """Say what 46elks' response to ``reply`` means. Never raises."""
    if 200 <= response.status < 300:
        answer = answer_json(response, _ANSWER) or _Answer()
        return Outcome(Verdict.SENT, provider_id=answer.id)
    return failed("46elks", response, None, "it does not take the text, the number or the account")


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the form by which 46elks would post ``message``, to the newest secret's address."""
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
    secret = account.secrets["secret"][0].value
    return WebhookRequest("POST", f"{url}/{secret}", {"content-type": FORM}, body)
