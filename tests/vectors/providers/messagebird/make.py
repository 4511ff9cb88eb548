"""Writes the recorded webhooks of MessageBird, signed by PyJWT.

python -m tests.vectors.providers.messagebird.make
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import partial
from urllib.parse import parse_qsl, urlencode

import jwt

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

NOW_S = 1_790_000_000
OLD_SIGNATURE = {"signature": "steps: messagebird/python-rest-api 2.2, signed_request.py"}
SHORT_CODES = {"payload": "page: tests of messagebird-async for Rust, which quote MessageBird"}
STATUS_REPORTS = {
    "payload": "page: developers.messagebird.com/api (SMS messaging, status reports)",
}
RECORDER = Recorder(
    __file__,
    payload=(
        "invented: MessageBird's page of received SMS is gone; id, originator, recipient and "
        "body are as github.com/nyaruka/courier, handlers/messagebird, reads them"
    ),
    signature=(
        "library: PyJWT 2.15.1, by the steps of messagebird/python-rest-api 2.2, "
        "request_validator.py"
    ),
    old_signature=OLD_SIGNATURE,
    old_signature_get=OLD_SIGNATURE,
    short_code=SHORT_CODES,
    short_code_json=SHORT_CODES,
    status_delivered=STATUS_REPORTS,
    status_opted_out=STATUS_REPORTS,
    status_unknown_subscriber=STATUS_REPORTS,
    latin_1={"payload": "invented: bytes that are no UTF-8, which nobody was seen to send"},
    without_originator=LACKS_FIELD,
    different_ids={"payload": "invented: two ids that differ"},
    equal_ids={"payload": "invented: one id, twice"},
)
KEY = "a-signing-key-that-opens-nothing-and-is-long-enough-for-sha-512-"
URL = "https://sms.example.com/webhooks/messagebird"
FORM = "application/x-www-form-urlencoded"


def text(**changes):
    return {
        "id": "e8077d803532c0b5937c639b60216938",
        "message_id": "e8077d803532c0b5937c639b60216938",
        "originator": "14155550123",
        "recipient": "14155550100",
        "body": "STOP",
        "createdDatetime": "2026-09-21T14:13:18+00:00",
        "createdTimestamp": str(NOW_S - 2),
        **changes,
    }


SHORT = {
    "mid": "123456789",
    "shortcode": "1008",
    "keyword": "MESSAGEBIRD",
    "originator": "14155550123",
    "operator": "20401",
    "message": "MESSAGEBIRD stop",
    "receive_datetime": "20260921141318",
}


def token(url, raw, algorithm="HS256"):
    claims = {
        "iss": "MessageBird", "nbf": NOW_S, "exp": NOW_S + 60,
        "jti": "59a244dc-e9ad-4e23-9778-371fa2a38f72",
        "url_hash": hashlib.sha256(url.encode()).hexdigest(),
    }  # fmt: skip
    if raw:
        claims["payload_hash"] = hashlib.sha256(raw).hexdigest()
    return {"messagebird-signature-jwt": jwt.encode(claims, KEY, algorithm)}


def old(url, raw):
    query = urlencode(sorted(parse_qsl(url.partition("?")[2])))
    signed = f"{NOW_S}\n{query}\n".encode() + hashlib.sha256(raw).digest()
    code = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    return {"messagebird-request-timestamp": str(NOW_S), "messagebird-signature": code}


def write(
    name, what, body="", *, url=URL, kind=FORM, scheme="", signature=None, method="POST", **expected
):
    raw = body.encode()
    timestamp = scheme == "timestamp"
    headers = signature or (old(url, raw) if timestamp else token(url, raw))
    content = {
        "account": {
            "options": {"scheme": scheme} if scheme else {},
            "secrets": {"access_key": ["live_x"], "signing_key": [KEY]},
        },
        "signature": "messagebird-signature" if timestamp else "messagebird-signature-jwt",
        "covers": ["body"] if timestamp else ["body", "url"],
        "window_s": 300 if timestamp else 61,
        "early_s": 300 if timestamp else 1,
        "time": "messagebird-request-timestamp" if timestamp else "",
        "channels": ["sms"],
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": method,
            "url": url,
            "headers": ({"content-type": kind} if body else {}) | headers,
            "body": body,
        },
    }
    RECORDER.write(name, what, content | expected)


message = partial(
    message_fields, message_id="e8077d803532c0b5937c639b60216938", sent_us=(NOW_S - 2) * 1_000_000
)


def main():
    write("stop_form", "STOP as a form", urlencode(text()), messages=[message()], answered="")
    write(
        "stop_get", "STOP by GET, all in the query", url=f"{URL}?{urlencode(text())}",
        method="GET", messages=[message()], answered="",
    )  # fmt: skip
    write(
        "json", "JSON, with a short code as a number, in an alphabet of its own",
        json.dumps(text(recipient=22395, body="Стоп 🛑"), ensure_ascii=False),
        kind="application/json; charset=utf-8",
        messages=[message(sender="22395", text="Стоп 🛑")], answered="",
    )  # fmt: skip
    write(
        "hs512", "Signed by HS512", body=(body := urlencode(text(recipient="18885550100"))),
        signature=token(URL, body.encode(), "HS512"),
        messages=[message(sender="+18885550100")], answered="network",
    )  # fmt: skip
    write(
        "old_signature", "The deprecated signature", urlencode(text()), scheme="timestamp",
        messages=[message()], answered="",
    )  # fmt: skip
    write(
        "old_signature_get", "The deprecated signature over a query",
        url=f"{URL}?{urlencode(text(body='stop it'))}", scheme="timestamp", method="GET",
        covers=[], messages=[message(text="stop it")], answered="",
    )  # fmt: skip
    write(
        "without_originator", "Something else", "id=1&hello=world",
        unreadable="The request lacks id, originator or recipient",
    )  # fmt: skip
    write(
        "latin_1", "No UTF-8", "id=1&originator=1&recipient=2&body=%E9",
        unreadable="The form has bytes that are no UTF-8",
    )  # fmt: skip
    write(
        "short_code", "STOP to a short code: fields of its own", method="GET",
        url=f"{URL}?{urlencode(SHORT)}",
        messages=[message(message_id="123456789", sender="1008", text="MESSAGEBIRD stop",
                          sent_us=None)],
        answered="",
    )  # fmt: skip
    write(
        "short_code_json", "The same as JSON, with numbers",
        json.dumps(SHORT | {"mid": 123456789, "shortcode": 1008}), kind="application/json",
        messages=[message(message_id="123456789", sender="1008", text="MESSAGEBIRD stop",
                          sent_us=None)],
        answered="",
    )  # fmt: skip
    write(
        "equal_ids", "One id, twice", urlencode([("id", text()["id"]), *text().items()]),
        messages=[message()], answered="",
    )  # fmt: skip
    write(
        "different_ids", "Two ids", urlencode([("id", "e8077d80"), *text().items()]),
        unreadable="The form has id more than once, with different values",
    )  # fmt: skip
    status = {
        "id": "e8077d80", "recipient": "14155550123", "originator": "14155550100",
        "status": "delivery_failed", "statusDatetime": "2026-09-21T14:13:18+00:00",
    }  # fmt: skip
    report = {
        "message_id": "e8077d80", "number": "+14155550123", "sender": "+14155550100",
        "kind": "unreachable", "code": "1", "note": "no network has such a subscriber",
        "status": "undelivered",
    }  # fmt: skip
    write(
        "status_unknown_subscriber", "A status report", method="GET",
        url=f"{URL}?{urlencode(status | {'statusErrorCode': '1'})}", reports=[report],
    )  # fmt: skip
    write(
        "status_opted_out", "A status report of a text to a number that had opted out",
        method="GET", url=f"{URL}?{urlencode(status | {'statusErrorCode': '103'})}",
        reports=[report | {"kind": "opted_out", "code": "103",
                           "note": "the number has opted out at MessageBird"}],
    )  # fmt: skip
    write(
        "status_delivered", "A status report of a text that arrived", method="GET",
        url=f"{URL}?{urlencode(status | {'status': 'delivered'})}",
        reports=[report | {"kind": "", "code": "", "note": "", "status": "delivered"}],
    )  # fmt: skip


if __name__ == "__main__":
    main()
