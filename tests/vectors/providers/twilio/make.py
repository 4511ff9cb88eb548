"""Write the recorded events and status callbacks of Twilio, signed by Twilio's own library.

.venv/bin/python -m tests.vectors.providers.twilio.make
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

EVENT_TYPES = {"payload": "page: twilio.com/docs/events/event-types/messaging"}
STATUS_CALLBACK = {
    "payload": "page: twilio.com/docs/messaging/guides/track-outbound-message-status",
}
RECORDER = Recorder(
    __file__,
    payload="page: twilio.com/docs/messaging/guides/webhook-request",
    signature="sdk: twilio 9.13.0, RequestValidator",
    events=EVENT_TYPES,
    events_of_ours=EVENT_TYPES,
    status_callback=STATUS_CALLBACK,
    status_callback_read=STATUS_CALLBACK,
    status_filtered=STATUS_CALLBACK,
    status_opted_out=STATUS_CALLBACK,
    status_unreachable=STATUS_CALLBACK,
    blanks_and_repeats={
        "payload": (
            "invented: blank and repeated values, to see that they are signed and read alike"
        ),
    },
    two_senders={"payload": "invented: a repeated From, which nobody was seen to send"},
    latin_1={"payload": "invented: bytes that are no UTF-8, which nobody was seen to send"},
    event_without_from=LACKS_FIELD,
    without_body=LACKS_FIELD,
    without_from_and_sid=LACKS_FIELD,
    json_with_hash={"payload": "invented: JSON that is no event"},
)
TOKEN = "a-token-that-opens-nothing"
SID = "AC7f3a09c17f3a09c17f3a09c17f3a09c1"
SERVICE = "MG41be5d0241be5d0241be5d0241be5d02"
URL = "https://sms.example.com/webhooks/twilio"
ID = "SMa87ff679a2f3e71d9181a67b7542122c"
PICTURE, CHAT = "MM" + "2" * 32, "SM" + "3" * 32
ACCOUNT = {"options": {"account_sid": SID}, "secrets": {"auth_token": [TOKEN]}}
REPORT = {"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
          "status": "undelivered"}  # fmt: skip
FILTERED = {**REPORT, "kind": "", "code": "30007", "note": ""}
MESSAGE = message_fields(ID, sent_us=1789999998500000)


def event(kind: str, **changes: object) -> dict:
    data = {
        "messageSid": ID,
        "timestamp": "2026-09-21T14:13:18.500Z",
        "accountSid": SID,
        "eventName": f"com.twilio.messaging.{kind}",
        **changes,
    }
    return {
        "specversion": "1.0",
        "type": f"com.twilio.messaging.{kind}",
        "source": "AB00000000000000000000000000000001",
        "id": "NO00000000000000000000000000000001",
        "dataschema": "https://events-schemas.twilio.com/Messaging.InboundMessageV1/6",
        "datacontenttype": "2026-09-21T14:13:19.000Z",
        "time": "2026-09-21T14:13:19.000Z",
        "data": data,
    }


def text(**changes: object) -> dict:
    told = {"from": "+14155550123", "to": "+14155550100", "numMedia": 0, "body": "STOP"}
    return event("inbound-message.received", **told | {"mcc": "310", "mnc": "090"} | changes)


def status_event(kind: str, **changes: object) -> dict:
    told = {"from": "+14155550100", "to": "+14155550123", "messageStatus": kind.upper()}
    return event(f"message.{kind}", **told | changes)


def write(
    name: str, what: str, url: str, kind: str, body: str, form: dict, **expected: object
) -> None:
    content = {
        "account": ACCOUNT,
        "signature": "x-twilio-signature",
        "request": {
            "method": "POST",
            "url": url,
            "headers": {
                "content-type": kind,
                "x-twilio-signature": RequestValidator(TOKEN).compute_signature(url, form),
            },
            "body": body,
        },
        **expected,
    }
    RECORDER.write(name, what, content)


def write_events(name: str, what: str, events: object, **expected: object) -> None:
    body = json.dumps(events, ensure_ascii=False)
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    write(name, what, url, "application/json", body, {}, **expected)


def write_status(name: str, what: str, changes: dict, **expected: object) -> None:
    form = {
        "SmsSid": ID,
        "SmsStatus": "undelivered",
        "MessageStatus": "undelivered",
        "To": "+14155550123",
        "MessageSid": ID,
        "AccountSid": SID,
        "From": "+14155550100",
        "ApiVersion": "2010-04-01",
        **changes,
    }
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    write(name, what, URL, kind, urlencode(form), form, **expected)


def main() -> None:
    words = "Arrêtez & 🛑 שלום"
    service = {"messagingServiceSid": SERVICE, "optOutType": "STOP"}
    picture = {"messageSid": PICTURE, "body": words, "numMedia": 1}
    chat = {"messageSid": CHAT, "from": "whatsapp:+14155550123", "to": "whatsapp:+14155550100"}
    write_events(
        "events",
        "A batch: two texts, a chat, and an event about something else",
        [text(**service), text(**picture), event("link-clicked"), text(**chat)],
        messages=[
            MESSAGE | {"service": SERVICE, "flag": "opt_out"},
            MESSAGE | {"message_id": PICTURE, "text": words, "channel": "mms"},
            MESSAGE | {"message_id": CHAT, "channel": "whatsapp"},
        ],
        answered=["provider", "", ""],
    )
    opted_out = "the number has opted out of texts from this sender"
    refused = {**REPORT, "kind": "opted_out", "code": "21610", "note": opted_out,
               "service": SERVICE, "status": "failed"}  # fmt: skip
    gone = "the number is unknown or no longer in use"
    write_events(
        "events_of_ours",
        "What became of three of ours",
        [
            status_event("delivered"),
            status_event("failed", errorCode=21610, messagingServiceSid=SERVICE),
            status_event("undelivered", errorCode="30005"),
        ],
        reports=[
            {**REPORT, "kind": "", "code": "", "note": "", "status": "delivered"},
            refused,
            {**REPORT, "kind": "unreachable", "code": "30005", "note": gone},
        ],
    )
    write_events(
        "event_without_from", "A text from nobody", [text(**{"from": ""})],
        unreadable="An event lacks messageSid, from or to",
    )  # fmt: skip
    write_status(
        "status_opted_out",
        "One of ours to somebody who had opted out",
        {"ErrorCode": "21610", "MessagingServiceSid": SERVICE, "MessageStatus": "failed"},
        reports=[refused],
    )
    write_status(
        "status_unreachable",
        "One of ours to a number that is gone, on WhatsApp",
        {"ErrorCode": "30005", "To": "whatsapp:+14155550123", "From": "whatsapp:+14155550100"},
        reports=[{**REPORT, "kind": "unreachable", "code": "30005", "note": gone}],
    )
    write_status(
        "status_filtered", "One of ours that a carrier filtered", {"ErrorCode": "30007"},
        reports=[FILTERED],
    )  # fmt: skip
    button = {
        "SmsMessageSid": CHAT, "NumMedia": "0", "ProfileName": "Ana", "MessageType": "button",
        "SmsSid": CHAT, "WaId": "34911234567", "SmsStatus": "received", "ButtonPayload": "stop-1",
        "ButtonText": "Stop promotions", "To": "whatsapp:+14155550100", "NumSegments": "1",
        "MessageSid": CHAT, "AccountSid": SID, "From": "whatsapp:+34911234567",
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    chosen = {"message_id": CHAT, "number": "+34911234567", "sender": "+14155550100",
              "text": "Stop promotions", "channel": "whatsapp"}  # fmt: skip
    write(
        "whatsapp_button", "A button on WhatsApp, whose words stand in ButtonText", URL, kind,
        urlencode(button), button, messages=[chosen], answered="",
    )  # fmt: skip
    bare = {name: value for name, value in button.items() if name != "ButtonText"}
    write("without_body", "A text without its text", URL, kind, urlencode(bare), bare,
          unreadable="The request lacks Body")  # fmt: skip


if __name__ == "__main__":
    main()
