"""Write the recorded webhooks of Telnyx, signed by `cryptography` and not by the code under test.

.venv/bin/python -m tests.vectors.providers.telnyx.make
"""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload="page: developers.telnyx.com/docs/messaging/messages/receiving-webhooks",
    signature=(
        "library: cryptography 50.0.2, by the steps of "
        "developers.telnyx.com/development/api-fundamentals/webhooks"
    ),
    no_event={"payload": "invented: JSON that is no event"},
    without_from=LACKS_FIELD,
    call={"payload": "invented: an event of another product, by its name alone"},
    escaped={"payload": "invented: the same text with JSON escapes, which nobody was seen to send"},
)
SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
TIME = "1790000000"
ACCOUNT = {
    "options": {},
    "secrets": {
        "api_key": ["KEY0-opens-nothing"],
        "public_key": [base64.b64encode(PUBLIC).decode()],
        "signing_key": [base64.b64encode(SEED).decode()],
    },
}
PROFILE = "740572b6-099c-44a1-89b9-6c92163bc68d"
ID = "84cca175-9755-4859-b67f-4730d7f58aa3"
MESSAGE = message_fields(ID, service=PROFILE, sent_us=1789999999503000)


def event(payload: dict, kind: str = "message.received") -> dict:
    return {
        "data": {
            "event_type": kind,
            "id": "b301ed3f-1490-491f-995f-6e64e69674d4",
            "occurred_at": "2026-09-21T14:13:19.588+00:00",
            "payload": payload,
            "record_type": "event",
        },
        "meta": {"attempt": 1, "delivered_to": "https://sms.example.com/webhooks/telnyx"},
    }


def text(**changes: object) -> dict:
    payload = {
        "cc": [],
        "completed_at": None,
        "cost": None,
        "direction": "inbound",
        "encoding": "GSM-7",
        "errors": [],
        "from": {
            "carrier": "T-Mobile USA",
            "line_type": "Wireless",
            "phone_number": "+14155550123",
        },
        "id": ID,
        "media": [],
        "messaging_profile_id": PROFILE,
        "organization_id": "47a530f8-4362-4526-829b-bcee17fd9f7a",
        "parts": 1,
        "received_at": "2026-09-21T14:13:19.503+00:00",
        "record_type": "message",
        "sent_at": None,
        "tags": [],
        "text": "STOP",
        "to": [
            {
                "carrier": "Telnyx",
                "line_type": "Wireless",
                "phone_number": "+14155550100",
                "status": "webhook_delivered",
            }
        ],
        "type": "SMS",
        "valid_until": None,
        "webhook_failover_url": None,
        "webhook_url": None,
    }
    return {**payload, **changes}


def to(*numbers: str, status: str = "webhook_delivered") -> list[dict]:
    return [{"phone_number": number, "status": status} for number in numbers]


def write(name: str, what: str, body: dict, ascii_only: bool = False, **rest: object) -> None:
    raw = json.dumps(body, ensure_ascii=ascii_only, separators=(",", ":"))
    signature = base64.b64encode(KEY.sign(f"{TIME}|{raw}".encode())).decode()
    content = {
        "account": ACCOUNT,
        "signature": "telnyx-signature-ed25519",
        "covers": ["body"],
        "time": "telnyx-timestamp",
        "window_s": 300,
        "channels": ["sms", "mms"],
        "request": {
            "method": "POST",
            "url": "https://sms.example.com/webhooks/telnyx",
            "headers": {
                "content-type": "application/json; charset=utf-8",
                "user-agent": "telnyx-webhooks",
                "telnyx-signature-ed25519": signature,
                "telnyx-timestamp": TIME,
            },
            "body": raw,
        },
        **rest,
    }
    RECORDER.write(name, what, content)


def one(name: str, what: str, payload: dict, answered: str, **changes: object) -> None:
    write(name, what, event(payload), messages=[{**MESSAGE, **changes}], answered=answered)


def nothing(name: str, what: str, body: dict, **rest: object) -> None:
    write(name, what, body, **rest)


one("stop", "STOP, and Telnyx says that it answered",
    text(autoresponse_type="STOP"), "provider", flag="opt_out")  # fmt: skip
one("stop_without_flag", "STOP from a profile that does not say so", text(), "provider")
one("stop_please", "A wording that Telnyx does not know",
    text(text="Stop please"), "", text="Stop please")  # fmt: skip
one("start", "START", text(text="START", autoresponse_type="START"), "provider",
    text="START", flag="opt_in")  # fmt: skip
one("help", "HELP", text(text="Help", autoresponse_type="HELP"), "provider",
    text="Help", flag="help")  # fmt: skip
one("toll_free", "STOP to a toll-free number", text(to=to("+18885550100")), "network",
    sender="+18885550100")  # fmt: skip
one("short_code", "A short code of ours", text(to=to("22395")), "provider", sender="22395")
one("unicode", "Letters of three scripts and a picture in UTF-8",
    text(text="ARRÊT 停止 توقف 🛑", encoding="UCS-2"), "", text="ARRÊT 停止 توقف 🛑")  # fmt: skip
one("mms", "A picture without words",
    text(text="", type="MMS", media=[{"content_type": "image/png", "sha256": "ab", "size": 9,
                                      "url": "https://media.telnyx.com/1.png"}]),
    "", text="", channel="mms", media=["https://media.telnyx.com/1.png"])  # fmt: skip
one("group", "A group text, our number second",
    text(type="MMS", text="Stop", to=[*to("+14155550177", status="delivered"), *to("+14155550100")],
         cc=to("+14155550178")), "provider", text="Stop", channel="mms")  # fmt: skip
write("escaped", "Unicode as JSON escapes, with a pair of surrogates",
      event(text(text="para ya 🛑")), ascii_only=True,
      messages=[{**MESSAGE, "text": "para ya 🛑"}], answered="")  # fmt: skip
nothing(
    "sent",
    "A text of ours was sent",
    event(text(direction="outbound", to=to("+14155550123", status="sent")), "message.sent"),
)
nothing("finalized", "A text of ours was blocked",
        event(text(direction="outbound", to=to("+14155550123", status="sending_failed"),
                   **{"from": to("+14155550100")[0]},
                   errors=[{"code": "40300", "title": "Blocked due to STOP message"}]),
              "message.finalized"),
        reports=[{"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
                  "kind": "opted_out", "code": "40300", "service": PROFILE,
                  "note": "the number has sent STOP to this messaging profile",
                  "status": "failed"}])  # fmt: skip
nothing("delivered", "A text of ours arrived",
        event(text(direction="outbound", to=to("+14155550123", status="delivered")),
              "message.finalized"),
        reports=[{"message_id": ID, "number": "+14155550123", "sender": "+14155550123",
                  "kind": "", "code": "", "service": PROFILE, "note": "",
                  "status": "delivered"}])  # fmt: skip
nothing(
    "call", "Another product's event", event({"from": "+14155550123", "to": "x"}, "call.hangup")
)
write("without_from", "Nobody sent it", event(text(**{"from": {}})),
      unreadable="The payload lacks id, from or to")  # fmt: skip
write("no_event", "JSON that is no event", {"hello": "world"},
      unreadable="Telnyx posts JSON of another shape: ")  # fmt: skip
