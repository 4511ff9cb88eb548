"""Write the recorded webhooks of Vonage's Messages API, signed by PyJWT.

.venv/bin/python -m tests.vectors.providers.vonage.make
"""

from __future__ import annotations

import hashlib
import json

import jwt

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload="page: developer.vonage.com/en/messages (inbound message, message status)",
    signature=(
        "library: PyJWT 2.15.1, by the steps of "
        "developer.vonage.com/en/getting-started/concepts/webhooks"
    ),
    no_json=NO_JSON,
    without_from=LACKS_FIELD,
    without_text=LACKS_FIELD,
    old_shape={"payload": "invented: the nesting of version 0.1, from memory"},
)
SECRET = "a-signature-secret-that-opens-nothing"
URL = "https://sms.example.com/webhooks/vonage"
NOW = 1790000000
ID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
ACCOUNT = {
    "options": {"api_key": "a1b2c3d4"},
    "secrets": {"signature_secret": [SECRET], "api_secret": ["opens-nothing"]},
}
EVENT = {
    "to": "14155550100",
    "from": "14155550123",
    "channel": "sms",
    "message_uuid": ID,
    "timestamp": "2026-09-21T14:13:18Z",
    "usage": {"price": "0.0057", "currency": "EUR"},
    "message_type": "text",
    "text": "STOP",
    "sms": {"num_messages": "1", "total_count": "1", "keyword": "STOP"},
}
MESSAGE = message_fields(ID, sent_us=1789999998000000)
STATUS = {
    "message_uuid": ID,
    "to": "14155550123",
    "from": "14155550100",
    "timestamp": "2026-09-21T14:13:18Z",
    "status": "rejected",
    "channel": "sms",
    "client_ref": "vonage-1-0",
}
REPORT = {"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
          "status": "failed"}  # fmt: skip


def write(name: str, what: str, event: object, **expected: object) -> None:
    body = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    claims = {
        "iat": NOW,
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body.encode()).hexdigest(),
        "api_key": "a1b2c3d4",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    }
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    content = {
        "account": ACCOUNT,
        "signature": "authorization",
        "covers": ["body"],
        "window_s": 300,
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": "POST",
            "url": URL,
            "headers": {"content-type": "application/json", "authorization": f"Bearer {token}"},
            "body": body,
        },
        **expected,
    }
    RECORDER.write(name, what, content)


def error(code: str) -> dict:
    type_ = f"https://developer.vonage.com/api-errors/messages#{code}"
    return {"error": {"type": type_, "title": int(code), "detail": "…", "instance": "bf0ca0bf"}}


def main() -> None:
    write("stop", "STOP to a long number", EVENT, messages=[MESSAGE], answered="")
    write("toll_free", "stop to a toll-free number", EVENT | {"to": "18335550100", "text": "stop "},
          messages=[MESSAGE | {"sender": "+18335550100", "text": "stop "}],
          answered="network")  # fmt: skip
    words = "Arrêtez 🛑 שלום"
    write("unicode", "To a short code, what is no ASCII", EVENT | {"text": words, "to": "22395"},
          messages=[MESSAGE | {"text": words, "sender": "22395"}], answered="")  # fmt: skip
    picture = {"channel": "mms", "message_type": "image"}
    picture |= {"image": {"url": "https://api-us.nexmo.com/v3/media/1", "caption": "stop this"}}
    without_text = {name: value for name, value in EVENT.items() if name not in ("text", "sms")}
    expected = {"channel": "mms", "media": [picture["image"]["url"]], "text": "stop this"}
    write("picture", "A picture whose caption speaks", without_text | picture,
          messages=[MESSAGE | expected], answered="")  # fmt: skip
    button = {"channel": "whatsapp", "message_type": "button"}
    button |= {"button": {"payload": "stop", "text": "Stop promotions"}}
    write("button", "A button on WhatsApp", without_text | button,
          messages=[MESSAGE | {"channel": "whatsapp", "text": "Stop promotions"}],
          answered="")  # fmt: skip
    parts = [{"type": "image", "url": "https://api-us.nexmo.com/v3/media/1"},
             {"type": "text", "text": "STOP"}]  # fmt: skip
    write("mms_parts", "An MMS with a picture and a word",
          without_text | {"channel": "mms", "message_type": "content", "content": parts},
          messages=[MESSAGE | {"channel": "mms", "media": [parts[0]["url"]]}],
          answered="")  # fmt: skip
    write("without_text", "A text without its text", without_text,
          unreadable="The request lacks text")  # fmt: skip
    write("messenger", "A chat that has no numbers", EVENT | {"channel": "messenger"})
    write("delivered", "The status of one of ours", STATUS | {"status": "delivered"},
          reports=[{**REPORT, "kind": "", "code": "", "note": "",
                    "status": "delivered"}])  # fmt: skip
    write("opted_out", "One of ours to somebody who had opted out", STATUS | error("9"),
          reports=[{**REPORT, "kind": "opted_out", "code": "9",
                    "note": "the number has opted out of texts from this sender"}])  # fmt: skip
    write("no_number", "One of ours to no number", STATUS | error("1170"),
          reports=[{**REPORT, "kind": "unreachable", "code": "1170",
                    "note": "there is no such number"}])  # fmt: skip
    without = {name: value for name, value in EVENT.items() if name != "from"}
    write("without_from", "A text from nobody", without, unreadable="The JSON lacks from")
    old = EVENT | {"from": {"type": "sms", "number": "14155550123"}}
    write("old_shape", "Version 0.1, which nests", old, unreadable="Vonage posts JSON of another")
    write("no_json", "What is no JSON", "text=STOP", unreadable="Vonage posts JSON of another")


if __name__ == "__main__":
    main()
