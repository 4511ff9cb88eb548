"""Webhooks as Twilio posts them, signed, one byte string each: what the load consists of.

Signing here shares no code with what is measured, so that a common error cannot hide.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlencode

SID = "AC" + "7" * 32
TOKEN = "the-token-of-the-benchmark"
HOST = "texts.example.com"
ORIGIN = f"http://{HOST}"
PATH = "/webhooks/twilio"

FIRST_NUMBER = 12_120_000_000
WORDS = "WORDS"
"""What stands in a text for six words that differ from request to request."""
_FIRST = ("anna", "ben", "carla", "dario", "emma", "felix", "greta", "hugo")
_SECOND = ("iris", "jonas", "karin", "liam", "mona", "nils", "olga", "paul")
_NUMBER = "NUMBER-"
_MESSAGE = "MESSAGE-"
# Every field that Twilio sends for a plain text in North America.
_FORM = {
    "AccountSid": SID,
    "ApiVersion": "2010-04-01",
    "Body": "",
    "From": _NUMBER,
    "FromCity": "SAN FRANCISCO",
    "FromCountry": "US",
    "FromState": "CA",
    "FromZip": "94105",
    "MessageSid": _MESSAGE,
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsMessageSid": _MESSAGE,
    "SmsSid": _MESSAGE,
    "SmsStatus": "received",
    "To": "+14155550999",
    "ToCity": "OAKLAND",
    "ToCountry": "US",
    "ToState": "CA",
    "ToZip": "94601",
}


def signed_requests(text: str, first: int, count: int) -> list[bytes]:
    """Return ``count`` whole HTTP requests, from the ``first`` of an endless, fixed row of them.

    No two of the row have the same number or message id.
    """
    form = _FORM | {"Body": text}
    body = urlencode(form)
    signed = ORIGIN + PATH + "".join(name + value for name, value in sorted(form.items()))
    return [_request(place, body, signed) for place in range(first, first + count)]


def _request(place: int, body: str, signed: str) -> bytes:
    number, message = f"{FIRST_NUMBER + place}", f"SM{place:032x}"
    filled = body.replace(_NUMBER, "%2B" + number).replace(_MESSAGE, message)
    covered = signed.replace(_NUMBER, "+" + number).replace(_MESSAGE, message)
    if WORDS in body:
        words = _words(place)
        filled = filled.replace(WORDS, "+".join(words))
        covered = covered.replace(WORDS, " ".join(words))
    signature = base64.b64encode(hmac.digest(TOKEN.encode(), covered.encode(), "sha1")).decode()
    return (
        f"POST {PATH} HTTP/1.1\r\n"
        f"Host: {HOST}\r\n"
        "User-Agent: TwilioProxy/1.1\r\n"
        "Accept: */*\r\n"
        "I-Twilio-Idempotency-Token: 7d1b9c3e-3f0e-4f5a-9a55-0d9f5f0c8b11\r\n"
        f"X-Twilio-Signature: {signature}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"Content-Length: {len(filled)}\r\n\r\n{filled}"
    ).encode("ascii")


def _words(place: int) -> list[str]:
    """Spell out a place in base eight."""
    lists = (_FIRST, _SECOND) * 3
    return [names[place >> 3 * digit & 7] for digit, names in enumerate(lists)]
