"""What Jasmin posts: a text to us; never the fate of one of ours. And the way back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import international
from smsgate.domain.signing import as_bytes, form_pairs, text_of
from smsgate.providers.contract import FORM, check_present, promised_text
from smsgate.providers.jasmin.data_coding import decoded, number_of
from smsgate.settings import Account

_NEEDED = ("id", "from", "to")


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified request; none for a delivery report (``message_status``).

    Raises ``Unreadable`` where the form lacks id, from or to, and ``TextMissing`` where it has
    neither binary nor content.
    """
    raw = as_bytes(request.query) if request.method == "GET" else request.body
    fields = {text_of(name): value for name, value in form_pairs(raw)}
    if "message_status" in fields and "content" not in fields:
        return []
    plain = {name: text_of(fields.get(name, b"")) for name in _NEEDED}
    check_present("The form", plain, _NEEDED, "a text from Jasmin")
    region = account.options.get("region", "")
    text, doubt = _text(fields, request)
    return [
        InboundMessage(
            account=account.name,
            message_id=plain["id"],
            number=international(plain["from"], region),
            sender=international(plain["to"], region),
            text=text,
            doubt=doubt,
        )
    ]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the request by which Jasmin would hand over ``message``, with the newest secret."""
    content = message.text.encode("utf-16-be", "replace")
    form = {
        "id": message.message_id,
        "from": message.number,
        "to": message.sender,
        "origin-connector": "smsc",
        "content": content,
        "binary": content.hex(),
        "priority": "0",
        "coding": b"\x08",
    }
    secret = account.secrets["secret"][0].value
    headers = {"content-type": FORM, "accept": "text/plain"}
    return WebhookRequest("POST", f"{url}/{secret}", headers, urlencode(form).encode("ascii"))


def _text(fields: Mapping[str, bytes], request: WebhookRequest) -> tuple[str, str]:
    """Return the text, and why it may be another one.

    The octets stand in ``binary``; ``content`` counts only where there are none. It has the same
    octets, but may have been written anew as UTF-8 where its data coding says nothing else.
    """
    try:
        octets = bytes.fromhex(text_of(fields.get("binary", b"")))
    except ValueError:
        octets = b""
    coding = number_of(fields.get("coding", b""))
    if coding not in (0, 1):
        octets = octets or fields.get("content", b"")
    if octets:
        return decoded(octets, coding)
    given = text_of(fields["content"]) if "content" in fields else UNSET
    return promised_text(given, "content", request, optional=fields.get("binary") == b""), ""
