"""Write the recorded webhooks of Bandwidth.

.venv/bin/python -m tests.vectors.providers.bandwidth.make
"""

from __future__ import annotations

import base64
import json

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

INBOUND_CALLBACK = {
    "payload": "page: inboundCallback in bandwidth.yml of github.com/Bandwidth/python-sdk",
}
RECORDER = Recorder(
    __file__,
    payload="page: dev.bandwidth.com/docs/messaging/webhooks",
    signature="none: HTTP Basic",
    rcs=INBOUND_CALLBACK,
    tapped=INBOUND_CALLBACK,
    no_json=NO_JSON,
    without_from=LACKS_FIELD,
)
PASSWORD = "a-password-that-opens-nothing"
APPLICATION = "93de2206-9669-4e07-948d-329f4b722ee2"
ACCOUNT = {
    "options": {
        "account_id": "9900000",
        "application_id": APPLICATION,
        "callback_user": "smsgate",
        "client_id": "CLI-acme",
    },
    "secrets": {"callback_password": [PASSWORD], "client_secret": ["opens-nothing"]},
}
ID = "14762070468292kw2fuqty55yp2b2"
MESSAGE = message_fields(ID, sent_us=1789999998000000)
REPORT = {"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
          "status": "undelivered"}  # fmt: skip
ARRIVED = {**REPORT, "number": "+14155550100", "kind": "", "code": "", "note": "",
           "status": "delivered"}  # fmt: skip


def event(type_: str = "message-received", **changes: object) -> dict:
    message = {
        "id": ID,
        "owner": "+14155550100",
        "applicationId": APPLICATION,
        "time": "2026-09-21T14:13:18.000Z",
        "segmentCount": 1,
        "direction": "in",
        "to": ["+14155550100"],
        "from": "+14155550123",
        "text": "STOP",
    }
    return {
        "time": "2026-09-21T14:13:18.500Z",
        "type": type_,
        "to": "+14155550100",
        "description": "Incoming message received",
        "message": message | changes,
        "carrierName": "AT&T",
    }


def rcs(base: dict, type_: str = "suggestion-response", **changes: object) -> dict:
    """A message on RCS, as inboundCallback in Bandwidth/python-sdk's bandwidth.yml has it."""
    made = event(type_, **(base | changes))
    del made["message"]["text"]
    return made


def failed(code: int) -> dict:
    ours = {"direction": "out", "from": "+14155550100", "to": ["+14155550123"], "tag": "b-1-0"}
    outer = {"to": "+14155550123", "description": "failed", "errorCode": code}
    return event("message-failed", **ours) | outer


def write(name: str, what: str, events: object, **expected: object) -> None:
    body = events if isinstance(events, str) else json.dumps(events, ensure_ascii=False)
    basic = base64.b64encode(f"smsgate:{PASSWORD}".encode()).decode()
    content = {
        "account": ACCOUNT,
        "signature": "authorization",
        "covers": [],
        "stamped": True,
        "channels": ["sms", "mms"],
        "lacks": ["service", "flag"],
        "request": {
            "method": "POST",
            "url": "https://sms.example.com/webhooks/bandwidth",
            "headers": {
                "content-type": "application/json; charset=utf-8",
                "user-agent": "BandwidthAPI/v2",
                "authorization": f"Basic {basic}",
            },
            "body": body,
        },
        **expected,
    }
    RECORDER.write(name, what, content)


def main() -> None:
    write("stop", "STOP to a long number", [event()], messages=[MESSAGE], answered="")
    write("object", "One event that is no list", event(), messages=[MESSAGE], answered="")
    words = "Arrêtez 🛑 שלום"
    media = ["https://messaging.bandwidth.com/api/v2/users/9900000/media/1.png"]
    batch = [
        event(),
        event(id="2", text=words, media=media),
        event(id="3", owner="+18885550100", text=" Stop"),
        event("message-delivered", direction="out"),
        event(id="4", direction="out", text="STOP"),
    ]
    write("batch", "Three texts, and two events about texts of ours", batch,
          messages=[MESSAGE,
                    MESSAGE | {"message_id": "2", "text": words, "channel": "mms", "media": media},
                    MESSAGE | {"message_id": "3", "text": " Stop", "sender": "+18885550100"}],
          reports=[ARRIVED], answered=["", "", "network"])  # fmt: skip
    group = {"to": ["+14155550199", "+14155550100"], "owner": "+14155550100"}
    write("group", "A text to a group, of which one number is ours", [event(**group)],
          messages=[MESSAGE], answered="")  # fmt: skip
    write(
        "delivered", "What became of one of ours", [event("message-delivered", direction="out")],
        reports=[ARRIVED],
    )  # fmt: skip
    write("failed", "Failures of texts of ours", [failed(4475), failed(4720), failed(4470)],
          reports=[{**REPORT, "kind": "opted_out", "code": "4475",
                    "note": "the number has opted out"},
                   {**REPORT, "kind": "unreachable", "code": "4720",
                    "note": "the number cannot get texts"},
                   {**REPORT, "kind": "", "code": "4470", "note": ""}])  # fmt: skip
    on_rcs = {"text": None, "channel": "RBM", "segmentCount": 1, "owner": "Acme_agent",
              "to": ["Acme_agent"]}  # fmt: skip
    mark = base64.b64encode(b"STOP").decode()
    tapped = [
        rcs(on_rcs, suggestionResponse={"text": "Stop", "postbackData": mark}),
        rcs(on_rcs, id="2", suggestionResponse={"postbackData": mark, "pairedMessageId": None}),
    ]
    texted = MESSAGE | {"sender": "Acme_agent", "channel": "rcs"}
    write("tapped", "Suggested replies that were tapped on RCS, with a label and without", tapped,
          messages=[texted | {"text": "Stop"}, texted | {"message_id": "2"}],
          answered=["", ""])  # fmt: skip
    picture = "https://dev.bandwidth.com/images/bandwidth-logo.png"
    content = [
        rcs(on_rcs, "message-received", content={"text": "STOP"}),
        rcs(on_rcs, "message-received", id="2", content={"media": {"fileUrl": picture}}),
        rcs(on_rcs, "requested-location-response", id="3", locationResponse={"latitude": "37.7"}),
    ]
    write("rcs", "Words and a picture on RCS, and a place, which is no text", content,
          messages=[texted, texted | {"message_id": "2", "text": "", "media": [picture]}],
          answered=["", ""])  # fmt: skip
    write("without_from", "A text from nobody", [event(**{"from": ""})],
          unreadable="A message-received lacks id, from or owner")  # fmt: skip
    write("no_json", "What is no JSON", "STOP", unreadable="Bandwidth posts JSON of another shape")


if __name__ == "__main__":
    main()
