"""Write the recorded webhooks of Sinch's SMS API, signed by the steps that Sinch documents.

.venv/bin/python -m tests.vectors.providers.sinch.make
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload="page: developers.sinch.com/docs/sms/api-reference (webhooks, delivery reports)",
    signature="steps: developers.sinch.com/docs/conversation/callbacks (validating callbacks)",
    path={"signature": "none: a secret in the address"},
    no_json=NO_JSON,
    without_from=LACKS_FIELD,
)
SECRET = "a-webhook-secret-that-opens-nothing"
URL = "https://sms.example.com/webhooks/sinch"
NONCE, TIME = "01FJA8B4A7BM43YGWSG9GBV067", "1790000000"
ID, BATCH = "01XXXXX21XXXXX119Z8P1XXXXX", "01JHFFHQ0P99JPPNQPJDV7JTBP"
TEXT = {
    "body": "STOP",
    "from": "14155550123",
    "id": ID,
    "operator_id": "310260",
    "received_at": "2026-09-21T14:13:18.500Z",
    "sent_at": "2026-09-21T14:13:17Z",
    "to": "14155550100",
    "type": "mo_text",
}
MESSAGE = message_fields(ID, sent_us=1789999998500000)
REPORT = {
    "message_id": BATCH,
    "sender": "",
    "kind": "unreachable",
    "note": "deleted by the network: an invalid number, or one that opted out",
    "status": "undelivered",
}


def write(name: str, what: str, event: object, *, scheme: str = "hmac", **expected: object) -> None:
    body = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    signed = f"{body}.{NONCE}.{TIME}".encode()
    code = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    headers = {"content-type": "application/json"}
    if scheme == "hmac":
        headers |= {
            "x-sinch-webhook-signature": base64.b64encode(code).decode(),
            "x-sinch-webhook-signature-algorithm": "HmacSHA256",
            "x-sinch-webhook-signature-nonce": NONCE,
            "x-sinch-webhook-signature-timestamp": TIME,
        }
    timed = {"window_s": 300, "time": "x-sinch-webhook-signature-timestamp"}
    content = {
        "account": {
            "options": {"service_plan_id": "plan-1", "scheme": scheme},
            "secrets": {"webhook_secret": [SECRET], "api_token": ["opens-nothing"]},
        },
        "signature": "x-sinch-webhook-signature" if scheme == "hmac" else "path",
        "covers": ["body"] if scheme == "hmac" else [],
        **(timed if scheme == "hmac" else {}),
        "stamped": True,
        "channels": ["sms", "mms"],
        "lacks": ["service", "flag"],
        "request": {
            "method": "POST",
            "url": URL if scheme == "hmac" else f"{URL}/{SECRET}",
            "headers": headers,
            "body": body,
        },
        **expected,
    }
    RECORDER.write(name, what, content)


def main() -> None:
    write("stop", "STOP to a long number", TEXT, messages=[MESSAGE], answered="")
    write("path", "Unsigned, to a secret path", TEXT, scheme="path",
          messages=[MESSAGE], answered="")  # fmt: skip
    words = "Arrêtez 🛑 שלום"
    write("unicode", "What is no ASCII, to a short code, with a plus",
          TEXT | {"body": words, "to": "22395", "from": "+14155550123"},
          messages=[MESSAGE | {"text": words, "sender": "22395"}], answered="")  # fmt: skip
    write("toll_free", "unstop to a toll-free number",
          TEXT | {"to": "18885550100", "body": "unstop"},
          messages=[MESSAGE | {"sender": "+18885550100", "text": "unstop"}],
          answered="network")  # fmt: skip
    medium = {"url": "https://mms.sinch.com/1.png", "content_type": "image/png",
              "status": "Uploaded", "code": 0}  # fmt: skip
    picture = {
        "type": "mo_media",
        "body": {"subject": "hello", "message": "stop", "media": [medium]},
    }
    write("picture", "A picture with words", TEXT | picture,
          messages=[MESSAGE | {"channel": "mms", "text": "stop", "media": [medium["url"]]}],
          answered="")  # fmt: skip
    binary = {"type": "mo_binary", "udh": "06050415811581", "body": "U1RPUA=="}
    write("binary", "Data, whose meaning is not guessed at", TEXT | binary,
          messages=[MESSAGE | {"text": ""}], answered="")  # fmt: skip
    report = {"at": "2026-09-21T14:13:18Z", "batch_id": BATCH, "code": 0, "status": "Delivered",
              "recipient": "14155550123", "type": "recipient_delivery_report_sms"}  # fmt: skip
    arrived = REPORT | {"kind": "", "code": "", "note": "", "status": "delivered"}
    write("delivered", "What became of one of ours", report,
          reports=[arrived | {"number": "+14155550123"}])  # fmt: skip
    write("deleted", "One of ours to a dead number", report | {"status": "Deleted", "code": 406},
          reports=[REPORT | {"number": "+14155550123", "code": "406"}])  # fmt: skip
    statuses = [
        {"code": 0, "count": 1, "recipients": ["14155550121"], "status": "Delivered"},
        {"code": 406, "count": 1, "recipients": ["14155550122"], "status": "Deleted"},
    ]
    full = {"batch_id": BATCH, "statuses": statuses, "total_message_count": 2,
            "type": "delivery_report_sms"}  # fmt: skip
    write("batch_report", "What became of two of ours", full,
          reports=[arrived | {"number": "+14155550121"},
                   REPORT | {"number": "+14155550122", "code": "406"}])  # fmt: skip
    write("without_from", "A text from nobody", TEXT | {"from": ""},
          unreadable="The JSON lacks from")  # fmt: skip
    write("no_json", "What is no JSON", "STOP", unreadable="Sinch posts JSON of another shape")


if __name__ == "__main__":
    main()
