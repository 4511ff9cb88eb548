"""What Jasmin posts: a text to us; never the fate of one of ours. And the way back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.messages import InboundMessage, WebhookRequest
from smsgate.phone import international
from smsgate.providers.contract import FORM, check_present, promised_text
from smsgate.settings import Account
from smsgate.signing import as_bytes, form_pairs, text_of

_NEEDED = ("id", "from", "to")
# data_coding of SMPP 3.4, 5.2.19; what is missing here is read as UTF-8, else as Latin-1.
_ENCODINGS: Mapping[str, str] = {
    "3": "latin-1",
    "5": "shift_jis",
    "6": "iso8859_5",
    "7": "iso8859_8",
    "8": "utf-16-be",
    "10": "iso2022_jp",
    "14": "euc_kr",
}
# 3GPP TS 23.038, 6.2.1 and 6.2.1.1; the escape (1B) stands at its place.
_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = dict(zip("\nΛ()/<=>¡e", "\f^{}\\[~]|€", strict=True))
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)


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
    return [
        InboundMessage(
            account=account.name,
            message_id=plain["id"],
            number=international(plain["from"], region),
            sender=international(plain["to"], region),
            text=_text(fields, request),
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
        "coding": "8",
    }
    secret = account.secrets["secret"][0].value
    headers = {"content-type": FORM, "accept": "text/plain"}
    return WebhookRequest("POST", f"{url}/{secret}", headers, urlencode(form).encode("ascii"))


def _text(fields: Mapping[str, bytes], request: WebhookRequest) -> str:
    """Read the octets in ``binary`` as ``coding`` says; ``content`` only where there are none."""
    try:
        octets = bytes.fromhex(text_of(fields.get("binary", b"")))
    except ValueError:
        octets = b""
    coding = text_of(fields.get("coding", b""))
    if not octets:
        given = text_of(fields["content"]) if "content" in fields else UNSET
        return promised_text(given, "content", request, optional=fields.get("binary") == b"")
    if coding in _ENCODINGS:
        return octets.decode(_ENCODINGS[coding], "replace")
    return _gsm(octets) if coding in ("", "0") and octets.isascii() else text_of(octets)


def _gsm(octets: bytes) -> str:
    """Read the GSM alphabet, one letter an octet; an unknown escaped letter is itself."""
    text = "".join(_GSM[octet] for octet in octets)
    return _ESCAPED.sub(lambda found: _GSM_ESCAPED.get(found[1], found[1]), text)
