"""Writes the recorded webhooks of Bird's Channels API.

python -m tests.vectors.providers.bird_channels.make
"""

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
    payload="page: docs.bird.com/api/channels-api (Programmable SMS, Receiving messages)",
    signature="steps: docs.bird.com/api/notifications-api (Verifying a webhook)",
    no_json=NO_JSON,
    without_sender=LACKS_FIELD,
)
KEY = "a-signing-key-that-opens-nothing"
URL = "https://sms.example.com/webhooks/bird_channels"
CHANNEL = "614208aa-b153-4d5d-9989-2fddfc0ce4c3"
ANOTHER = "714208aa-b153-4d5d-9989-2fddfc0ce4c3"
ID = "96a0b5fa-a986-453d-be5c-3117f989f025"


def payload(**changes):
    contact = {
        "id": "32cf5eee-f940-422c-ab8c-5f753aad5efd",
        "identifierKey": "phonenumber",
        "identifierValue": "+14155550123",
    }
    return {
        "id": ID,
        "channelId": CHANNEL,
        "sender": {"contact": contact},
        "receiver": {"connector": {"id": "86cc4dc0-3dc0-41b7-ac43-8ec829ead56f"}},
        "body": {"type": "text", "text": {"text": "STOP"}},
        "parts": [{"platformReference": "e8077d803532c0b5937c639b60216938"}],
        "status": "delivered",
        "direction": "incoming",
        "createdAt": "2026-09-21T14:13:18.736Z",
        **changes,
    }


def write(name, what, body, **expected):
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    signed = f"{NOW_S}\n{URL}\n".encode() + hashlib.sha256(body.encode()).digest()
    code = hmac.new(KEY.encode(), signed, hashlib.sha256).digest()
    content = {
        "account": {
            "options": {
                "workspace_id": "a1405560-c8d3-4b1a-877d-3f449ad95352",
                "channel_id": CHANNEL,
                "number": "+14155550100",
            },
            "secrets": {"access_key": ["x"], "signing_key": [KEY]},
        },
        "signature": "messagebird-signature",
        "time": "messagebird-request-timestamp",
        "window_s": 300,
        "channels": ["sms", "mms"],
        "lacks": ["flag"],
        "always": {"sender": "+14155550100", "service": CHANNEL},
        "request": {
            "method": "POST",
            "url": URL,
            "headers": {
                "content-type": "application/json",
                "messagebird-request-timestamp": str(NOW_S),
                "messagebird-signature": base64.b64encode(code).decode(),
            },
            "body": body,
        },
    }
    RECORDER.write(name, what, content | expected)


def event(kind, body):
    return {"service": "channels", "event": kind, "payload": body}


message = partial(message_fields, message_id=ID, service=CHANNEL, sent_us=1_789_999_998_736_000)


def main():
    write("stop", "STOP", event("sms.inbound", payload()), messages=[message()], answered="")
    write(
        "unicode", "Another wording",
        event("sms.inbound", payload(body={"type": "text", "text": {"text": "Arrête 🛑"}})),
        messages=[message(text="Arrête 🛑")], answered="",
    )  # fmt: skip
    image = {"text": "stop", "images": [{"mediaUrl": "https://media.example.com/1.jpg"}]}
    write(
        "picture", "A picture and a word",
        event("sms.inbound", payload(body={"type": "image", "image": image})),
        messages=[message(text="stop", channel="mms", media=["https://media.example.com/1.jpg"])],
        answered="",
    )  # fmt: skip
    write(
        "another_channel", "A channel that the account does not name",
        event("sms.inbound", payload(channelId=ANOTHER)),
        messages=[message(sender=ANOTHER, service=ANOTHER)], answered="",
    )  # fmt: skip
    write(
        "without_sender", "No sender", event("sms.inbound", payload(sender={})),
        unreadable="The payload lacks id, channelId or the sender",
    )  # fmt: skip
    write("no_json", "No JSON", "STOP", unreadable="Bird posts JSON of another shape")
    receiver = {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+14155550123"}]}
    failed = payload(
        direction="outgoing", status="delivery_failed", receiver=receiver, sender={},
        failure={"code": 15005, "source": {"name": "sms-messagebird", "code": "1"}},
    )  # fmt: skip
    report = {
        "message_id": ID, "number": "+14155550123", "sender": "+14155550100",
        "kind": "unreachable", "code": "1", "note": "no network has such a subscriber",
        "service": CHANNEL, "status": "undelivered",
    }  # fmt: skip
    write("failed", "A text of ours failed", event("sms.outbound", failed), reports=[report])
    delivered = payload(direction="outgoing", receiver=receiver)
    arrived = report | {"kind": "", "code": "", "note": "", "status": "delivered"}
    write(
        "delivered", "A text of ours arrived", event("sms.outbound", delivered), reports=[arrived]
    )


if __name__ == "__main__":
    main()
