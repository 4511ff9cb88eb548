"""Jasmin, an operator's own SMPP gateway: HTTP client connector in, HTTP API out.

docs.jasminsms.com/en/latest/apis/http/ (receiving, sending); jasmin/routing/throwers.py and
jasmin/protocols/http/errors.py of Jasmin 0.11.1, and what that posts. Read in November 2026. Jasmin
signs nothing: whoever knows the account's address with its secret is Jasmin. It never posts the
delivery status of a text of ours here.

Octets are read by their data coding: SMPP 3.4, 5.2.19 (data_coding); 3GPP TS 23.038, 4 (data coding
schemes); 3GPP TS 23.040, 9.2.3.24 (the header of a part of a long
text).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.gsm import EXTENSION, decode_gsm, fits_gsm
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import international
from smsgate.domain.signing import as_bytes
from smsgate.providers.base import promised_text
from smsgate.providers.calls import FORM, Meaning, send_url
from smsgate.providers.fields import REGION, Field, secret_field
from smsgate.providers.forms import form_call, form_pairs
from smsgate.providers.path_secret import PATH_SECRET, PathSecretProvider
from smsgate.providers.reading import text_of
from smsgate.settings import Account

_MAX_SEPTETS, _PART_SEPTETS = 160, 153
"""Of a text of one segment, and of each segment of a longer one."""
_SENT = re.compile(rb'Success "([^"]{1,64})"')


class Jasmin(PathSecretProvider):
    """Jasmin, which repeats a text until the answer is ``ACK/Jasmin``."""

    name = "jasmin"
    label = "Jasmin"
    refusal = "a number or the text is not what Jasmin takes"
    refusals = {
        403: (Verdict.REFUSED, "username or password is wrong, or the user has no credit"),
        412: (Verdict.REFUSED, "there is no route, or no connector is up"),
    }
    ack = HttpReply(200, "text/plain", b"ACK/Jasmin")
    fields = (
        PATH_SECRET,
        Field("send_url", "the address of the HTTP API, such as …:1401/send", r"https?://[!-~]+"),
        Field("username", "the username of a Jasmin user"),
        secret_field("password", "the password of that user"),
        REGION,
    )

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified request; none for a delivery report."""
        raw = as_bytes(request.query) if request.method == "GET" else request.body
        fields = {text_of(name): value for name, value in form_pairs(raw)}
        if "message_status" in fields and "content" not in fields:
            return None
        plain = {name: text_of(fields.get(name, b"")) for name in self.needed}
        region = account.options.get("region", "")
        text, doubt = _text(fields, request)
        return InboundMessage(
            account=account.name,
            message_id=plain["id"],
            number=international(plain["from"], region),
            sender=international(plain["to"], region),
            text=text,
            doubt=doubt,
        )

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
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
        secret = account.newest_secret("secret")
        headers = {"content-type": FORM, "accept": "text/plain"}
        return WebhookRequest("POST", f"{url}/{secret}", headers, urlencode(form).encode("ascii"))

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Jasmin takes no idempotency key. What the GSM alphabet has goes out in it: Jasmin writes
        ``content`` in that by itself (jasmin/protocols/http/endpoints/send.py).
        """
        form = {
            "username": account.options["username"],
            "password": account.newest_secret("password"),
            "from": reply.sender,
            "to": reply.number,
        }
        if fits_gsm(reply.text) and not _cuts_a_letter(reply.text):
            form |= {"coding": "0", "content": reply.text}
        else:
            form |= {"coding": "8", "hex-content": reply.text.encode("utf-16-be", "replace").hex()}
        return form_call(send_url(account), form)

    def sent_id(self, response: HttpReply) -> str:
        found = _SENT.search(response.body)
        return found[1].decode("latin-1") if found else ""

    def error(self, response: HttpReply) -> Meaning | None:
        if response.status == 403 and b"hroughput" in response.body:
            return Verdict.NOT_ACCEPTED, "the user's throughput is exceeded"
        return super().error(response)


def _cuts_a_letter(text: str) -> bool:
    """Whether Jasmin would cut a letter of two septets: it cuts long texts at every 153rd septet.

    See SubmitSM in jasmin/protocols/smpp/operations.py.
    """
    end, cut = 0, False
    for letter in text:
        size = 2 if letter in EXTENSION else 1
        cut = cut or (size == 2 and end % _PART_SEPTETS == _PART_SEPTETS - 1)
        end += size
    return cut and end > _MAX_SEPTETS


def _text(fields: Mapping[str, bytes], request: WebhookRequest) -> tuple[str, str]:
    """Return the text, and why it may be another one.

    The octets stand in ``binary``; ``content`` counts only where there are none. It has the same
    octets, but Jasmin may have written them as UTF-8 where the data coding is 0 or 1.
    """
    try:
        octets = bytes.fromhex(text_of(fields.get("binary", b"")))
    except ValueError:
        octets = b""
    coding = _coding_number(fields.get("coding", b""))
    if coding not in (0, 1):
        octets = octets or fields.get("content", b"")
    if octets:
        return _decoded(octets, coding)
    given = text_of(fields["content"]) if "content" in fields else UNSET
    return promised_text(given, "content", request, optional=fields.get("binary") == b""), ""


# --- octets by their data coding ------------------------------------------------------------------


_GSM, _OCTETS, _UCS2 = "GSM 03.38", "octets", "utf-16-be"
# SMPP's own; from 16 on it is a data coding scheme of GSM (``_alphabet``).
_ALPHABETS: Mapping[int, str] = {
    0: _GSM,
    1: "ascii",
    2: _OCTETS,
    3: "latin-1",
    4: _OCTETS,
    5: "cp932",  # JIS X 0208 as Shift JIS, with the letters that vendors added
    6: "iso8859_5",
    7: "iso8859_8",
    8: _UCS2,
    9: "cp932",  # pictograms, which stand beside Shift JIS
    10: "iso2022_jp",
    13: "euc_jp",  # JIS X 0212
    14: "cp949",  # KS C 5601, with the letters that vendors added
}
_PART_SIZES: Mapping[int, int] = {0x00: 3, 0x08: 4}
"""Elements of a header that say which part of a long text it is, and how long they are."""
_SIZES: Mapping[int, int] = {**_PART_SIZES, 0x04: 2, 0x05: 4, 0x24: 1, 0x25: 1}
"""And those that name ports, or the table of letters of a language, whose Latin ones are GSM's."""


def _coding_number(coding: bytes) -> int | None:
    """Return a data coding that is given as one raw byte or in digits; None for anything else.

    Nothing at all is 0, the default of the SMS centre.
    """
    if not coding:
        return 0
    if coding.isdigit() and len(coding) <= 3:
        return int(coding)
    return coding[0] if len(coding) == 1 else None


def _decoded(octets: bytes, coding: int | None) -> tuple[str, str]:
    """Return the text that octets spell, and why it may be another one; nothing if it is sure.

    Codings for binary data (2, 4 and the like) give an empty text, unless every octet is a letter.
    A part of a long text begins with ``[part 1 of 2]``, since the others are not known here. Never
    raises.
    """
    part, octets = _without_header(octets)
    alphabet = _alphabet(coding)
    if alphabet == _OCTETS:
        text = text_of(octets)
        return (
            (part + text, f"data coding {coding} is not for texts") if _is_plain(text) else ("", "")
        )
    if not alphabet:
        shown = "of more than one byte" if coding is None else str(coding)
        return part + _guessed(octets), f"data coding {shown} is not known"
    if alphabet == _UCS2 and len(octets) % 2:
        return part + _guessed(octets), f"data coding {coding} has two octets for each letter"
    return part + _read(octets, alphabet), ""


def _alphabet(coding: int | None) -> str:
    """The alphabet of a data coding; nothing where that is not known."""
    if coding is None or coding > 0xFF:
        return ""
    if coding < 0x10:
        return _ALPHABETS.get(coding, "")
    if coding < 0x80:  # texts, with a class or marked for deletion; unknown where compressed
        return "" if coding & 0x20 else (_GSM, _OCTETS, _UCS2, "")[coding >> 2 & 3]
    if coding < 0xC0:
        return ""
    if coding < 0xF0:  # a message waits
        return _UCS2 if coding >= 0xE0 else _GSM
    return _OCTETS if coding & 4 else _GSM


def _read(octets: bytes, alphabet: str) -> str:
    """Read in an alphabet. What an SMS centre calls GSM or ASCII may be UTF-8 or Latin-1."""
    if alphabet in (_GSM, "ascii"):
        return decode_gsm(octets) if alphabet == _GSM and octets.isascii() else text_of(octets)
    if alphabet == "euc_jp" and b"\x1b" in octets:
        alphabet = "iso2022_jp_1"  # has JIS X 0212, too
    if alphabet == _UCS2 and octets.startswith(codecs.BOM_UTF16_LE):
        alphabet = "utf-16"
    return octets.decode(alphabet, "replace")


def _guessed(octets: bytes) -> str:
    """Read what nobody says how to read: UTF-8 or Latin-1 where that gives letters, else UCS-2."""
    text = text_of(octets)
    return text if _is_plain(text) else octets.decode(_UCS2, "replace")


def _without_header(octets: bytes) -> tuple[str, bytes]:
    """Which part of a long text this is, in words, and what follows its header.

    An SMS gateway that does not join the parts hands them over with their headers, and does not say
    so. No text begins like one: it would have a length, and elements that fill it exactly.
    """
    part, place, end = "", 1, octets[0] + 1 if octets else 0
    known = end > 1
    while place + 1 < end <= len(octets):
        kind, size = octets[place], octets[place + 1]
        place += 2 + size
        known = known and _SIZES.get(kind) == size
        if _PART_SIZES.get(kind) == size and place <= end:
            total, number = octets[place - 2], octets[place - 1]
            part = f"[part {number} of {total}] " if 0 < number <= total > 1 else ""
            known = known and 0 < number <= total
    return (part, octets[end:]) if (part or known) and place == end else ("", octets)


def _is_plain(text: str) -> bool:
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t" for letter in text)
