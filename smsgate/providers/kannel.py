"""Kannel, an operator's own SMPP gateway: ``sms-service`` in, ``sendsms`` out.

kannel.org/download/1.5.0/userguide-1.5.0/userguide.html (sms-service, escape codes, "Using
the HTTP interface to send SMS messages"); gw/smsbox.c and gw/urltrans.c. Read in November 2026.
Kannel signs nothing: knowing the account's URL with its secret is the only proof. That vouches
for all of the request, and so for ``ts``, the time of the text, where get-url has it.
With post-url the body is the text, and headers have what the query does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.gsm import fits_gsm
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import international
from smsgate.domain.signed_times import instant_us
from smsgate.domain.signing import as_bytes
from smsgate.providers.base import GivenText, promised_text
from smsgate.providers.calls import not_sent, send_url
from smsgate.providers.fields import REGION, Field, secret_field
from smsgate.providers.forms import form_pairs
from smsgate.providers.path_secret import PATH_SECRET, PathSecretProvider
from smsgate.providers.reading import text_of
from smsgate.settings import Account

_HEADERS = {"from": "x-kannel-from", "to": "x-kannel-to"}
"""Of post-url, ``from`` only with send-sender."""
_POSTED = frozenset({"text/plain", "application/octet-stream"})
"""What the body of post-url is; that of post-xml is text/xml."""
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_ENCODINGS: Mapping[str, str] = {
    "ISO-8859-1": "latin-1",
    "LATIN1": "latin-1",
    "UTF-16BE": "utf-16-be",
    "UCS-2": "utf-16-be",
    "WINDOWS-1252": "cp1252",
}
# As Kannel names what it hands over in GSM's alphabet, in ours, or as it came.
_AS_UTF_8 = frozenset({"", "UTF-8", "UTF8", "US-ASCII", "ASCII", "GSM", "BINARY"})
_TRY_LATER = b"Temporal failure, try again later."  # bearerbox turned it away


class Kannel(PathSecretProvider):
    """Kannel: it texts what an acknowledgement says, and takes only 200 and 202 for a success."""

    name = "kannel"
    label = "Kannel"
    refusal = "the request or Kannel's configuration is wrong"
    refusals = dict.fromkeys(
        (401, 403), (Verdict.REFUSED, "username, password or the route to this number is wrong")
    )
    fields = (
        PATH_SECRET,
        Field("send_url", "the address of smsbox, such as …/cgi-bin/sendsms", r"https?://[!-~]+"),
        Field("username", "the username of a sendsms-user"),
        secret_field("password", "the password of that sendsms-user"),
        Field("smsc", "the id of the SMS centre to send by", required=False),
        REGION,
    )

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified request; none for a delivery report (``dlr``)."""
        fields = dict(form_pairs(as_bytes(request.query)))
        if fields.get(b"dlr") and b"text" not in fields:
            return None
        plain = {name: text_of(fields.get(as_bytes(name), b"")) for name in self.needed}
        for name, header in _HEADERS.items():
            plain[name] = plain[name] or request.headers.get(header, "")
        region = account.options.get("region", "")
        given, doubt = _words(request, fields)
        return InboundMessage(
            account=account.name,
            message_id=plain["id"],
            number=international(plain["from"], region),
            sender=international(plain["to"], region),
            text=promised_text(given, "text", request),
            sent_us=_sent_us(fields.get(b"ts", b""), request.headers.get("x-kannel-time", "")),
            doubt=doubt,
        )

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        query = {
            "id": message.message_id,
            "from": message.number,
            "to": message.sender,
            "text": message.text,
            "charset": "UTF-8",
            "coding": _coding(message.text),
        }
        if message.sent_us is not None:
            query["ts"] = str(message.sent_us // 1_000_000)
        secret = account.newest_secret("secret")
        address = f"{url}/{secret}?{urlencode(query, errors='replace')}"
        return WebhookRequest("GET", address, {"user-agent": "Kannel/1.5"}, b"")

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Kannel takes no idempotency key, and the credentials only in the query.
        """
        query = {
            "username": account.options["username"],
            "password": account.newest_secret("password"),
            "from": reply.sender,
            "to": reply.number,
            "text": reply.text,
            "charset": "UTF-8",
            "coding": _coding(reply.text),
        }
        if account.options.get("smsc"):
            query["smsc"] = account.options["smsc"]
        return HttpCall("GET", f"{send_url(account)}?{urlencode(query, errors='replace')}")

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what Kannel's response to ``reply`` means. It gives no message id."""
        if response.status == 503 and response.body.strip() == _TRY_LATER:
            meaning = (Verdict.NOT_ACCEPTED, "it cannot take texts just now")
            return not_sent(self.label, response, meaning)
        return super().outcome(response)


def _words(request: WebhookRequest, fields: Mapping[bytes, bytes]) -> tuple[GivenText, str]:
    """The text in the query, or of post-url in the body; and why it may be another one.

    Read as its charset says, else as UTF-8, else as Latin-1, in which every byte is a letter: a
    text that is refused would be answered by Kannel with an error message to the subscriber.
    """
    type_ = request.headers.get("content-type", "")
    found = _CHARSET.search(type_)
    charset = text_of(fields.get(b"charset", b"")) or (found[1] if found else "")
    coding = fields.get(b"coding", b"") or as_bytes(request.headers.get("x-kannel-coding", ""))
    if not charset and coding == b"2":
        charset = "UTF-16BE"
    posted = request.method == "POST" and type_.partition(";")[0].strip().lower() in _POSTED
    raw = fields.get(b"text", request.body if posted else None)
    if raw is None:
        return UNSET, ""
    encoding = _ENCODINGS.get(charset.upper())
    if encoding:
        return raw.decode(encoding, "replace"), ""
    return text_of(raw), "" if charset.upper() in _AS_UTF_8 else "its character set is not known"


def _sent_us(seconds: bytes, header: str) -> int | None:
    """``%T``, seconds since 1970, or ``X-Kannel-Time``, UTC; nothing where neither is a time."""
    if seconds.isdigit() and len(seconds) < 12:
        return int(seconds) * 1_000_000
    return instant_us(header) if header else None


def _coding(text: str) -> str:
    """``0``, seven bits a letter, where the GSM alphabet has all of them; else ``2``, UCS-2.

    Kannel writes UTF-8 in the GSM alphabet by itself, and cuts no letter in two (gwlib/charset.c,
    gw/sms.c).
    """
    return "0" if fits_gsm(text) else "2"
