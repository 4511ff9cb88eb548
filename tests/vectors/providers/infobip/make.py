"""Writes the recorded webhooks of Infobip: python -m tests.vectors.providers.infobip.make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import partial

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

NOW_S = 1_790_000_000
RECORDER = Recorder(
    __file__,
    payload=(
        "page: infobip.com/docs/api/channels/sms (Receive inbound SMS messages, delivery reports)"
    ),
    signature="steps: Infobip's notification profile, read second hand",
    mms={"payload": "page: infobip.com/docs/api/channels/mms (Receive inbound MMS messages)"},
    basic={"signature": "none: HTTP Basic"},
    no_json=NO_JSON,
    without_sender=LACKS_FIELD,
    without_text=LACKS_FIELD,
)
KEY = "a-signing-key-that-opens-nothing"
URL = "https://sms.example.com/webhooks/infobip"


def text(**changes):
    return {
        "messageId": "817790313235066447",
        "from": "14155550123",
        "to": "14155550100",
        "text": "STOP",
        "cleanText": "",
        "keyword": "STOP",
        "receivedAt": "2026-09-21T14:13:20.000+0000",
        "smsCount": 1,
        "price": {"pricePerMessage": 0, "currency": "EUR"},
        "callbackData": None,
        "applicationId": None,
        "entityId": None,
        **changes,
    }


def batch(*results):
    count = {"messageCount": len(results), "pendingMessageCount": 0}
    return json.dumps({"results": results, **count}, ensure_ascii=False, separators=(",", ":"))


def signed(scheme, body, key=KEY):
    raw = body.encode()
    if scheme == "basic":
        return {"authorization": "Basic " + base64.b64encode(key.encode()).decode()}
    if scheme == "exchange":
        time = f"{NOW_S}000"
        code = hmac.new(key.encode(), time.encode() + raw, hashlib.sha256).hexdigest()
        return {"x-ib-exchange-req-timestamp": time, "x-ib-exchange-req-signature": code}
    return {"x-signature": "SHA256=" + hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()}


def write(name, what, body, *, scheme="hmac", **expected):
    header = {"hmac": "x-signature", "exchange": "x-ib-exchange-req-signature"}
    secret = "smsgate:a password: with colons" if scheme == "basic" else KEY
    options = {"host": "xyz123.api.infobip.com", "scheme": scheme}
    if scheme == "hmac":
        options["signature_header"] = "X-Signature"
    content = {
        "account": {"options": options, "secrets": {"api_key": ["k"], "webhook_secret": [secret]}},
        "signature": header.get(scheme, "authorization"),
        "covers": [] if scheme == "basic" else ["body"],
        "stamped": True,
        "channels": ["sms"],
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": "POST",
            "url": URL,
            "headers": {"content-type": "application/json", **signed(scheme, body, secret)},
            "body": body,
        },
    }
    if scheme == "exchange":
        content |= {"time": "x-ib-exchange-req-timestamp", "window_s": 300}
    RECORDER.write(name, what, content | expected)


message = partial(message_fields, message_id="817790313235066447", sent_us=NOW_S * 1_000_000)


def main():
    write("stop", "STOP", batch(text()), messages=[message()], answered="")
    write(
        "exchange", "STOP by the exchange scheme", batch(text()), scheme="exchange",
        messages=[message()], answered="",
    )  # fmt: skip
    write(
        "basic", "STOP by HTTP Basic", batch(text()),
        scheme="basic", messages=[message()], answered="",
    )  # fmt: skip
    write(
        "batch", "Three texts at once, to a long number, a short code and a name",
        batch(
            text(text="Arrêtez 🛑 שלום", receivedAt="2026-09-21T16:13:19.220+0200"),
            text(messageId="817790313235066448", to="22395", text=None),
            text(messageId="817790313235066449", **{"from": "Acme"}, to="18885550100", text="stop"),
        ),
        messages=[
            message(text="Arrêtez 🛑 שלום", sent_us=1_789_999_999_220_000),
            message(message_id="817790313235066448", sender="22395", text=""),
            message(
                message_id="817790313235066449", number="Acme", sender="+18885550100", text="stop"
            ),
        ],
        answered=["", "", "network"],
    )  # fmt: skip
    picture = {"contentType": "image/jpeg", "url": "https://media.example.com/1"}
    mms = {key: value for key, value in text().items() if key in
           ("messageId", "from", "to", "receivedAt", "callbackData", "price")}  # fmt: skip
    mms |= {"userAgent": "iPhone", "message": [
        picture, {"contentType": "text/plain", "value": "STOP"}]}  # fmt: skip
    write(
        "mms", "An MMS (MO_MMS_2): a picture, and STOP beside it", batch(mms),
        messages=[message(channel="mms", media=[picture["url"]])], answered="",
    )  # fmt: skip
    write(
        "without_text", "Neither text nor segments",
        batch({key: value for key, value in text().items() if key != "text"}),
        unreadable="The request lacks text or message[].value",
    )  # fmt: skip
    write(
        "without_sender", "One of two texts lacks its sender",
        batch(text(), text(**{"from": None})),
        unreadable="A result lacks messageId, from or to",
    )  # fmt: skip
    write("no_json", "No JSON", "results=none", unreadable="Infobip posts JSON of another shape")
    status = {"groupId": 5, "groupName": "REJECTED", "id": 14, "description": "…"}
    report = {
        "bulkId": "b", "messageId": "m-1", "to": "14155550123", "from": "14155550100",
        "sentAt": "2026-09-21T14:13:19.000+0000", "doneAt": "2026-09-21T14:13:20.000+0000",
        "smsCount": 1, "price": {"pricePerMessage": 0.01, "currency": "EUR"},
    }  # fmt: skip
    ok = {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False}
    unknown = {
        "groupId": 1,
        "groupName": "HANDSET_ERRORS",
        "id": 1,
        "name": "EC_UNKNOWN_SUBSCRIBER",
    }
    delivered = {"groupId": 3, "groupName": "DELIVERED", "id": 5, "name": "DELIVERED_TO_HANDSET"}
    failed = {"groupId": 2, "id": 9, "name": "UNDELIVERABLE_NOT_DELIVERED"}
    blocked = {**status, "name": "REJECTED_DESTINATION_BLOCKLISTED"}
    told = {"message_id": "m-1", "number": "+14155550123", "sender": "+14155550100"}
    write(
        "delivery_reports", "Delivered, an unknown subscriber, a blocked one",
        batch(
            {**report, "status": delivered, "error": ok},
            {**report, "status": failed, "error": unknown},
            {**report, "status": blocked, "error": ok},
        ),
        reports=[
            {**told, "kind": "", "code": "NO_ERROR", "note": "", "status": "delivered"},
            {**told, "kind": "unreachable", "code": "EC_UNKNOWN_SUBSCRIBER",
             "note": "no network has such a subscriber", "status": "undelivered"},
            {**told, "kind": "opted_out", "code": "REJECTED_DESTINATION_BLOCKLISTED",
             "note": "the number is on a blocklist", "status": "failed"},
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
