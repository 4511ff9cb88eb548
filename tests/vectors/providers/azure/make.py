"""Writes the recorded webhooks of Azure: python -m tests.vectors.providers.azure.make.

Tokens are signed by PyJWT with a key that is thrown away.
"""

from __future__ import annotations

import json
from functools import partial

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload=(
        "page: learn.microsoft.com/azure/event-grid (Azure Communication Services telephony and "
        "SMS events)"
    ),
    signature="none: a secret in the address",
    entra={
        "signature": (
            "library: PyJWT 2.15.1, with the claims of "
            "learn.microsoft.com/entra/identity-platform (Access token claims reference)"
        ),
    },
    cloud_event={
        "payload": (
            "page: the same event in the CloudEvents schema of learn.microsoft.com/azure/event-grid"
        ),
    },
    cloud_events={
        "payload": (
            "page: the same events in the CloudEvents schema of "
            "learn.microsoft.com/azure/event-grid"
        ),
    },
    validation={"payload": "page: learn.microsoft.com/azure/event-grid (Endpoint validation)"},
    no_json=NO_JSON,
    without_sender=LACKS_FIELD,
    without_type={"payload": "invented: an event of no schema"},
)
SECRET = "a-secret-that-opens-nothing"
TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/acme/providers/"
    "Microsoft.Communication/communicationServices/acme"
)
ID = "Incoming_20260921141318_5f1e2a"
NAMED = "Microsoft.Communication."
TENANT = "11111111-2222-4333-8444-555555555555"
APPLICATION = "66666666-7777-4888-8999-aaaaaaaaaaaa"
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
NOW_S = 1_790_000_000


def event(kind, data):
    return {
        "id": "d3d1c0a5-0000-4000-8000-000000000001",
        "topic": TOPIC,
        "subject": "/phonenumber/14155550100",
        "data": data,
        "eventType": kind,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": "2026-09-21T14:13:19Z",
    }


def text(**changes):
    data = {
        "messageId": ID,
        "from": "14155550123",
        "to": "14155550100",
        "message": "STOP",
        "receivedTimestamp": "2026-09-21T14:13:18.2855749+00:00",
        "segmentCount": 1,
        **changes,
    }
    return event(f"{NAMED}SMSReceived", data)


def write(name, what, body, kind="Notification", **expected):
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    content = {
        "account": {
            "options": {"endpoint": "https://acme.unitedstates.communication.azure.com"},
            "secrets": {"access_key": ["YW4gYWNjZXNzIGtleQ=="], "webhook_secret": [SECRET]},
        },
        "signature": "path",
        "covers": [],
        "stamped": True,
        "channels": ["sms"],
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": "POST",
            "url": f"https://sms.example.com/webhooks/azure/{SECRET}",
            "headers": {"content-type": "application/json; charset=utf-8", "aeg-event-type": kind},
            "body": body,
        },
    }
    RECORDER.write(name, what, content | expected)


def cloud_event(kind, data):
    topic = event(kind, data)["topic"]
    return {
        "id": "d3d1c0a5-0000-4000-8000-000000000001",
        "source": topic,
        "subject": "/phonenumber/14155550100",
        "data": data,
        "type": kind,
        "time": "2026-09-21T14:13:19Z",
        "specversion": "1.0",
    }


def by_entra():
    """An account, what is in the headers, and what Entra's address gives: keys."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {
        "aud": f"api://{APPLICATION}",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": NOW_S - 300,
        "nbf": NOW_S - 300,
        "exp": NOW_S + 86_400,
        "appid": EVENT_GRID,
        "appidacr": "2",
        "tid": TENANT,
        "ver": "1.0",
    }
    token = jwt.encode(claims, key, "RS256", {"kid": "key-1"})
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    keys = {"keys": [{"kty": "RSA", "use": "sig", **public, "kid": "key-1"}]}
    options = {
        "endpoint": "https://acme.unitedstates.communication.azure.com",
        "scheme": "entra",
        "tenant": TENANT,
    }
    secrets = {"access_key": ["YW4gYWNjZXNzIGtleQ=="], "application": [APPLICATION]}
    return {
        "account": {"options": options, "secrets": secrets},
        "signature": "authorization",
        "simulable": False,
        "request": {
            "method": "POST",
            "url": "https://sms.example.com/webhooks/azure",
            "headers": {
                "content-type": "application/json; charset=utf-8",
                "aeg-event-type": "Notification",
                "authorization": f"Bearer {token}",
            },
            "body": json.dumps([text()]),
            "certificate": json.dumps(keys),
        },
    }


message = partial(message_fields, message_id=ID, sent_us=1789999998285574)


def main():
    write("stop", "STOP to a long number", [text()], messages=[message()], answered="")
    write(
        "batch", "A batch: a toll-free number, a short code, something else",
        [
            text(messageId="1", to="+18885550100", message="Stop"),
            event(f"{NAMED}ChatMessageReceived", {"messageBody": "hello"}),
            text(messageId="2", to="22395", message="help"),
            text(messageId="3", to="22395", message="Bitte aufhören 🛑"),
        ],
        messages=[
            message(message_id="1", sender="+18885550100", text="Stop"),
            message(message_id="2", sender="22395", text="help"),
            message(message_id="3", sender="22395", text="Bitte aufhören 🛑"),
        ],
        answered=["network", "provider", ""],
    )  # fmt: skip
    write(
        "one_event", "An event without a list around it", text(message="stop it"),
        messages=[message(text="stop it")], answered="",
    )  # fmt: skip
    write(
        "without_sender", "One of two texts lacks its sender", [text(), text(**{"from": ""})],
        unreadable="An event lacks messageId, from or to",
    )  # fmt: skip
    write("no_json", "No JSON", "STOP", unreadable="Event Grid posts JSON of another shape")
    code = {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://…"}
    write(
        "validation", "A new subscription is validated",
        [event("Microsoft.EventGrid.SubscriptionValidationEvent", code)],
        kind="SubscriptionValidation",
    )  # fmt: skip
    write(
        "cloud_event", "A CloudEvent", cloud_event(f"{NAMED}SMSReceived", text()["data"]),
        messages=[message()], answered="",
    )  # fmt: skip
    write(
        "cloud_events", "A batch of CloudEvents, one of them of another kind",
        [
            cloud_event(f"{NAMED}SMSReceived", text(message="arrêt")["data"]),
            cloud_event(f"{NAMED}ChatMessageReceived", {}),
        ],
        messages=[message(text="arrêt")], answered="",
    )  # fmt: skip
    write(
        "without_type", "An event of no schema", [{"data": {}}],
        unreadable="An event lacks eventType",
    )  # fmt: skip
    write(
        "entra", "STOP with a token of Entra's", "", messages=[message()], answered="", **by_entra()
    )
    delivery = {
        "messageId": "Outgoing_1", "from": "14155550100", "to": "14155550123",
        "deliveryStatus": "Failed", "deliveryStatusDetails": "Sender blocked for given recipient.",
        "receivedTimestamp": "2026-09-21T14:13:18Z", "deliveryAttempts": [], "tag": "",
    }  # fmt: skip
    report = {
        "message_id": "Outgoing_1", "number": "+14155550123", "sender": "+14155550100",
        "kind": "opted_out", "code": "Sender blocked for given recipient",
        "note": "the number has sent STOP to the sender", "status": "undelivered",
    }  # fmt: skip
    delivered = delivery | {"deliveryStatus": "Delivered", "deliveryStatusDetails": "No error."}
    write(
        "delivery_reports", "A text of ours that was blocked, and one that arrived",
        [event(f"{NAMED}SMSDeliveryReportReceived", data) for data in (delivery, delivered)],
        reports=[report, report | {"kind": "", "code": "", "note": "", "status": "delivered"}],
    )  # fmt: skip


if __name__ == "__main__":
    main()
