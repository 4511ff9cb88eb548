"""What Vonage's webhook says: the text, or what became of one of ours. And the way back.

A long text comes in parts, each a webhook with an id of its own, and nothing here could join
them. A part is handed on as what it is, ``[part 2 of 3] …``: so its words can still ask for an end
or for a person's eye, but a part that happens to be the one word START opts nobody in.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import form_texts, instant_us, iso_time
from smsgate.providers.contract import Report, check_present, fate_in, known_of, promised_text
from smsgate.providers.vonage_sms.signature import is_signed, parameters_of, sign
from smsgate.settings import Account

_NEEDED = ("messageId", "msisdn", "to")
_READ_ONCE = frozenset({*_NEEDED, "text", "type", "message-timestamp", "status", "err-code"})
_FATES = {
    "delivered": "delivered",
    "expired": "undelivered",
    "failed": "undelivered",
    "rejected": "failed",
}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "3": ("unreachable", "the number is no longer in use"),
    "4": ("unreachable", "the subscriber has all texts barred"),
    "9": ("opted_out", "the number has opted out of texts from this sender"),
}
"""``err-code`` of delivery receipts."""


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text, or the part of one, in a verified webhook; none for a delivery receipt.

    Whatever verifies vouches for the whole request, a secret in the path too, and so for the time
    of the text. Raises ``Unreadable`` for what is no UTF-8, or lacks messageId, msisdn or to, and
    ``TextMissing`` for what is not binary and lacks its text.
    """
    fields = form_texts(parameters_of(request), _READ_ONCE)
    if _is_receipt(fields):
        return []
    check_present("The request", fields, _NEEDED, "an inbound SMS")
    return [
        InboundMessage(
            account=account.name,
            message_id=fields["messageId"],
            number=with_plus(fields["msisdn"]),
            sender=with_plus(fields["to"]),
            text=_text(fields, request),
            sent_us=instant_us(fields.get("message-timestamp", "")),
        )
    ]


def _text(fields: Mapping[str, str], request: WebhookRequest) -> str:
    binary = fields.get("type", "").lower() == "binary"
    text = promised_text(fields.get("text", UNSET), "text", request, optional=binary)
    if fields.get("concat", "").lower() != "true":
        return text
    part, total = fields.get("concat-part", ""), fields.get("concat-total", "")
    return f"[part {part[:3]} of {total[:3]}] {text}"


def _is_receipt(fields: Mapping[str, str]) -> bool:
    """Whether this is about a text of ours. In doubt it is one to us, which must not be lost."""
    return "text" not in fields and ("err-code" in fields or "status" in fields)


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what a delivery receipt tells of a text of ours."""
    fields = form_texts(parameters_of(request), _READ_ONCE)
    code = fields.get("err-code", "")
    kind, note = known_of(code, _REPORTED)
    fate = fate_in(fields.get("status", ""), _FATES, kind)
    if not fate or not _is_receipt(fields):
        return []
    return [
        Report(
            message_id=fields.get("messageId", ""),
            number=with_plus(fields.get("msisdn", "")),
            sender=with_plus(fields.get("to", "")),
            kind=kind,
            code=code,
            note=note,
            fate=fate,
        )
    ]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the form by which Vonage would post ``message``, as of ``message.sent_us``.

    Signed, or to ``url`` with the account's newest secret behind it.
    """
    form = {
        "api-key": account.options["api_key"],
        "messageId": message.message_id,
        "msisdn": message.number.removeprefix("+"),
        "text": message.text.encode(errors="replace").decode(),
        "to": message.sender.removeprefix("+"),
        "type": "text" if message.text.isascii() else "unicode",
    }
    sent_us = message.sent_us or 0
    form["message-timestamp"] = iso_time(sent_us)[:19].replace("T", " ")
    if is_signed(account):
        form["timestamp"] = str(sent_us // 1_000_000)
        form["sig"] = sign(form, account)
    else:
        url = f"{url}/{account.secrets['webhook_secret'][0].value}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return WebhookRequest("POST", url, headers, urlencode(form).encode("ascii"))
