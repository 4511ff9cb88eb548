"""Write the recorded webhooks of Sinch's Conversation API, signed by the steps Sinch documents.

.venv/bin/python -m tests.vectors.providers.sinch_conversation.make
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload="page: developers.sinch.com/docs/conversation/callbacks",
    signature="steps: developers.sinch.com/docs/conversation/callbacks (validating callbacks)",
    no_json=NO_JSON,
    without_id=LACKS_FIELD,
)
SECRET = "a-webhook-secret-that-opens-nothing"
NONCE, TIME = "01FJA8B4A7BM43YGWSG9GBV067", "1790000000"
APP, PROJECT = "01EB37HMH1M6SV18ASNS3G135H", "c36f3d3d-1513-4edd-ae42-11995557ff61"
ID = "01EQ4174WMDB8008EFT4M30481"
ACCOUNT = {
    "options": {
        "project_id": PROJECT,
        "app_id": APP,
        "key_id": "0b6d2a0e-3a8b-4bcb-9f55-2d9f0a1b2c3d",
    },
    "secrets": {"webhook_secret": [SECRET], "key_secret": ["opens-nothing"]},
}
MESSAGE = message_fields(ID, sent_us=1789999998500000)
SENDER = {"channel": "SMS", "identity": "14155550123", "app_id": APP}


def event(content: dict, **changes: object) -> dict:
    message = {
        "id": ID,
        "direction": "TO_APP",
        "contact_message": content,
        "channel_identity": SENDER,
        "conversation_id": "01EQ4174TGGY5B1VPTPGHW19R0",
        "contact_id": "01EQ415860ZZ2SDM7JJ3P39H0R",
        "metadata": "",
        "accept_time": "2026-09-21T14:13:18.500Z",
        "sender_id": "14155550100",
        "processing_mode": "CONVERSATION",
    }
    return frame(message=message | changes)


def frame(**parts: object) -> dict:
    return {
        "app_id": APP,
        "accepted_time": "2026-09-21T14:13:18.600Z",
        "event_time": "2026-09-21T14:13:18Z",
        "project_id": PROJECT,
        "message_metadata": "",
        **parts,
    }


def text(words: str, **changes: object) -> dict:
    return event({"text_message": {"text": words}}, **changes)


def delivery(status: str, code: str = "") -> dict:
    reason = {"reason": {"code": code, "description": "…"}} if code else {}
    report = {"message_id": ID, "status": status, "channel_identity": SENDER, **reason}
    return frame(message_delivery_report=report)


def write(name: str, what: str, content: object, **expected: object) -> None:
    body = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    signed = f"{body}.{NONCE}.{TIME}".encode()
    code = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    whole = {
        "account": ACCOUNT,
        "signature": "x-sinch-webhook-signature",
        "covers": ["body"],
        "window_s": 300,
        "time": "x-sinch-webhook-signature-timestamp",
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": "POST",
            "url": "https://sms.example.com/webhooks/sinch_conversation",
            "headers": {
                "content-type": "application/json",
                "x-sinch-webhook-signature": base64.b64encode(code).decode(),
                "x-sinch-webhook-signature-algorithm": "HmacSHA256",
                "x-sinch-webhook-signature-nonce": NONCE,
                "x-sinch-webhook-signature-timestamp": TIME,
            },
            "body": body,
        },
        **expected,
    }
    RECORDER.write(name, what, whole)


def main() -> None:
    write("stop", "STOP to a long number", text("STOP"), messages=[MESSAGE], answered="")
    words = "Arrêtez 🛑 שלום"
    write("unicode", "What is no ASCII, to a short code", text(words, sender_id="22395"),
          messages=[MESSAGE | {"text": words, "sender": "22395"}], answered="")  # fmt: skip
    write("toll_free", "start to a toll-free number", text("start", sender_id="18885550100"),
          messages=[MESSAGE | {"text": "start", "sender": "+18885550100"}],
          answered="network")  # fmt: skip
    picture = {"media_message": {"url": "https://media.sinch.com/1.png", "caption": "stop it"}}
    by_mms = {"channel_identity": SENDER | {"channel": "MMS"}}
    media = [picture["media_message"]["url"]]
    write("picture", "A picture over MMS", event(picture, **by_mms),
          messages=[MESSAGE | {"channel": "mms", "text": "stop it", "media": media}],
          answered="")  # fmt: skip
    choice = {"choice_response_message": {"message_id": "1", "postback_data": "STOP"}}
    write("choice", "A button on WhatsApp, which names no sender",
          event(choice, channel_identity=SENDER | {"channel": "WHATSAPP"}, sender_id=None),
          messages=[MESSAGE | {"channel": "whatsapp", "sender": ""}], answered="")  # fmt: skip
    write(
        "messenger",
        "A chat that has no numbers",
        text("STOP", channel_identity={"channel": "MESSENGER", "identity": "7746490198930851"}),
    )
    consent = {"contact_id": "01EQ415860ZZ2SDM7JJ3P39H0R", "channel": "SMS",
               "status": "OPT_OUT_SUCCEEDED", "request_id": "1"}  # fmt: skip
    write("opt_out", "An OPT_OUT, which names no number", frame(opt_out_notification=consent))
    report = {"message_id": ID, "number": "+14155550123", "sender": "", "status": "undelivered"}
    write("delivered", "What became of one of ours", delivery("DELIVERED"),
          reports=[{**report, "kind": "", "code": "", "note": "",
                    "status": "delivered"}])  # fmt: skip
    write("not_opted_in", "One of ours to somebody who had opted out",
          delivery("FAILED", "RECIPIENT_NOT_OPTED_IN"),
          reports=[{**report, "kind": "opted_out", "code": "RECIPIENT_NOT_OPTED_IN",
                    "note": "the number has not opted in, or has opted out"}])  # fmt: skip
    write("not_reachable", "One of ours that reached nobody",
          delivery("FAILED", "RECIPIENT_NOT_REACHABLE"),
          reports=[{**report, "kind": "unreachable", "code": "RECIPIENT_NOT_REACHABLE",
                    "note": "the number cannot be reached"}])  # fmt: skip
    write("without_id", "A text without an id", text("STOP", id=""),
          unreadable="The message lacks id")  # fmt: skip
    write("no_json", "What is no JSON", "STOP", unreadable="Sinch posts JSON of another shape")


if __name__ == "__main__":
    main()
